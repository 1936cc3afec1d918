"""Attestations and corrections."""

from ledger.domain.acts import Mark
from tests.contracts.signing import code, digest_of
from tests.contracts.world import DATASET, ZERO, Refusal, World


def _version(world: World) -> bytes:
    world.dataset()
    return world.act("AnchorVersion", "STAT.officer", number=1).digest


def test_attesting(world: World) -> None:
    version = _version(world)
    good = {"prior": version, "score": 1_000_000}
    for error, args, by, changes in (
        ("AttestationsVersion", (digest_of("x"),), "JUDGE.officer", {"prior": digest_of("x")}),
        ("AttestationsScore", (1_000_001,), "JUDGE.officer", {"score": 1_000_001}),
        ("AttestationsDocumentMissing", (), "JUDGE.officer", {"document": ZERO}),
        ("DepartmentsRole", (code("FUND"), 8), "FUND.officer", {}),
        ("AttestationsSelf", (code("STAT"),), "STAT.officer", {}),  # an attestor, but of its own version
        ("AttestationsSelf", (code("JUDGE"),), "JUDGE.officer", {"self_attested": True}),
    ):
        world.refuses("AttestQuality", by, error, *args, **{**good, **changes})
    signed = world.sign("AttestQuality", "JUDGE.officer", **good)
    assert world.send(signed).marks == Mark.NONE
    assert world.refusal(signed) == Refusal("AttestationsKnown", (signed.digest,))
    own = world.act("AttestQuality", "STAT.officer", **good, self_attested=True)
    assert own.marks == Mark.SELF
    types = "(bytes32,bytes32,bytes32,uint32,bool,bool)"
    found = world.view("Attestations", "attestationOf(bytes32)", types, own.digest)
    assert found == (code("STAT"), version, own.digest, 1_000_000, True, False)


def test_withdrawing_an_attestation(world: World) -> None:
    given = world.act("AttestQuality", "JUDGE.officer", prior=_version(world), score=1).digest
    named = {"attestation": given}
    world.refuses("WithdrawAttestation", "STAT.officer", "AttestationsParty", given, code("STAT"), **named)
    world.refuses("WithdrawAttestation", "JUDGE.officer", "AttestationsUnknown", ZERO, attestation=ZERO)
    signed = world.sign("WithdrawAttestation", "JUDGE.officer", **named)
    withdrawn = world.send(signed)
    assert world.refusal(signed) == Refusal("SignedPrior", (withdrawn.digest, given))
    world.refuses("WithdrawAttestation", "JUDGE.officer", "AttestationsWithdrawn", given, **named)


def test_corrections(world: World) -> None:
    share = world.agreed()
    version = world.last["line", DATASET]
    world.dataset(name=code("STAT/other"))
    other = world.act("AnchorVersion", "STAT.officer", dataset=code("STAT/other"), number=1).digest
    good = {"share": share, "prior": version}
    for error, args, by, changes in (
        ("AuthorisationsUnknown", (ZERO,), "FUND.officer", {"share": ZERO}),
        ("AttestationsParty", (share, code("TOWN")), "TOWN.officer", {}),
        ("AttestationsVersion", (ZERO,), "FUND.officer", {"prior": ZERO}),
        ("AttestationsVersion", (other,), "FUND.officer", {"prior": other}),
        ("AttestationsDocumentMissing", (), "FUND.officer", {"document": ZERO}),
    ):
        world.refuses("RequestCorrection", by, error, *args, **{**good, **changes})
    signed = world.sign("RequestCorrection", "FUND.officer", **good)
    correction = world.send(signed).digest
    assert world.refusal(signed) == Refusal("AttestationsKnown", (correction,))
    answer = {"correction": correction, "outcome": 1}
    for error, args, by, changes in (
        ("AttestationsUnknown", (ZERO,), "STAT.lead", {"correction": ZERO}),
        ("AttestationsParty", (correction, code("FUND")), "FUND.lead", {}),
        ("AttestationsOutcome", (0,), "STAT.lead", {"outcome": 0}),
        ("AttestationsOutcome", (3,), "STAT.lead", {"outcome": 3}),
        ("AttestationsVersion", (other,), "STAT.lead", {"version": other}),
        ("AttestationsVersion", (digest_of("x"),), "STAT.lead", {"version": digest_of("x")}),
    ):
        world.refuses("ResolveCorrection", by, error, *args, **{**answer, **changes})
    corrected = world.act("AnchorVersion", "STAT.officer", number=2).digest
    resolved = world.act("ResolveCorrection", "STAT.lead", **answer, version=corrected).digest
    found = world.view("Attestations", "correctionOf(bytes32)", "(bytes32,bytes32,bytes32,uint8)", correction)
    assert found == (share, version, resolved, 1)
    world.refuses("ResolveCorrection", "STAT.lead", "AttestationsResolved", correction, **answer)


def test_a_correction_needs_a_share_in_force(world: World) -> None:
    share = world.agreed()
    world.act("EndShare", "FUND.lead", share=share, cause=1)
    fields = {"share": share, "prior": world.last["line", DATASET]}
    world.refuses("RequestCorrection", "FUND.officer", "AuthorisationsStage", share, 8, **fields)
