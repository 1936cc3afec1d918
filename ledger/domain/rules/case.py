"""One act before the rules, and the checks that many acts share. Every check raises its refusal or returns."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger.domain.acts import Role
from ledger.domain.identifiers import MAX_SIGNATURE, ZERO_ADDRESS, ZERO_DIGEST
from ledger.domain.marks import has_jurisdiction, is_authority, is_below
from ledger.domain.permissions import PERMISSIONS
from ledger.domain.refusals import refusal_from_name
from ledger.domain.state import Dataset, Department, Key, State
from ledger.domain.values import Act

Signed = Callable[[str, int, str, bytes], bool]


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the rules look at beside the state.

    `now` is the block's time in unix seconds. `signed(address, key kind, digest, signature)` tells whether a signature
    is the key's; whoever cannot ask a contract key answers True and says so. `code_hash(address)` is the keccak of the
    code there, the zero digest if there is no account; without it a module's code is not checked.
    """

    now: int
    signatures: tuple[bytes, ...]
    signed: Signed
    code_hash: Callable[[str], str] | None = None


def refuse_if(condition: bool, name: str, *arguments: str | int) -> None:
    if condition:
        raise refusal_from_name(name, *arguments)


def is_zero(value: str) -> bool:
    return value in ("", ZERO_DIGEST, ZERO_ADDRESS)


class Case:
    """An act, the state it meets, and its circumstances."""

    def __init__(self, state: State, act: Act, digest: str, circumstances: Circumstances) -> None:
        self.state = state
        self.act = act
        self.digest = digest
        self.now = circumstances.now
        self.circumstances = circumstances
        self._key: Key | None = None

    # 1 the key, 2 its duty

    def sign_in(self) -> None:
        """The signer's key is enrolled, in force, and of the duty that the act asks for."""
        duty, _ = PERMISSIONS[self.act.name]
        address = self.act.signer or ZERO_ADDRESS
        key = self.state.get(Key, address)
        if key is None:
            raise refusal_from_name("DepartmentsKeyUnknown", address)
        refuse_if(key.retired, "DepartmentsKeyRetired", address)
        refuse_if(self.now < key.start, "DepartmentsKeyNotYet", address, key.start)
        refuse_if(key.until != 0 and self.now > key.until, "DepartmentsKeyExpired", address, key.until)
        refuse_if(key.duty < duty, "DepartmentsDuty", address, key.duty, duty)
        self._key = key

    @property
    def key(self) -> Key:
        if self._key is None:
            raise RuntimeError("sign_in comes first")
        return self._key

    @property
    def department(self) -> Department:
        """The signer's."""
        return self.known_department(self.key.department)

    @property
    def code(self) -> str:
        """The signer's department's code."""
        return self.key.department

    # 2 role, jurisdiction

    def check_role(self, role: Role) -> None:
        refuse_if(not self.department.roles & role, "DepartmentsRole", self.code, role)

    def known_department(self, code: str) -> Department:
        department = self.state.get(Department, code)
        if department is None:
            raise refusal_from_name("DepartmentsUnknown", code)
        return department

    def known_dataset(self, code: str) -> Dataset:
        dataset = self.state.get(Dataset, code)
        if dataset is None:
            raise refusal_from_name("DatasetsUnknown", code)
        return dataset

    def check_above(self, code: str) -> None:
        """The signer's department is an authority above `code`."""
        self.check_role(Role.AUTHORITY)
        refuse_if(not has_jurisdiction(self.state, self.department, code), "DepartmentsJurisdiction", self.code, code)

    def is_above(self, code: str) -> bool:
        return has_jurisdiction(self.state, self.department, code)

    def is_strictly_above(self, code: str) -> bool:
        """An authority and a strict ancestor: the root is not above itself here."""
        return is_authority(self.department) and is_below(self.state, code, self.code)

    # 3 signatures

    def check_signatures(self, *others: tuple[str, int]) -> None:
        """Still valid; as many as needed; the signer's first, then those of `others` (address, key kind)."""
        given = self.circumstances.signatures
        valid_until = self.act["valid_until"]
        refuse_if(self.now > valid_until, "SignedExpired", valid_until, self.now)
        signers = ((self.key.address, self.key.kind), *others)
        refuse_if(len(given) != len(signers), "SignedCount", len(given), len(signers))
        for (address, kind), signature in zip(signers, given, strict=True):
            refuse_if(len(signature) > MAX_SIGNATURE, "SignedTooLong", len(signature))
            refuse_if(not self.circumstances.signed(address, kind, self.digest, signature), "SignedWrong", address)

    # 4 state

    def check_prior(self, last: str) -> None:
        """The act continues the object as it stands."""
        refuse_if(self.act["prior"] != last, "SignedPrior", last, self.act["prior"])

    def check_code(self, field: str) -> None:
        """The form is checked by `Act`; what is left is that a code was given."""
        refuse_if(not self.act[field], "CodesInvalid", self.act[field])

    def check_document(self, name: str, *arguments: str | int) -> None:
        refuse_if(is_zero(self.act["document"]), name, *arguments)

    def check_open_ledger(self) -> None:
        ledger = self.state.ledger
        refuse_if(ledger is not None and ledger.closed, "JournalClosed")
