"""What the tools share: a home inside the repository, the committed bytes as Solidity constants, and planted bugs."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contracts.chain import ROOT
from tests.contracts.solidity import MODULES, artefact

CONTRACTS = ROOT / "contracts"
CACHE = CONTRACTS / ".cache"
FORGE = CONTRACTS / "node_modules/@foundry-rs/forge-linux-amd64/bin/forge"
TOOLS = ROOT / ".venv-tools"
SOLC = CONTRACTS / "solc.cjs"


class ToolFailed(Exception):
    """A tool did not run to its end; the message is what it said."""


@dataclass(frozen=True)
class Bug:
    """A change to a contract's source that a tool must notice, and by what: words of its report, or a proof's name."""

    contract: str
    there: str
    instead: str
    noticed: str


def environment(profile: str = "default") -> dict[str, str]:
    """A home inside the repository, the pinned compiler, and no proxy: nothing here may ask anybody for anything."""
    path = [str(ROOT / ".venv/bin"), str(TOOLS / "halmos/bin"), str(FORGE.parent), os.environ.get("PATH", "")]
    return {
        "PATH": os.pathsep.join(path),
        "HOME": str(CACHE / "home"),
        "FOUNDRY_PROFILE": profile,
        "FOUNDRY_SOLC": str(CONTRACTS / "solc.cjs"),
        "NO_COLOR": "1",
        "COLUMNS": "200",
        "LANG": "C.UTF-8",
    }


def run(command: Sequence[str | Path], cwd: Path, profile: str = "default", **more: str) -> tuple[int, str]:
    """Exit code and everything that was said."""
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**environment(profile), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    return ran.returncode, ran.stdout


def sources() -> dict[str, str]:
    """Every source that the committed artefacts were made of, by unit name."""
    units = sorted({unit for name in MODULES for unit in artefact(name)["sources"]})
    base = {True: CONTRACTS / "node_modules", False: CONTRACTS}
    return {unit: (base[unit.startswith("@")] / unit).read_text(encoding="utf-8") for unit in units}


def compiled(texts: dict[str, str], output: dict[str, Any]) -> dict[str, Any]:
    """The pinned compiler's answer, with the settings of the artefacts."""
    request = {
        "language": "Solidity",
        "sources": {unit: {"content": text} for unit, text in texts.items()},
        "settings": {**artefact("Journal")["settings"], "outputSelection": output},
    }
    ran = subprocess.run(
        [str(ROOT / ".venv/bin/node"), str(SOLC), "--standard-json"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(ran.stdout)
    wrong = [item["formattedMessage"] for item in answer.get("errors", []) if item["severity"] == "error"]
    if wrong:
        raise ToolFailed("\n".join(wrong))
    return answer


def committed() -> dict[str, str]:
    """Creation code of each contract."""
    return {name: str(artefact(name)["bytecode"]) for name in MODULES}


def with_bugs(*bugs: Bug) -> dict[str, str]:
    """Creation code of each contract, those with a bug compiled anew."""
    texts = sources()
    for bug in bugs:
        unit = f"src/{bug.contract}.sol"
        if texts[unit].count(bug.there) != 1:
            raise ToolFailed(f"a planted bug in {unit} has no place any more: {bug.there!r}")
        texts[unit] = texts[unit].replace(bug.there, bug.instead)
    names = {bug.contract for bug in bugs}
    answer = compiled(texts, {f"src/{name}.sol": {name: ["evm.bytecode.object"]} for name in names})
    anew = {name: answer["contracts"][f"src/{name}.sol"][name]["evm"]["bytecode"]["object"] for name in names}
    return {**committed(), **{name: f"0x{code}" for name, code in anew.items()}}


def deploy(codes: dict[str, str], *, planted: bool = False) -> None:
    """Writes what the tests deploy; a file that would not change is left alone, so that nothing is compiled twice."""
    for folder in ("deployed", "home", "audit"):
        (CACHE / folder).mkdir(parents=True, exist_ok=True)
    head = "// SPDX-License-Identifier: Apache-2.0\npragma solidity 0.8.37;\n\n"
    constants = [f'bytes constant {name.upper()}_CODE = hex"{code[2:]}";\n' for name, code in codes.items()]
    _write(CACHE / "deployed/Deployed.sol", head + "".join(constants))
    _write(CACHE / "deployed/Planted.sol", head + f"bool constant PLANTED = {str(planted).lower()};\n")


def _write(path: Path, text: str) -> None:
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
