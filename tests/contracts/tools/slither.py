"""Slither's findings, each of which contracts/slither.json must explain."""

import json
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contracts.chain import ROOT
from tests.contracts.solidity import artefact
from tests.contracts.tools.workshop import CONTRACTS, TOOLS, ToolFailed, compiled, run

LISTED = CONTRACTS / "slither.json"


def findings(texts: dict[str, str]) -> dict[str, str]:
    """Every finding by what it is about, and slither's sentence for it.

    It reads the syntax tree only, so the code, most of the compiler's work, is left out and the answer given to it
    from a file. It looks for a foundry.toml in every folder above, so it works in one that has none.
    """
    with _compiled_for_slither(texts) as folder:
        command: list[str | Path] = [
            TOOLS / "slither/bin/slither",
            "request.json",
            "--compile-force-framework",
            "Solc-json",
        ]
        command += ["--solc", folder / "solc", "--json", "found.json", "--json-types", "detectors", "--disable-color"]
        command += ["--filter-paths", "@openzeppelin"]
        said = run(command, folder)[1]
        if not (folder / "found.json").exists():
            raise ToolFailed(said)
        answer = json.loads((folder / "found.json").read_text(encoding="utf-8"))
    if not answer["success"]:
        raise ToolFailed(said)
    sentences = sorted(
        (f"{one['check']} {_about(one)}", " ".join(re.sub(r"\s*\([^()]*#[^()]*\)", "", one["description"]).split()))
        for one in answer["results"].get("detectors", [])
    )
    found: dict[str, str] = {}
    for name, sentence in sentences:
        again = sum(known.split(" #")[0] == name for known in found)
        found[f"{name} #{again + 1}" if again else name] = sentence
    return found


def differences(found: dict[str, str], listed: dict[str, str]) -> list[str]:
    """What is found and not listed, listed and not found, or listed without a reason."""
    new = [f"new: {name}: {sentence}" for name, sentence in found.items() if name not in listed]
    gone = [f"gone: {name}: take it out of {LISTED.relative_to(ROOT)}" for name in listed if name not in found]
    return [*new, *gone, *(f"no reason: {name}" for name, reason in listed.items() if not reason.strip())]


def explained() -> dict[str, str]:
    """The findings of contracts/slither.json with their reasons."""
    read: dict[str, str] = json.loads(LISTED.read_text(encoding="utf-8"))
    return read


def _about(finding: dict[str, Any]) -> str:
    """The first thing it names, with its contract, and not the line: lines move."""
    element: dict[str, Any] = finding["elements"][0] if finding["elements"] else {"name": ""}
    parent = element.get("type_specific_fields", {}).get("parent", {})
    names = [parent.get("type_specific_fields", {}).get("parent", {}).get("name"), parent.get("name"), element["name"]]
    return ".".join(str(name) for name in names if name and "/" not in str(name))


@contextmanager
def _compiled_for_slither(texts: dict[str, str]) -> Iterator[Path]:
    answer = compiled(texts, {"*": {"*": ["abi"], "": ["ast"]}})
    nothing = {"object": "", "sourceMap": ""}
    for contracts in answer["contracts"].values():
        for contract in contracts.values():
            contract["evm"] = {"bytecode": nothing, "deployedBytecode": nothing}
    request = {"language": "Solidity", "sources": {unit: {"urls": [unit]} for unit in texts}}
    version = f"Version: {artefact('Journal')['solc']}\n"
    with tempfile.TemporaryDirectory(prefix="shareledger-slither-") as name:
        folder = Path(name)
        for unit, text in texts.items():
            (folder / unit).parent.mkdir(parents=True, exist_ok=True)
            (folder / unit).write_text(text, encoding="utf-8")
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
        (folder / "version").write_text(version, encoding="utf-8")
        replay = '#!/bin/sh\ncase "$1" in --version) cat version ;; *) cat >/dev/null; cat answer.json ;; esac\n'
        (folder / "solc").write_text(replay, encoding="utf-8")
        (folder / "solc").chmod(0o755)
        yield folder
