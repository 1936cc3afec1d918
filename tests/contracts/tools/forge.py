"""Random acts against a model of who may do what (`contracts/test/invariants`), what became of them, planted bugs."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.contracts.tools.workshop import CACHE, CONTRACTS, FORGE, Bug, ToolFailed, committed, deploy, run, with_bugs

RUNS = 91  # of each of the two invariant tests; 500 calls of the fuzzer each
RUNS_QUICK = 10
LEAST_CALLS = 100_000
LEAST_SHARE = 0.2
LEAST_ACCEPTED = 20  # of every single act
LEAST_KEYS = 0.9  # of the pairs of an act and a kind of key
KEYS_MET = 1 + 12 * 6  # unknown; or of three duties and waiting, in force, ended, retired, times five roles, or any
ACTS = (
    "AdmitModule", "CloseLedger", "RegisterDepartment", "ChangeDepartment", "EnrolKey", "RetireKey", "SubmitDataset",
    "WithdrawDataset", "PublishDataset", "ReturnDataset", "AnchorVersion", "ShredVersion", "RequestShare",
    "WithdrawRequest", "AskSupplement", "SupplyMaterials", "ExtendReply", "AgreeShare", "RefuseShare", "DeliverShare",
    "ConfirmDelivery", "SuspendShare", "ResumeShare", "EndShare", "GrantShare", "AttestQuality",
    "WithdrawAttestation", "RequestCorrection", "ResolveCorrection", "PublishRule", "PublishCheckpoint",
)  # fmt: skip
BUGS = (
    Bug(
        "Departments",
        "        if (!isBelow(act.department, signed)) revert DepartmentsJurisdiction(signed, act.department);\n",
        "",
        "ChangeDepartment was accepted, and may not be",
    ),
    Bug(
        "Departments",
        "            if (_rootKeys == 1) revert DepartmentsLastRootKey(act.key);\n",
        "",
        "RetireKey was accepted, and may not be",
    ),
    Bug(
        "Courier",
        "                if (!accepted) emit Returned(i, act.module, keccak256(act.call), reason);\n",
        "                if (!accepted) revert CourierGas();\n",
        "carry(",
    ),
)


@dataclass(frozen=True)
class Calls:
    """What became of one act over all runs; `keys` and `stages` are bits, see the handler's `_note`."""

    act: str
    tried: int
    accepted: int
    keys: int
    stages: int

    @property
    def share(self) -> float:
        return self.accepted / self.tried if self.tried else 0.0


def attack(runs: int) -> tuple[bool, str, list[Calls]]:
    """Whether all invariants held, what forge said, and what was called."""
    for counted in (CACHE / "audit").glob("*.txt"):
        counted.unlink()
    code, said = run([FORGE, "test"], CONTRACTS, FOUNDRY_INVARIANT_RUNS=str(runs))
    if "Suite result:" not in said:
        raise ToolFailed(said)
    return code == 0, said, _calls()


def _calls() -> list[Calls]:
    totals = [[0, 0, 0, 0] for _ in ACTS]
    for counted in (CACHE / "audit").glob("*.txt"):
        for line in counted.read_text(encoding="utf-8").splitlines():
            for total, act in zip(totals, line.split(";")[:-1], strict=True):
                tried, accepted, keys, stages = map(int, act.split())
                total[0] += tried
                total[1] += accepted
                total[2] |= keys
                total[3] |= stages
    return [Calls(act, *total) for act, total in zip(ACTS, totals, strict=True)]


def table(calls: Sequence[Calls]) -> str:
    rows = [f"{'act':<22}{'calls':>9}{'accepted':>10}{'share':>8}{'kinds of key':>15}{'stages':>8}"]
    for one in calls:
        stages = str(one.stages.bit_count()) if one.stages else ""
        keys = f"{one.keys.bit_count()} of {KEYS_MET}"
        rows.append(f"{one.act:<22}{one.tried:>9,}{one.accepted:>10,}{one.share:>8.0%}{keys:>15}{stages:>8}")
    tried, accepted = sum(one.tried for one in calls), sum(one.accepted for one in calls)
    rows.append(f"{'all':<22}{tried:>9,}{accepted:>10,}{accepted / max(tried, 1):>8.0%}")
    return "\n".join(rows)


def shortcomings(calls: Sequence[Calls]) -> list[str]:
    """What a full attack must have reached and did not."""
    tried, accepted = sum(one.tried for one in calls), sum(one.accepted for one in calls)
    met = sum(one.keys.bit_count() for one in calls) / (KEYS_MET * len(calls))
    short = [f"{one.act} was accepted {one.accepted} times" for one in calls if one.accepted < LEAST_ACCEPTED]
    short += [f"{one.act} met the stages {one.stages:b}" for one in calls if one.stages not in (0, 0b111111111)]
    if tried < LEAST_CALLS:
        short.append(f"{tried} calls, fewer than {LEAST_CALLS}")
    if accepted < LEAST_SHARE * tried:
        short.append(f"{accepted / tried:.0%} of the calls were accepted")
    if met < LEAST_KEYS:
        short.append(f"{met:.0%} of acts by kinds of key were tried")
    return short


def unnoticed(bugs: Sequence[Bug]) -> list[Bug]:
    """Those that the invariants do not catch, each planted alone."""
    missed = []
    for bug in bugs:
        deploy(with_bugs(bug))
        held, said, _ = attack(RUNS_QUICK)
        if held or bug.noticed not in said:
            missed.append(bug)
    deploy(committed())
    return missed
