# Sourced after _setup.sh, from the repository's root: brings .venv-tools/, the tools that read contracts, and Spark.
# Each has a venv of its own: slither wants an older web3 than the product, and both are AGPL programs that the product
# never imports and never runs. Spark is large, and of use only where there is a Java that it runs on.
. scripts/_tools_venv.sh

_tools_java() { [ "$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')" -ge 17 ] 2>/dev/null; }
_tools_spark=
if _tools_java; then _tools_venv spark requirements-spark.txt beside & _tools_spark=$!; fi
_tools_venv slither requirements-slither.txt & _tools_slither=$!
_tools_venv halmos requirements-halmos.txt
wait "$_tools_slither" || exit 2
[ -z "$_tools_spark" ] || wait "$_tools_spark" || exit 2
