# Sourced after _setup.sh, from the repository's root: a program that is not the product's in a venv of its own.
# Unchanged locks cost a digest and no network.
_tools_venv() {  # name, lock
    local name=$1 lock=$2 home=".venv-tools/$1" stamp
    stamp="$(cksum < "$lock") $PWD"
    [ "$(cat "$home/.setup" 2>/dev/null)" = "$stamp" ] && return 0
    echo "set-up: $name ..." >&2
    rm -rf "$home"; mkdir -p .venv-tools
    .venv/bin/python -m venv "$home" >&2 || _setup_fail "no venv for $name; see above."
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock" >&2 \
        || _setup_fail "installing $name failed; see above, then run this again."
    printf '%s' "$stamp" > "$home/.setup"
}
