"""Every act a department can sign: its fields, in order, as the contracts know them.

An act is an EIP-712 struct of static 32-byte words. `signer` comes first; `prior` (digest of the last act on the same
object, or what a creating act continues, or zero) and `valid_until` (unix seconds, of the signature) come last.
The table below is the one place in Python that knows them; a test holds it against the compiled contracts.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag, StrEnum


class Kind(StrEnum):
    """What a field means; decides its Solidity type and its JSON form."""

    ADDRESS = "address"  # JSON: 0x and 40 hex digits, lower case
    CODE = "code"  # bytes32 of ASCII, zero padded; JSON: the text, "" for zero
    DIGEST = "digest"  # bytes32; JSON: 64 hex digits
    TIME = "time"  # uint48, unix seconds; JSON: number
    U8 = "u8"
    U16 = "u16"
    U32 = "u32"
    U64 = "u64"  # wider than 48 bits: JSON is a decimal string
    FLAG = "flag"  # bool

    @property
    def solidity(self) -> str:
        return _SOLIDITY[self]


_SOLIDITY = {
    Kind.ADDRESS: "address",
    Kind.CODE: "bytes32",
    Kind.DIGEST: "bytes32",
    Kind.TIME: "uint48",
    Kind.U8: "uint8",
    Kind.U16: "uint16",
    Kind.U32: "uint32",
    Kind.U64: "uint64",
    Kind.FLAG: "bool",
}


class Level(IntEnum):
    """A department's level; a child is never above its parent (Decree 809 art. 8)."""

    PROVINCE = 1
    CITY = 2
    COUNTY = 3
    TOWNSHIP = 4
    VILLAGE = 5


class Role(IntFlag):
    AUTHORITY = 1  # 政务数据共享主管部门, county level and up (arts. 8, 30)
    PROVIDER = 2
    CONSUMER = 4
    ATTESTOR = 8
    AUDITOR = 16


class Duty(IntEnum):
    """Each may do what the one below may."""

    OFFICER = 1  # 经办人
    LEAD = 2  # 共享工作机构负责人 (arts. 20, 21)
    DIRECTOR = 3  # 部门负责人 (art. 13)


class KeyKind(IntEnum):
    ACCOUNT = 1  # ECDSA over secp256k1
    CONTRACT = 2  # ERC-1271


class Custody(IntEnum):
    OWN = 1  # the department keeps the key
    HOST = 2  # left in this product's keystore: the host is trusted, and evidence says so


class RetireReason(IntEnum):
    ROTATED = 1
    LEFT = 2  # its holder left the duty
    COMPROMISED = 3
    MANDATE_ENDED = 4


class ShareType(IntEnum):
    """共享属性."""

    UNCONDITIONAL = 1
    CONDITIONAL = 2
    NOT_SHARED = 3


class Grade(IntEnum):
    """GB/T 43697. Secrets have no value: they are outside the Decree (art. 3)."""

    GENERAL_1 = 1
    GENERAL_2 = 2
    GENERAL_3 = 3
    GENERAL_4 = 4
    IMPORTANT = 5
    CORE = 6  # refused by our own policy


class Method(IntEnum):
    """How a delivery reached the consumer."""

    STORE = 1  # our own payload store
    PLATFORM = 2  # the city's exchange platform
    FILE = 3
    SERVICE = 4  # a service interface


class Cause(IntEnum):
    """Why a share ended."""

    PURPOSE_ENDED = 1
    TERM_ENDED = 2
    MISUSE = 3
    ITEM_CHANGED = 4
    AGREED = 5  # both sides agreed to stop


class Outcome(IntEnum):
    """How a correction was answered (art. 26)."""

    CORRECTED = 1
    DECLINED = 2


class RuleKind(IntEnum):
    CALENDAR = 1
    PROFILE = 2  # deadlines
    QUALITY = 3  # a quality rule set


class Mark(IntFlag):
    """Derived by the contracts and recomputed by `apply`: what a reader must be told about an entry."""

    NONE = 0
    RECOVERY = 1  # a key enrolled from above for a department that already had a director
    SUPERIOR = 2  # signed by an authority above the nearest one
    SELF = 4  # self-attested


class Module(StrEnum):
    JOURNAL = "Journal"
    DEPARTMENTS = "Departments"
    DATASETS = "Datasets"
    AUTHORISATIONS = "Authorisations"
    ATTESTATIONS = "Attestations"
    RULEBOOK = "Rulebook"
    CHECKPOINTS = "Checkpoints"


@dataclass(frozen=True, slots=True)
class Field:
    name: str  # snake_case; the typed data's name is `typed_name`
    kind: Kind

    @property
    def typed_name(self) -> str:
        head, *rest = self.name.split("_")
        return head + "".join(part.capitalize() for part in rest)


@dataclass(frozen=True, slots=True)
class ActType:
    name: str  # imperative: AgreeShare
    entry: str  # past tense: ShareAgreed
    module: Module
    fields: tuple[Field, ...]
    signatures: int = 1

    @property
    def encoded_type(self) -> str:
        """EIP-712 encodeType."""
        return f"{self.name}({','.join(f'{f.kind.solidity} {f.typed_name}' for f in self.fields)})"


def _fields(text: str) -> tuple[Field, ...]:
    pairs = (item.split(":") for item in text.split())
    return tuple(Field(name, Kind(kind)) for name, kind in pairs)


def _act(module: Module, name: str, entry: str, fields: str, signatures: int = 1) -> ActType:
    return ActType(name, entry, module, _fields(f"signer:address {fields} prior:digest valid_until:time"), signatures)


