"""Proofs about every act of a kind in every state: `contracts/test/proofs`, and planted bugs that they must notice."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path

from tests.contracts.tools.workshop import (
    CACHE,
    CONTRACTS,
    FORGE,
    TOOLS,
    Bug,
    ToolFailed,
    committed,
    deploy,
    run,
    with_bugs,
)

PROOFS = ("TreeProof", "SharesProof", "AppendOnlyProof", "ValidityProof")
BUGS = (
    Bug(
        "Departments",
        "        if (found.retired != 0) revert DepartmentsKeyRetired(key);\n",
        "",
        "check_a_key_passes_if_and_only_if_it_is_in_force",
    ),
    Bug("Journal", "        if (_closed) revert JournalClosed();\n", "", "check_record_chains_one_entry"),
    Bug(
        "Datasets",
        "        if (dataset.provider != department) revert DatasetsNotProvider(code, department);\n",
        "",
        "check_shredding_only_marks",
    ),
    Bug(
        "Checkpoints",
        "        if (act.size <= checkpoint.size) revert CheckpointsSize(checkpoint.size, act.size);\n",
        "",
        "check_logs_only_grow",
    ),
)


def prove(*contracts: str, planted: bool = False) -> dict[str, bool]:
    """Every proof by name, and whether it holds of what `deploy` wrote. Two run at once."""
    # as halmos itself does, which then has nothing to build: two at once would write over each other
    build: list[str | Path] = [FORGE, "build", "--ast", "--root", ".", "--extra-output", "storageLayout", "metadata"]
    code, said = run(build, CONTRACTS, "proofs")
    if code:
        raise ToolFailed(said)
    with ThreadPoolExecutor(2) as pool:
        return dict(chain.from_iterable(pool.map(lambda name: _prove(name, planted), contracts or PROOFS)))


def _prove(contract: str, planted: bool) -> list[tuple[str, bool]]:
    written = CACHE / f"audit/{contract}.json"
    written.unlink(missing_ok=True)
    command: list[str | Path] = [TOOLS / "halmos/bin/halmos", "--root", ".", "--contract", contract, "--no-status"]
    command += ["--forge-build-out", ".cache/proofs/out", "--json-output", written.relative_to(CONTRACTS)]
    command += ["--solver-command", "yices-smt2", "--solver-timeout-assertion", "120s"]
    said = run([*command, *(["--early-exit"] if planted else [])], CONTRACTS, "proofs")[1]
    if not written.exists():
        raise ToolFailed(said)
    found = json.loads(written.read_text(encoding="utf-8"))["test_results"]
    results = [(str(one["name"]).split("(")[0], one["exitcode"] == 0) for tests in found.values() for one in tests]
    if not results:
        raise ToolFailed(said)
    return results


def proofs_of_nothing() -> list[str]:
    """Those that hold even where they are told to fail as soon as an act is accepted: they never see one."""
    deploy(committed(), planted=True)
    found = prove(planted=True)
    deploy(committed())
    return [name for name, held in found.items() if held]


def unnoticed(bugs: Sequence[Bug]) -> list[Bug]:
    """Those whose proof still holds, all planted at once."""
    deploy(with_bugs(*bugs))
    found = prove("AppendOnlyProof", "ValidityProof")
    deploy(committed())
    return [bug for bug in bugs if found[bug.noticed]]
