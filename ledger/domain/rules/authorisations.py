"""Acts on a share: who may move it from which stage to which."""

from collections.abc import Collection

from ledger.domain.acts import Cause, Method, Role, ShareType
from ledger.domain.refusals import refusal_from_name
from ledger.domain.rules.case import Case, is_zero, refuse_if
from ledger.domain.stages import LIVE, OPEN, Stage
from ledger.domain.state import Dataset, Revision, Share, Version


def _known_share(case: Case) -> Share:
    share = case.state.get(Share, case.act["share"])
    if share is None:
        raise refusal_from_name("AuthorisationsUnknown", case.act["share"])
    return share


def _check_party(case: Case, share: Share, *parties: str) -> None:
    refuse_if(case.code not in parties, "AuthorisationsParty", share.id, case.code)


def _check_party_or_above(case: Case, share: Share, *parties: str) -> None:
    """One of the parties, or an authority above the provider."""
    reaches = case.code in parties or case.is_above(share.provider)
    refuse_if(not reaches, "AuthorisationsParty", share.id, case.code)


def _check_sealed(case: Case, share: Share, stages: Collection[Stage]) -> None:
    """Signed, continuing the share as it stands, and at a stage that allows the act."""
    case.check_signatures()
    case.check_prior(share.last)
    refuse_if(share.stage not in stages, "AuthorisationsStage", share.id, share.stage)


# creating a share


def request_share(case: Case) -> None:
    case.sign_in()
    case.check_role(Role.CONSUMER)
    refuse_if(case.act["consumer"] != case.code, "AuthorisationsNotConsumer", case.code)
    dataset = case.known_dataset(case.act["dataset"])
    case.check_signatures()
    _check_creatable(case, dataset)


def grant_share(case: Case) -> None:
    act = case.act
    case.sign_in()
    dataset = case.known_dataset(act["dataset"])
    case.check_above(dataset.provider)
    consumer = case.known_department(act["consumer"])
    refuse_if(not consumer.roles & Role.CONSUMER, "DepartmentsRole", consumer.code, Role.CONSUMER)
    case.check_signatures()
    _check_creatable(case, dataset)


def _check_creatable(case: Case, dataset: Dataset) -> None:
    act = case.act
    refuse_if(dataset.provider == act["consumer"], "AuthorisationsSelf", act["consumer"])
    published = case.state.get(Revision, dataset.published) if dataset.published else None
    if published is None:
        raise refusal_from_name("DatasetsNotPublished", dataset.code)
    moved = act["revision"] != published.digest
    refuse_if(moved, "AuthorisationsRevision", published.digest, act["revision"])
    refuse_if(published.share_type == ShareType.NOT_SHARED, "AuthorisationsNotShared", dataset.code)
    refuse_if(act.name == "GrantShare" and is_zero(act["basis"]), "AuthorisationsBasisMissing")
    refuse_if(act["until"] <= case.now, "AuthorisationsUntil", act["until"])
    case.check_document("AuthorisationsDocumentMissing")
    refuse_if(case.state.get(Share, case.digest) is not None, "AuthorisationsKnown", case.digest)


# from the request to the reply


def withdraw_request(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    _check_party(case, share, share.consumer)
    _check_sealed(case, share, OPEN)


def ask_supplement(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    _check_party(case, share, share.provider)
    _check_sealed(case, share, {Stage.REQUESTED})
    refuse_if(share.supplement_asked, "AuthorisationsOnce", share.id)


def supply_materials(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    _check_party(case, share, share.consumer)
    _check_sealed(case, share, {Stage.SUPPLEMENT_ASKED})


def extend_reply(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    case.check_above(share.provider)
    _check_sealed(case, share, OPEN)
    refuse_if(share.extended, "AuthorisationsOnce", share.id)


def agree_share(case: Case) -> None:
    until = case.act["until"]
    case.sign_in()
    share = _known_share(case)
    _check_party(case, share, share.provider)
    _check_sealed(case, share, OPEN)
    dataset = case.known_dataset(share.dataset)
    refuse_if(dataset.withdrawn, "AuthorisationsWithdrawn", dataset.code)
    refuse_if(until <= case.now, "AuthorisationsUntil", until)
    refuse_if(until > share.requested_until, "AuthorisationsWidened", share.requested_until, until)


def refuse_share(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    _check_party(case, share, share.provider)
    _check_sealed(case, share, OPEN)
    case.check_document("AuthorisationsDocumentMissing")
    revision = case.state.get(Revision, share.revision)
    unconditional = revision is not None and revision.share_type == ShareType.UNCONDITIONAL
    offered = not case.known_dataset(share.dataset).withdrawn
    refuse_if(unconditional and offered, "AuthorisationsUnconditional", share.id)


# from the delivery to the end


def deliver_share(case: Case) -> None:
    act = case.act
    case.sign_in()
    share = _known_share(case)
    _check_party(case, share, share.provider)
    _check_sealed(case, share, LIVE)
    refuse_if(share.suspended, "AuthorisationsSuspended", share.id)
    refuse_if(case.now > share.until, "AuthorisationsExpired", share.id, share.until)
    version = case.state.get(Version, act["version"])
    deliverable = version is not None and version.dataset == share.dataset and not version.shredded
    refuse_if(not deliverable, "AuthorisationsVersion", act["version"])
    refuse_if(act["method"] not in set(Method), "AuthorisationsMethod", act["method"])


def confirm_delivery(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    _check_party(case, share, share.consumer)
    _check_sealed(case, share, {Stage.DELIVERED})


def suspend_share(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    _check_party_or_above(case, share, share.provider)
    _check_sealed(case, share, LIVE)
    refuse_if(share.suspended, "AuthorisationsSuspended", share.id)


def resume_share(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    # Who may lift a suspension depends on who set it, so this part of the state is looked at first.
    if share.suspended_by is None:
        raise refusal_from_name("AuthorisationsNotSuspended", share.id)
    if share.suspended_by == share.provider:
        _check_party_or_above(case, share, share.provider)
    else:
        reaches = case.code == share.suspended_by or case.is_strictly_above(share.suspended_by)
        refuse_if(not reaches, "AuthorisationsParty", share.id, case.code)
    case.check_signatures()
    case.check_prior(share.last)


def end_share(case: Case) -> None:
    case.sign_in()
    share = _known_share(case)
    _check_party_or_above(case, share, share.consumer, share.provider)
    _check_sealed(case, share, LIVE)
    refuse_if(case.act["cause"] not in set(Cause), "AuthorisationsCause", case.act["cause"])
