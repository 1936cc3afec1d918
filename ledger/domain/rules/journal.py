"""Acts on the ledger itself: by a director of the root."""

from ledger.domain.acts import Custody, KeyKind, Level, Role
from ledger.domain.identifiers import ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.keccak import keccak256
from ledger.domain.rules.case import Case, is_zero, refuse_if
from ledger.domain.state import InstalledModule, Ledger, State
from ledger.domain.values import Act

_NO_CODE = keccak256(b"").hex()  # EIP-1052: the code hash of an account that holds no code


def open_ledger(state: State, act: Act) -> None:
    """Entry 0: a valid root authority of county level or above that cannot lose its last key at once."""
    refuse_if(not act["department"], "CodesInvalid", act["department"])
    level, kinds = act["level"], set(KeyKind)
    if act["second_key"] == ZERO_ADDRESS:
        lasting = act["first_kind"] == KeyKind.CONTRACT  # it can change its own hands
    else:
        lasting = act["second_key"] != act["first_key"] and act["second_kind"] in kinds
    sound = (
        len(state) == 0
        and Level.PROVINCE <= level <= Level.COUNTY
        and bool(act["roles"] & Role.AUTHORITY)
        and act["roles"] <= sum(Role)
        and not is_zero(act["first_key"])
        and act["first_kind"] in kinds
        and lasting
        and act["custody"] in set(Custody)
    )
    refuse_if(not sound, "JournalOpening")


def _root_ledger(case: Case) -> Ledger:
    ledger = case.state.ledger
    assert ledger is not None  # `refusal` saw to it
    case.sign_in()
    refuse_if(case.code != ledger.root, "JournalNotRoot", case.code)
    case.check_signatures()
    case.check_prior(ledger.last)
    return ledger


def admit_module(case: Case) -> None:
    ledger = _root_ledger(case)
    module = case.act["module"]
    known = module == ledger.courier or case.state.get(InstalledModule, module) is not None
    refuse_if(known, "JournalModuleKnown", module)
    if case.circumstances.code_hash is not None:
        found = case.circumstances.code_hash(module)
        deployed = found not in (ZERO_DIGEST, _NO_CODE)
        refuse_if(not deployed or found != case.act["code_hash"], "JournalModuleCode", module, found)


def close_ledger(case: Case) -> None:
    _root_ledger(case)
