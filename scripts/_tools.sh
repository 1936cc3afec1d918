# Sourced after _setup.sh, from the repository's root: brings .venv-tools/, the tools that read contracts.
# Each has a venv of its own: slither wants an older web3 than the product, and both are AGPL programs that the product
# never imports and never runs.
. scripts/_tools_venv.sh

_tools_venv slither requirements-slither.txt & _tools_slither=$!
_tools_venv halmos requirements-halmos.txt
wait "$_tools_slither" || exit 2
