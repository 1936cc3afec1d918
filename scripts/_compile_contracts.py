"""Compiles contracts/src with the pinned npm solc, through py-solc-x, into ledger/chain/artifacts/*.json.

    scripts/compile_contracts            writes the artefacts and prints their sizes
    scripts/compile_contracts --check    writes nothing; exits 1 and names the artefacts that differ

The output depends on the sources and the pins alone: no path, no time, no compiler-internal number is in it.
Exit codes: 0 good, 1 stale (with --check), 2 it does not compile or a contract is too large.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

import solcx

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
ARTIFACTS = ROOT / "ledger" / "chain" / "artifacts"
NAMES = (
    "Journal", "Departments", "Datasets", "Authorisations", "Attestations", "Rulebook", "Checkpoints", "Courier",
)  # fmt: skip
SIZE_LIMIT = 24_576  # EIP-170
SETTINGS: dict[str, Any] = {
    "evmVersion": "cancun",
    "metadata": {"appendCBOR": False, "bytecodeHash": "none"},
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": True,
}
OUTPUT = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "evm.deployedBytecode.immutableReferences"]
IMPORT = re.compile(r'^\s*import\s[^;]*?"([^"]+)"\s*;', re.MULTILINE)
AST_NUMBER = re.compile(r"\)\d+")  # `t_struct(Share)1234_storage`: the number moves with every edit elsewhere


def _sources() -> dict[str, str]:
    """Every file of ours and what they import, by unit name (`src/…` or `@openzeppelin/…`)."""
    waiting = [f"src/{path.relative_to(CONTRACTS / 'src').as_posix()}" for path in (CONTRACTS / "src").rglob("*.sol")]
    found: dict[str, str] = {}
    while waiting:
        unit = waiting.pop()
        if unit in found:
            continue
        base = CONTRACTS / "node_modules" if unit.startswith("@") else CONTRACTS
        text = (base / unit).read_bytes().decode("utf-8").replace("\r\n", "\n")
        found[unit] = text
        waiting += [_resolve(unit, target) for target in IMPORT.findall(text)]
    return dict(sorted(found.items()))


def _resolve(unit: str, target: str) -> str:
    if not target.startswith("."):
        return target
    parts = unit.split("/")[:-1]
    for step in target.split("/"):
        if step == "..":
            parts.pop()
        elif step != ".":
            parts.append(step)
    return "/".join(parts)


def _compile(sources: dict[str, str]) -> dict[str, Any]:
    wanted = {f"src/{name}.sol": {name: [*OUTPUT, "storageLayout", "metadata"]} for name in NAMES}
    request = {
        "language": "Solidity",
        "sources": {unit: {"content": text} for unit, text in sources.items()},
        "settings": {**SETTINGS, "outputSelection": {"*": {"": ["ast"]}, **wanted}},
    }
    try:
        answer: dict[str, Any] = solcx.compile_standard(request, solc_binary=CONTRACTS / "solc.cjs")
    except solcx.exceptions.SolcError as error:
        raise SystemExit(_fail(error.message)) from error
    complaints = [item["formattedMessage"] for item in answer.get("errors", [])]
    if complaints:  # a warning is an error too
        raise SystemExit(_fail("\n".join(complaints)))
    return answer


def _immutable_names(answer: dict[str, Any]) -> dict[str, str]:
    """AST number of each immutable to its name."""
    names: dict[str, str] = {}

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("nodeType") == "VariableDeclaration" and node.get("mutability") == "immutable":
                names[str(node["id"])] = node["name"]
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    for unit in answer["sources"].values():
        walk(unit["ast"])
    return names


def _layout(layout: dict[str, Any]) -> dict[str, Any]:
    """The storage layout without AST numbers."""

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {AST_NUMBER.sub(")", key): clean(item) for key, item in value.items() if key != "astId"}
        if isinstance(value, list):
            return [clean(item) for item in value]
        return AST_NUMBER.sub(")", value) if isinstance(value, str) else value

    cleaned: dict[str, Any] = clean(layout)
    if len(cleaned["types"] or {}) != len(layout["types"] or {}):
        raise SystemExit(_fail("two types of one name in a storage layout"))
    return cleaned


def _artefact(name: str, answer: dict[str, Any], names: dict[str, str], sources: dict[str, str]) -> dict[str, Any]:
    compiled = answer["contracts"][f"src/{name}.sol"][name]
    deployed = compiled["evm"]["deployedBytecode"]
    size = len(deployed["object"]) // 2
    if size >= SIZE_LIMIT:
        raise SystemExit(_fail(f"{name} has {size} bytes; the limit is {SIZE_LIMIT}"))
    used = json.loads(compiled["metadata"])["sources"]
    return {
        "name": name,
        "solc": json.loads(compiled["metadata"])["compiler"]["version"],
        "settings": SETTINGS,
        "sources": {unit: hashlib.sha256(sources[unit].encode()).hexdigest() for unit in sorted(used)},
        "abi": compiled["abi"],
        "bytecode": "0x" + compiled["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + deployed["object"],
        "immutableReferences": {
            names[number]: places
            for number, places in sorted(deployed["immutableReferences"].items(), key=lambda item: names[item[0]])
        },
        "storageLayout": _layout(compiled["storageLayout"]),
    }


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if an artefact is stale")
    check = parser.parse_args().check
    sources = _sources()
    answer = _compile(sources)
    names = _immutable_names(answer)
    stale = []
    print(f"{'contract':<16}{'bytes':>8}{'of limit':>10}")
    for name in NAMES:
        artefact = _artefact(name, answer, names, sources)
        text = json.dumps(artefact, indent=1, ensure_ascii=False) + "\n"
        size = len(artefact["deployedBytecode"]) // 2 - 1
        print(f"{name:<16}{size:>8}{size / SIZE_LIMIT:>10.0%}")
        path = ARTIFACTS / f"{name}.json"
        if check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(path.name)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    strangers = {path.name for path in ARTIFACTS.glob("*.json")} - {f"{name}.json" for name in NAMES}
    if check and (stale or strangers):
        print(f"stale: {', '.join([*stale, *sorted(strangers)])}; run scripts/compile_contracts", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