_DEPARTMENT = "department:code parent:code level:u8 roles:u16 document:digest"

_ALL = (
    # entry 0 is recorded by Journal's constructor: an act in form, signed by nobody
    ActType(
        "OpenLedger",
        "LedgerOpened",
        Module.JOURNAL,
        _fields(
            "departments:address datasets:address authorisations:address attestations:address rulebook:address "
            "checkpoints:address courier:address department:code level:u8 roles:u16 document:digest "
            "first_key:address first_kind:u8 second_key:address second_kind:u8 custody:u8 "
            "older_journal:address older_head:digest older_size:u64"
        ),
        signatures=0,
    ),
    _act(Module.JOURNAL, "AdmitModule", "ModuleAdmitted", "module:address code_hash:digest"),
    _act(Module.JOURNAL, "CloseLedger", "LedgerClosed", "successor:address document:digest"),
    _act(Module.DEPARTMENTS, "RegisterDepartment", "DepartmentRegistered", _DEPARTMENT),
    _act(Module.DEPARTMENTS, "ChangeDepartment", "DepartmentChanged", _DEPARTMENT),
    _act(
        Module.DEPARTMENTS,
        "EnrolKey",
        "KeyEnrolled",
        "key:address department:code kind:u8 duty:u8 custody:u8 mandate:digest start:time until:time",
        signatures=2,  # the signer's, then the new key's, over the same digest
    ),
    _act(Module.DEPARTMENTS, "RetireKey", "KeyRetired", "key:address since:time reason:u8 document:digest"),
    _act(
        Module.DATASETS,
        "SubmitDataset",
        "DatasetSubmitted",
        "dataset:code department:code share_type:u8 grade:u8 basis:digest conditions:digest document:digest",
    ),
    _act(Module.DATASETS, "WithdrawDataset", "DatasetWithdrawn", "dataset:code document:digest"),
    _act(Module.DATASETS, "PublishDataset", "DatasetPublished", "dataset:code document:digest"),
    _act(Module.DATASETS, "ReturnDataset", "DatasetReturned", "dataset:code document:digest"),
    _act(
        Module.DATASETS,
        "AnchorVersion",
        "VersionAnchored",
        "dataset:code number:u32 format:code salted:flag schema:digest root:digest records:u64 size:u64 "
        "twin:digest document:digest",
    ),
    _act(Module.DATASETS, "ShredVersion", "VersionShredded", "dataset:code number:u32 whole:flag document:digest"),
    _act(
        Module.AUTHORISATIONS,
        "RequestShare",
        "ShareRequested",
        "consumer:code dataset:code revision:digest scope:digest until:time document:digest",
    ),
    _act(Module.AUTHORISATIONS, "WithdrawRequest", "RequestWithdrawn", "share:digest document:digest"),
    _act(Module.AUTHORISATIONS, "AskSupplement", "SupplementAsked", "share:digest document:digest"),
    _act(Module.AUTHORISATIONS, "SupplyMaterials", "MaterialsSupplied", "share:digest document:digest"),
    _act(Module.AUTHORISATIONS, "ExtendReply", "ReplyExtended", "share:digest working_days:u8 document:digest"),
    _act(
        Module.AUTHORISATIONS,
        "AgreeShare",
        "ShareAgreed",
        "share:digest scope:digest conditions:digest until:time document:digest",
    ),
    _act(Module.AUTHORISATIONS, "RefuseShare", "ShareRefused", "share:digest document:digest"),
    _act(
        Module.AUTHORISATIONS,
        "DeliverShare",
        "ShareDelivered",
        "share:digest version:digest method:u8 document:digest",
    ),
    _act(Module.AUTHORISATIONS, "ConfirmDelivery", "DeliveryConfirmed", "share:digest document:digest"),
    _act(Module.AUTHORISATIONS, "SuspendShare", "ShareSuspended", "share:digest document:digest"),
    _act(Module.AUTHORISATIONS, "ResumeShare", "ShareResumed", "share:digest document:digest"),
    _act(Module.AUTHORISATIONS, "EndShare", "ShareEnded", "share:digest cause:u8 document:digest"),
    _act(
        Module.AUTHORISATIONS,
        "GrantShare",
        "ShareGranted",
        "consumer:code dataset:code revision:digest scope:digest basis:digest until:time document:digest",
    ),
    _act(  # prior is the version attested
        Module.ATTESTATIONS,
        "AttestQuality",
        "QualityAttested",
        "rules:digest score:u32 self_attested:flag document:digest",
    ),
    _act(Module.ATTESTATIONS, "WithdrawAttestation", "AttestationWithdrawn", "attestation:digest document:digest"),
    _act(  # prior is the version in doubt
        Module.ATTESTATIONS, "RequestCorrection", "CorrectionRequested", "share:digest document:digest"
    ),
    _act(
        Module.ATTESTATIONS,
        "ResolveCorrection",
        "CorrectionResolved",
        "correction:digest outcome:u8 version:digest document:digest",
    ),
    _act(Module.RULEBOOK, "PublishRule", "RulePublished", "rule:code kind:u8 start:time document:digest"),
    _act(Module.CHECKPOINTS, "PublishCheckpoint", "CheckpointPublished", "log:code size:u64 root:digest state:digest"),
)

ACTS: dict[str, ActType] = {act.name: act for act in _ALL}
BY_ENTRY: dict[str, ActType] = {act.entry: act for act in _ALL}
