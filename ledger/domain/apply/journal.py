"""Opening and closing the ledger, modules that come later."""

from dataclasses import replace

from ledger.domain.acts import Duty, Module
from ledger.domain.apply.found import found, or_none
from ledger.domain.entries import Entry
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.state import LEDGER_KEY, Department, InstalledModule, Key, Ledger, State, StateObject


def ledger_opened(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    act = entry.act
    ledger = Ledger(
        journal=entry.module,
        departments=act["departments"],
        datasets=act["datasets"],
        authorisations=act["authorisations"],
        attestations=act["attestations"],
        rulebook=act["rulebook"],
        checkpoints=act["checkpoints"],
        courier=act["courier"],
        root=act["department"],
        opening=entry.digest,
        older_journal=or_none(act["older_journal"]),
        older_head=or_none(act["older_head"]),
        older_size=act["older_size"],
        closed=False,
        successor=None,
        size=entry.index + 1,
        head=entry.head,
        time=entry.time,
        last=ZERO_DIGEST,
        since=entry.index,
        updated=entry.index,
    )
    keys = [_root_key(entry, "first")]
    if or_none(act["second_key"]) and act["second_key"] != act["first_key"]:
        keys.append(_root_key(entry, "second"))
    root = Department(
        code=act["department"],
        parent=None,
        level=act["level"],
        roles=act["roles"],
        document=act["document"],
        had_director=True,
        standing_directors=len(keys),
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
    )
    return (ledger, *_modules(entry), root, *keys)


def _modules(entry: Entry) -> list[InstalledModule]:
    addresses = {Module.JOURNAL: entry.module} | {
        module: entry.act[module.value.lower()] for module in Module if module is not Module.JOURNAL
    }
    return [InstalledModule(address, str(name), None, entry.index, entry.index) for name, address in addresses.items()]


def _root_key(entry: Entry, which: str) -> Key:
    act = entry.act
    return Key(
        address=act[f"{which}_key"],
        department=act["department"],
        kind=act[f"{which}_kind"],
        duty=Duty.DIRECTOR.value,
        custody=act["custody"],
        mandate=ZERO_DIGEST,
        start=0,
        until=0,
        recovery=False,
        enrolled_by=act["department"],
        retired=False,
        retired_time=None,
        retired_since=None,
        reason=None,
        last=entry.digest,
        since=entry.index,
        updated=entry.index,
    )


def module_admitted(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    ledger = found(state, Ledger, *LEDGER_KEY)
    module = InstalledModule(entry.act["module"], None, entry.act["code_hash"], entry.index, entry.index)
    return (replace(ledger, last=entry.digest), module)


def ledger_closed(state: State, entry: Entry, signer: str) -> tuple[StateObject, ...]:
    ledger = found(state, Ledger, *LEDGER_KEY)
    return (replace(ledger, closed=True, successor=or_none(entry.act["successor"]), last=entry.digest),)
