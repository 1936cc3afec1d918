# Sourced after _setup.sh, from the repository's root: brings .venv-tools/, the tools that read contracts.
# Each has a venv of its own: slither wants an older web3 than the product, and both are AGPL programs that the product
# never imports and never runs. Unchanged locks cost a digest and no network.
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

_tools_venv slither requirements-slither.txt & _tools_slither=$!
_tools_venv halmos requirements-halmos.txt
wait "$_tools_slither" || exit 2
