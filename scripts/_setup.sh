# Sourced by every script here, from the repository's root: brings .venv/ and contracts/node_modules up to date.
# Unchanged locks cost a digest and no network. Everything it writes is git-ignored and inside the repository.
export NODE_USE_SYSTEM_CA=1 PYTHONDONTWRITEBYTECODE="${PYTHONDONTWRITEBYTECODE-}"
PATH="$PWD/.venv/bin:$PATH"

_setup_fail() { printf 'set-up: %s\n' "$*" >&2; exit 2; }

_setup_python() {  # prints the first Python this product supports
    local candidate
    for candidate in "${PYTHON:-}" python3.13 python3.12 python3.11 python3 python; do
        [ -n "$candidate" ] && command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || continue
        printf '%s' "$candidate"; return 0
    done
    return 1
}

_setup_stale() {  # name, files: whether the stamp of that name is not of these files, in this place
    local name=$1; shift
    _setup_stamp="$(cat "$@" | cksum) $PWD"  # a moved checkout needs a new venv: its scripts hold absolute paths
    [ "$(cat ".venv/.setup-$name" 2>/dev/null)" != "$_setup_stamp" ]
}

_setup_done() { printf '%s' "$_setup_stamp" > ".venv/.setup-$1"; }

_setup_packages() {
    local python
    python="$(_setup_python)" || _setup_fail "needs Python 3.11, 3.12 or 3.13; found none. Install one or set PYTHON=/path/to/python."
    echo "set-up: Python packages (about a minute the first time) ..." >&2
    rm -rf .venv
    "$python" -m venv .venv >&2 || { rm -rf .venv; _setup_fail "this Python lacks venv: install it (on Debian: apt-get install python3-venv)."; }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt >&2 \
        || _setup_fail "installing the Python packages failed; see above, then run this again."
}

_setup_product() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2 \
        || _setup_fail "installing ShareLedger itself failed; see above."
}

_setup_node() {
    echo "set-up: compiler, local chain and sample data ..." >&2
    (cd contracts && HOME="$PWD/.cache" npm ci --no-progress --loglevel=error >&2) \
        || _setup_fail "npm ci in contracts/ failed; see above, then run this again."
}

if _setup_stale packages requirements-dev.txt; then _setup_packages; _setup_done packages; fi
if _setup_stale product pyproject.toml; then _setup_product; _setup_done product; fi
if _setup_stale node contracts/package-lock.json contracts/.npmrc; then _setup_node; _setup_done node; fi
