# Sourced after _setup.sh, from the repository's root: a program that is not the product's in a venv of its own.
# Unchanged locks cost a digest and no network.
_tools_site='import sysconfig; print(sysconfig.get_path("purelib"))'
_tools_beside='import pathlib, sys, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "product.pth").write_text(f"import site; site.addsitedir({sys.argv[1]!r})\n")'

_tools_venv() {  # name, lock, [beside: it sees the product and its packages too, and builds with its own setuptools]
    local name=$1 lock=$2 home=".venv-tools/$1" stamp building=
    stamp="$(cksum < "$lock") $PWD"
    [ "$(cat "$home/.setup" 2>/dev/null)" = "$stamp" ] && return 0
    echo "set-up: $name ..." >&2
    rm -rf "$home"; mkdir -p .venv-tools
    .venv/bin/python -m venv "$home" >&2 || _setup_fail "no venv for $name; see above."
    if [ "${3:-}" = beside ]; then
        sed -n '/^setuptools==/,/[^\]$/p' "$lock" > "$home/building.txt"
        "$home/bin/python" -c "$_tools_beside" "$(.venv/bin/python -c "$_tools_site")" &&
            "$home/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$home/building.txt" >&2 ||
            _setup_fail "installing what builds $name failed; see above, then run this again."
        building=--no-build-isolation
    fi
    "$home/bin/python" -m pip install --quiet --disable-pip-version-check $building --require-hashes -r "$lock" >&2 \
        || _setup_fail "installing $name failed; see above, then run this again."
    printf '%s' "$stamp" > "$home/.setup"
}
