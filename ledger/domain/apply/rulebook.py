"""Published rules and checkpoints: one line each for a department and a code."""

from ledger.domain.entries import Entry
from ledger.domain.state import Checkpoint, Rule, RuleText, State, StateObject


def rule_published(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act, index = entry.act, entry.index
    known = state.get(Rule, signer, act["rule"])
    rule = Rule(
        department=signer,
        rule=act["rule"],
        kind=act["kind"],
        start=act["start"],
        document=act["document"],
        last=entry.digest,
        since=known.since if known else index,
        updated=index,
    )
    text = RuleText(
        digest=entry.digest,
        department=signer,
        rule=rule.rule,
        kind=rule.kind,
        start=rule.start,
        document=rule.document,
        published_time=entry.time,
        since=index,
        updated=index,
    )
    return (rule, text)


def checkpoint_published(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act, index = entry.act, entry.index
    known = state.get(Checkpoint, signer, act["log"])
    checkpoint = Checkpoint(
        department=signer,
        log=act["log"],
        size=act["size"],
        root=act["root"],
        state=act["state"],
        published_time=entry.time,
        last=entry.digest,
        since=known.since if known else index,
        updated=index,
    )
    return (checkpoint,)
