"""Publishing rules and checkpoints: each on its own line, the signer's department and a code."""

from ledger.domain.acts import Role, RuleKind
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.rules.case import Case, is_zero, refuse_if
from ledger.domain.state import Checkpoint, Rule


def publish_rule(case: Case) -> None:
    act = case.act
    case.sign_in()
    case.check_role(Role.AUTHORITY)
    case.check_signatures()
    case.check_code("rule")
    known = case.state.get(Rule, case.code, act["rule"])
    kind_stands = act["kind"] in set(RuleKind) and (known is None or known.kind == act["kind"])
    refuse_if(not kind_stands, "RulebookKind", act["kind"])
    case.check_document("RulebookDocumentMissing")
    case.check_prior(known.last if known else ZERO_DIGEST)


def publish_checkpoint(case: Case) -> None:
    act = case.act
    case.sign_in()
    case.check_signatures()
    case.check_code("log")
    known = case.state.get(Checkpoint, case.code, act["log"])
    case.check_prior(known.last if known else ZERO_DIGEST)
    last = known.size if known else 0
    refuse_if(act["size"] <= last, "CheckpointsSize", last, act["size"])
    refuse_if(is_zero(act["root"]), "CheckpointsRootMissing")
