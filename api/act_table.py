"""Every act that has a noun of its own in the API: one line each. Routes, bodies and descriptions come from here.

A path's parameters fill fields of the act (`fills`); what is left of the act's fields is the body. Duty and role are
those of `ledger.domain.permissions`; `party` says in words whose act it is, and is enforced below, never here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ledger.domain.acts import ACTS, ActType
from ledger.domain.permissions import PERMISSIONS


@dataclass(frozen=True, slots=True)
class ActRoute:
    act: str
    path: str
    tag: str
    party: str
    fills: Mapping[str, str] = field(default_factory=dict)  # path parameter → field of the act, "": looked up
    optional: tuple[str, ...] = ()  # fields that may be left out: zero, or found below

    @property
    def type(self) -> ActType:
        return ACTS[self.act]

    @property
    def caller(self) -> dict[str, str]:
        """Who may call, for the description: the least duty, the role ("any" if none is asked for), and the party."""
        duty, role = PERMISSIONS[self.act]
        named = role.name.lower() if role and role.name else "any"
        return {"duty": duty.name.lower(), "role": named, "party": self.party}


_DEPARTMENT = {"department": "department"}
_DATASET = {"dataset": "dataset"}
_SHARE = {"share": "share"}
_ON_VERSION = {"version": "prior"}

ACT_ROUTES: Final = (
    ActRoute("RegisterDepartment", "/departments", "departments", "an authority at or above the parent"),
    ActRoute(
        "ChangeDepartment",
        "/departments/{department}/changes",
        "departments",
        "an authority above the department and above its new parent",
        _DEPARTMENT,
    ),
    ActRoute(
        "EnrolKey",
        "/departments/{department}/keys",
        "departments",
        "the department itself, or an authority above it (recovery, and marked so)",
        _DEPARTMENT,
        ("key", "kind", "custody", "start", "until", "mandate"),
    ),
    ActRoute(
        "RetireKey",
        "/keys/{key}/retirement",
        "departments",
        "the key's department, or an authority above it",
        {"key": "key"},
    ),
    ActRoute("SubmitDataset", "/datasets", "datasets", "the department that provides the dataset"),
    ActRoute("WithdrawDataset", "/datasets/{dataset}/withdrawal", "datasets", "its provider", _DATASET),
    ActRoute(
        "PublishDataset", "/datasets/{dataset}/publication", "datasets", "an authority above its provider", _DATASET
    ),
    ActRoute("ReturnDataset", "/datasets/{dataset}/return", "datasets", "an authority above its provider", _DATASET),
    ActRoute("AnchorVersion", "/datasets/{dataset}/versions", "versions", "the dataset's provider", _DATASET),
    ActRoute("ShredVersion", "/versions/{version}/shredding", "versions", "the dataset's provider", {"version": ""}),
    ActRoute("RequestShare", "/authorisations", "authorisations", "the consumer, for itself"),
    ActRoute("GrantShare", "/grants", "authorisations", "an authority above the provider"),
    ActRoute("WithdrawRequest", "/authorisations/{share}/withdrawal", "authorisations", "the share's consumer", _SHARE),
    ActRoute(
        "AskSupplement",
        "/authorisations/{share}/supplement-request",
        "authorisations",
        "the share's provider, once",
        _SHARE,
    ),
    ActRoute("SupplyMaterials", "/authorisations/{share}/supplement", "authorisations", "the share's consumer", _SHARE),
    ActRoute(
        "ExtendReply",
        "/authorisations/{share}/extension",
        "authorisations",
        "an authority above the share's provider, once",
        _SHARE,
    ),
    ActRoute("AgreeShare", "/authorisations/{share}/agreement", "authorisations", "the share's provider", _SHARE),
    ActRoute("RefuseShare", "/authorisations/{share}/refusal", "authorisations", "the share's provider", _SHARE),
    ActRoute("DeliverShare", "/authorisations/{share}/deliveries", "authorisations", "the share's provider", _SHARE),
    ActRoute(
        "ConfirmDelivery", "/authorisations/{share}/confirmation", "authorisations", "the share's consumer", _SHARE
    ),
    ActRoute(
        "SuspendShare",
        "/authorisations/{share}/suspension",
        "authorisations",
        "the share's provider, or an authority above it",
        _SHARE,
    ),
    ActRoute(
        "ResumeShare",
        "/authorisations/{share}/resumption",
        "authorisations",
        "whoever suspended it, or an authority above that",
        _SHARE,
    ),
    ActRoute(
        "EndShare",
        "/authorisations/{share}/end",
        "authorisations",
        "the share's consumer or provider, or an authority above the provider",
        _SHARE,
    ),
    ActRoute(
        "AttestQuality",
        "/versions/{version}/attestations",
        "attestations",
        "a department with the role attestor, or the provider itself if marked self-attested",
        _ON_VERSION,
    ),
    ActRoute(
        "WithdrawAttestation",
        "/attestations/{attestation}/withdrawal",
        "attestations",
        "whoever attested",
        {"attestation": "attestation"},
    ),
    ActRoute(
        "RequestCorrection",
        "/versions/{version}/corrections",
        "corrections",
        "the consumer of a live share of the dataset",
        _ON_VERSION,
    ),
    ActRoute(
        "ResolveCorrection",
        "/corrections/{correction}/resolution",
        "corrections",
        "the version's provider",
        {"correction": "correction"},
        ("version",),  # one that is declined has no new version
    ),
    ActRoute("PublishRule", "/rules", "rules", "any authority, for its own rules"),
    ActRoute("PublishCheckpoint", "/checkpoints", "checkpoints", "any department, for its own log"),
    ActRoute("AdmitModule", "/ledger/modules", "ledger", "the root authority"),
    ActRoute("CloseLedger", "/ledger/closing", "ledger", "the root authority"),
)

BY_ACT: Final[dict[str, ActRoute]] = {route.act: route for route in ACT_ROUTES}
