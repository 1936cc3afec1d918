"""Attacks the contracts with three tools, offline, and shows of each that it would catch a bug.

    scripts/audit_contracts                     everything
    scripts/audit_contracts forge               random acts against a model of who may do what; prints each act's share
    scripts/audit_contracts halmos              proofs for every state
    scripts/audit_contracts slither             findings, each of which contracts/slither.json must explain
    scripts/audit_contracts --quick             fewer acts, no planted bugs

What runs are the committed artefacts' bytes (forge, halmos) and the sources (slither). Everything written lies in
contracts/.cache. Exit codes: 0 good, 1 something was found, 2 a tool could not run.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.contracts.tools import forge, halmos, slither
from tests.contracts.tools.workshop import Bug, ToolFailed, committed, deploy, sources


def attack(quick: bool) -> int:
    deploy(committed())
    held, said, calls = forge.attack(forge.RUNS_QUICK if quick else forge.RUNS)
    print(forge.table(calls))
    if not held:
        print(said)
        return 1
    if quick:
        return 0
    return _complain([f"forge: {line}" for line in forge.shortcomings(calls)]) or _missed(forge.unnoticed(forge.BUGS))


def prove(quick: bool) -> int:
    deploy(committed())
    found = halmos.prove()
    for name, held in found.items():
        print(f"{'proved' if held else 'NOT PROVED':<12}{name.removeprefix('check_').replace('_', ' ')}")
    if quick or not all(found.values()):
        return int(not all(found.values()))
    empty = [f"about nothing: {name}" for name in halmos.proofs_of_nothing()]
    return _complain(empty) or _missed(halmos.unnoticed(halmos.BUGS))


def read(_quick: bool) -> int:
    found = slither.findings(sources())
    wrong = _complain(slither.differences(found, slither.explained()))
    print(f"{len(found)} findings, {'not each' if wrong else 'each'} of them explained in contracts/slither.json")
    return wrong


def _complain(lines: Sequence[str]) -> int:
    for line in lines:
        print(line)
    return int(bool(lines))


def _missed(bugs: Sequence[Bug]) -> int:
    return _complain([f"unnoticed: {bug.contract} without {bug.there.strip()!r}" for bug in bugs])


def main() -> int:
    tools = {"forge": attack, "halmos": prove, "slither": read}
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("tool", nargs="*", help="forge, halmos or slither; all without one")
    parser.add_argument("--quick", action="store_true", help="fewer acts, no planted bugs")
    asked = parser.parse_args()
    if not set(asked.tool) <= set(tools):
        parser.error(f"choose from {', '.join(tools)}")
    failed = 0
    for name in asked.tool or tools:
        try:
            code = tools[name](asked.quick)
        except ToolFailed as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{name}: {'good' if code == 0 else 'FOUND SOMETHING'}")
        failed |= code
    return failed


if __name__ == "__main__":
    sys.exit(main())
