"""The product's artefacts, and the contracts that exist for tests only, compiled by the same pinned compiler."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.contracts.chain import ROOT

ARTIFACTS = ROOT / "ledger" / "chain" / "artifacts"
HERE = Path(__file__).resolve().parent
MODULES = ("Journal", "Departments", "Datasets", "Authorisations", "Attestations", "Rulebook", "Checkpoints", "Courier")


@cache
def artefact(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ARTIFACTS / f"{name}.json").read_text(encoding="utf-8"))
    return read


def _node() -> str:
    own = Path(sys.executable).parent / "node"
    found = str(own) if own.exists() else shutil.which("node")
    assert found, "node is missing: run scripts/setup"
    return found


@cache
def bytecode_for_tests() -> dict[str, bytes]:
    """Creation code of every contract under wallets/ and modules/, by name; kept by digest of all sources."""
    ours = {f"src/{path.relative_to(ROOT / 'contracts/src')}": path for path in (ROOT / "contracts/src").rglob("*.sol")}
    library = ROOT / "contracts/node_modules"
    ecdsa = "@openzeppelin/contracts/utils/cryptography/ECDSA.sol"
    theirs = {f"tests/{path.parent.name}/{path.name}": path for path in HERE.glob("*/*.sol")}
    sources = {unit: path.read_text(encoding="utf-8") for unit, path in {**ours, **theirs}.items()}
    sources[ecdsa] = (library / ecdsa).read_text(encoding="utf-8")
    request = {
        "language": "Solidity",
        "sources": {unit: {"content": text} for unit, text in sorted(sources.items())},
        "settings": {
            "evmVersion": "cancun",
            "optimizer": {"enabled": True},
            "outputSelection": {unit: {"*": ["evm.bytecode.object"]} for unit in theirs},
        },
    }
    asked = json.dumps(request)
    kept = Path(tempfile.gettempdir()) / f"shareledger-test-{hashlib.sha256(asked.encode()).hexdigest()[:16]}.json"
    if not kept.exists():
        command = [_node(), str(ROOT / "contracts/solc.cjs"), "--standard-json"]
        answer = json.loads(subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout)
        wrong = [item["formattedMessage"] for item in answer.get("errors", []) if item["severity"] == "error"]
        assert not wrong, "\n".join(wrong)
        fresh = kept.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(answer["contracts"]), encoding="utf-8")
        fresh.replace(kept)
    compiled = json.loads(kept.read_text(encoding="utf-8"))
    return {
        name: bytes.fromhex(found["evm"]["bytecode"]["object"])
        for unit in compiled.values()
        for name, found in unit.items()
    }
