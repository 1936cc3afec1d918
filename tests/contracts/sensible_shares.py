"""Acts on shares and corrections that should be accepted; see `sensible`."""

from collections.abc import Collection
from typing import Final

from ledger.domain.acts import Duty, Role, ShareType
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.stages import LIVE, OPEN, Stage
from ledger.domain.state import Correction, Dataset, Department, Revision, Share, Version
from tests.contracts.pools import Pools
from tests.contracts.sensible import Draw, Drawn


def _offer(pools: Pools) -> tuple[Dataset, Department] | None:
    """A dataset that can be shared and a consumer for it."""

    def shared(dataset: Dataset) -> bool:
        revision = pools.state.get(Revision, dataset.published)
        return revision is not None and revision.share_type != ShareType.NOT_SHARED

    found = pools.one(pools.mostly(pools.state.all(Dataset), shared))
    if found is None:
        return None
    consumer = pools.one(pools.mostly(pools.departments(Role.CONSUMER), lambda one: one.code != found.provider))
    return (found, consumer) if found and consumer else None


def _term(pools: Pools) -> int:
    return pools.now + pools.rng.choice([1, 20, 200, 5000, 5000])


def request_share(pools: Pools) -> Drawn:
    offer = _offer(pools)
    if offer is None:
        return None
    dataset, consumer = offer
    fields = {"consumer": consumer.code, "dataset": dataset.code, "until": _term(pools)}
    fields["revision"] = dataset.published or ZERO_DIGEST
    return pools.key_of(consumer.code, Duty.LEAD), fields


def grant_share(pools: Pools) -> Drawn:
    offer = _offer(pools)
    authority = offer and pools.authority_over(offer[0].provider)
    if offer is None or authority is None:
        return None
    dataset, consumer = offer
    fields = {"consumer": consumer.code, "dataset": dataset.code, "until": _term(pools)}
    fields["revision"] = dataset.published or ZERO_DIGEST
    return pools.key_of(authority, Duty.DIRECTOR), fields


def _share(pools: Pools, stages: Collection[int], *, suspended: bool | None = None) -> Share | None:
    """One whose term ends now, or one of the newer ones, so that a share lives through several stages."""
    found = pools.mostly(pools.state.all(Share), lambda one: one.stage in stages)
    if suspended is not None:
        found = pools.mostly(found, lambda one: one.suspended == suspended)
    ending = [one for one in found if pools.now in (one.until, one.until + 1)]
    if ending and pools.chance(0.7):
        return pools.rng.choice(ending)
    return pools.one(found[-5:] if pools.chance(0.7) else found)


def _by_consumer(stages: Collection[int], duty: Duty) -> Draw:
    def draw(pools: Pools) -> Drawn:
        share = _share(pools, stages)
        return (pools.key_of(share.consumer, duty), {"share": share.id}) if share is not None else None

    return draw


def _by_provider(stages: Collection[int], duty: Duty) -> Draw:
    def draw(pools: Pools) -> Drawn:
        share = _share(pools, stages)
        return (pools.key_of(share.provider, duty), {"share": share.id}) if share is not None else None

    return draw


def ask_supplement(pools: Pools) -> Drawn:
    asked = [one for one in pools.state.all(Share) if one.stage == Stage.REQUESTED]
    share = pools.one(pools.mostly(asked, lambda one: not one.supplement_asked))
    return (pools.key_of(share.provider, Duty.OFFICER), {"share": share.id}) if share is not None else None


def extend_reply(pools: Pools) -> Drawn:
    asked = [one for one in pools.state.all(Share) if one.stage in OPEN]
    share = pools.one(pools.mostly(asked, lambda one: not one.extended))
    authority = pools.authority_over(share.provider) if share else None
    if share is None or authority is None:
        return None
    return pools.key_of(authority, Duty.LEAD), {"share": share.id, "working_days": pools.rng.randrange(11)}


def agree_share(pools: Pools) -> Drawn:
    share = _share(pools, OPEN)
    if share is None:
        return None
    until = max(pools.now + 1, share.until - pools.rng.choice([0, 0, 1, 100]))
    return pools.key_of(share.provider, Duty.LEAD), {"share": share.id, "until": until}


def deliver_share(pools: Pools) -> Drawn:
    share = _share(pools, LIVE, suspended=False)
    if share is None:
        return None
    fit = [one for one in pools.state.all(Version) if one.dataset == share.dataset and not one.shredded]
    version = pools.one(fit if pools.chance(0.95) else list(pools.state.all(Version)))
    fields = {"share": share.id, "version": version.id, "method": pools.rng.randrange(1, 5)} if version else None
    return (pools.key_of(share.provider, Duty.OFFICER), fields) if fields is not None else None


def suspend_share(pools: Pools) -> Drawn:
    share = _share(pools, LIVE, suspended=False)
    return (
        (pools.key_of(_provider_or_above(pools, share), Duty.LEAD), {"share": share.id}) if share is not None else None
    )


def resume_share(pools: Pools) -> Drawn:
    share = _share(pools, LIVE, suspended=True)
    if share is None:
        return None
    by = share.suspended_by or share.provider
    code = by if pools.chance(0.5) else pools.authority_over(by) or by
    return pools.key_of(code, Duty.LEAD), {"share": share.id}


def end_share(pools: Pools) -> Drawn:
    share = _share(pools, LIVE)
    if share is None:
        return None
    code = share.consumer if pools.chance(0.4) else _provider_or_above(pools, share)
    return pools.key_of(code, Duty.LEAD), {"share": share.id, "cause": pools.rng.randrange(1, 6)}


def _provider_or_above(pools: Pools, share: Share) -> str:
    return share.provider if pools.chance(0.4) else pools.authority_over(share.provider) or share.provider


def request_correction(pools: Pools) -> Drawn:
    share = _share(pools, LIVE)
    version = share and pools.one([one for one in pools.state.all(Version) if one.dataset == share.dataset])
    if share is None or version is None:
        return None
    return pools.key_of(share.consumer, Duty.OFFICER), {"share": share.id, "prior": version.id}


def resolve_correction(pools: Pools) -> Drawn:
    correction = pools.one(pools.mostly(pools.state.all(Correction), lambda one: one.outcome is None))
    if correction is None:
        return None
    versions = [one.id for one in pools.state.all(Version) if one.dataset == correction.dataset]
    fields = {"correction": correction.id, "outcome": pools.rng.randrange(1, 3)}
    fields |= {"version": pools.rng.choice([*versions, ZERO_DIGEST])}
    return pools.key_of(correction.provider, Duty.LEAD), fields


SENSIBLE_SHARES: Final[dict[str, Draw]] = {
    "RequestShare": request_share,
    "WithdrawRequest": _by_consumer(OPEN, Duty.LEAD),
    "AskSupplement": ask_supplement,
    "SupplyMaterials": _by_consumer({Stage.SUPPLEMENT_ASKED}, Duty.OFFICER),
    "ExtendReply": extend_reply,
    "AgreeShare": agree_share,
    "RefuseShare": _by_provider(OPEN, Duty.LEAD),
    "DeliverShare": deliver_share,
    "ConfirmDelivery": _by_consumer({Stage.DELIVERED}, Duty.OFFICER),
    "SuspendShare": suspend_share,
    "ResumeShare": resume_share,
    "EndShare": end_share,
    "GrantShare": grant_share,
    "RequestCorrection": request_correction,
    "ResolveCorrection": resolve_correction,
}
