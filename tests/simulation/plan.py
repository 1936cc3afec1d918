"""What departments mean to do: acts that build on each other, signed ahead, doubled, too late, or in vain.

The plan remembers the last act it signed for each object; where it has lost track it looks at what the read model says.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from ledger.domain.acts import ACTS, Custody, Duty, KeyKind, Method, RetireReason, Role
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.state import Line
from ledger.domain.subjects import last_of
from ledger.domain.touches import touches
from ledger.domain.values import Act
from ledger.ports import Store
from ledger.services.acting import SignedAct
from tests.factories.acts import ROOT, START
from tests.simulation import cast

TERM = START + 10_000_000
Group = tuple[str, list[SignedAct]]  # a department, and what it signs


@dataclass
class Plan:
    rng: random.Random
    last: dict[str, str] = field(default_factory=dict)  # object → digest of the last act signed for it
    departments: list[str] = field(default_factory=lambda: list(cast.DEPARTMENTS))
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)  # extra key → department, digest of its enrolment
    sizes: dict[str, int] = field(default_factory=dict)  # log → size of its last checkpoint
    items: dict[str, str] = field(default_factory=dict)  # published dataset → its revision
    numbers: dict[str, int] = field(default_factory=dict)  # dataset → versions
    versions: dict[str, str] = field(default_factory=dict)  # dataset → its newest version
    shares: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # share → dataset, consumer, stage
    made: int = 0

    async def next(self, store: Store, now: float) -> Group:
        """The acts of one call: all of one department."""
        kinds = [self._register, self._change, self._keys, *[self._checkpoints] * 2, *[self._items] * 2]
        if self.items:
            kinds += [self._anchor, self._anchor, self._request]
        if self.shares:
            kinds += [self._move_share] * 3
        department, drafts = self.rng.choice(kinds)()
        valid_until = START + 7200
        if self.rng.random() < 0.08:
            valid_until = int(now) + self.rng.randint(0, 8)
        return department, [await self._signed(store, department, valid_until, *draft) for draft in drafts]

    def lost_track(self, one: SignedAct) -> None:
        """An act was refused: look again before the next one on that object."""
        self.last.pop(self._thing(one.act), None)

    async def _signed(
        self, store: Store, department: str, valid_until: int, name: str, signer: str, documents: Any, fields: Any
    ) -> SignedAct:
        blank = {column.name: ZERO_DIGEST for column in ACTS[name].fields if column.kind == "digest"}
        act = Act.make(name, **(blank | {"signer": signer, "valid_until": valid_until} | fields))
        thing = self._thing(act)
        if "prior" not in fields:
            prior = self.last.get(thing)
            if prior is None:
                async with store.read() as work:
                    state = await work.load(touches(act, ZERO_DIGEST, department))
                prior = last_of(state, act, department)
                if line := state.get(Line, act.values.get("dataset")):
                    self.numbers[line.dataset] = line.count
                if name == "AnchorVersion":
                    fields = fields | {"number": self.numbers.get(act["dataset"], 0) + 1}
            fields = fields | {"prior": prior}
        one = cast.sign(name, signer, *documents, valid_until=valid_until, **fields)
        digest = cast.digest_of(one.act)
        if self.rng.random() < 0.93:  # else the next act on it will rival this one
            self.last[thing] = digest
        self._note(one.act, digest)
        return one

    def _thing(self, act: Act) -> str:
        if act.name in ("AnchorVersion", "ShredVersion"):
            return f"line {act['dataset']}"
        if act.name == "RequestShare":
            return f"new {cast.digest_of(act)}"
        for name in ("share", "dataset", "log", "key", "department"):
            if name in act.values:
                return f"{name} {act[name]}"
        return act.name

    def _note(self, act: Act, digest: str) -> None:
        match act.name:
            case "EnrolKey":
                self.keys[act["key"]] = (act["department"], digest)
                self.last[f"key {act['key']}"] = digest
            case "SubmitDataset":
                self.items[act["dataset"]] = digest
            case "AnchorVersion":
                self.versions[act["dataset"]] = digest
                self.numbers[act["dataset"]] = act["number"]
            case "RequestShare":
                self.shares[digest] = (act["dataset"], act["consumer"], "requested")
                self.last[f"share {digest}"] = digest

    def _signer(self, department: str) -> str:
        """Its director's first key, or one enrolled since."""
        extra = [key for key, (owner, _) in self.keys.items() if owner == department]
        if extra and self.rng.random() < 0.3:
            return self.rng.choice(extra)
        return cast.key(f"{department}/1")

    # what can be meant

    def _register(self) -> tuple[str, list[Any]]:
        drafts = []
        for _ in range(self.rng.choice([1, 1, 3, 6])):
            self.made += 1
            parent = self.rng.choice([ROOT, ROOT, *self.departments[3:], "nowhere"])
            code = f"d{self.made}"
            self.departments.append(code)
            terms = {"department": code, "parent": parent, "level": 3, "roles": int(Role.CONSUMER)}
            drafts.append(("RegisterDepartment", self._signer(ROOT), (), terms))
        return ROOT, drafts

    def _change(self) -> tuple[str, list[Any]]:
        code = self.rng.choice(self.departments)
        drafts = []
        for _ in range(self.rng.choice([1, 2, 4])):
            roles = int(Role.PROVIDER | Role.CONSUMER) | (self.rng.choice([0, 8, 16]))
            terms = {"department": code, "parent": ROOT, "level": 3, "roles": roles}
            drafts.append(("ChangeDepartment", self._signer(ROOT), (), terms))
        return ROOT, drafts

    def _keys(self) -> tuple[str, list[Any]]:
        if self.keys and self.rng.random() < 0.3:
            key = self.rng.choice(list(self.keys))
            owner = self.keys[key][0]
            terms = {"key": key, "since": START - 100, "reason": int(RetireReason.ROTATED)}
            return owner, [("RetireKey", cast.key(f"{owner}/1"), (), terms)]
        self.made += 1
        owner = self.rng.choice([ROOT, *cast.DEPARTMENTS])
        terms = {"key": cast.key(f"spare/{self.made}"), "department": owner, "kind": int(KeyKind.ACCOUNT)}
        terms |= {"duty": int(Duty.DIRECTOR), "custody": int(Custody.OWN), "start": 0, "until": 0}
        return owner, [("EnrolKey", cast.key(f"{owner}/1"), (), terms)]

    def _checkpoints(self) -> tuple[str, list[Any]]:
        owner = self.rng.choice(cast.DEPARTMENTS)
        log, drafts = f"{owner}-log", []
        for _ in range(self.rng.choice([1, 2, 5])):
            self.sizes[log] = size = self.sizes.get(log, 0) + 1
            drafts.append(("PublishCheckpoint", self._signer(owner), (), {"log": log, "size": size, "root": "11" * 32}))
        return owner, drafts

    def _items(self) -> tuple[str, list[Any]]:
        waiting = [code for code in self.items if self.last.get(f"dataset {code}") == self.items[code]]
        if waiting and self.rng.random() < 0.7:
            code = self.rng.choice(waiting)
            return ROOT, [("PublishDataset", self._signer(ROOT), (), {"dataset": code})]
        self.made += 1
        owner = self.rng.choice(cast.DEPARTMENTS)
        code = f"{owner}-{self.made % 4}"
        document = cast.item(code, owner)
        terms = {"dataset": code, "department": owner, "share_type": 1, "grade": 1, "document": document.digest}
        return owner, [("SubmitDataset", self._signer(owner), (document,), terms)]

    def _anchor(self) -> tuple[str, list[Any]]:
        code = self.rng.choice(list(self.items))
        owner = code.split("-")[0]
        number = self.numbers.get(code, 0)
        if number and self.rng.random() < 0.2:
            terms = {"dataset": code, "number": self.rng.randint(1, number), "whole": True}
            return owner, [("ShredVersion", self._signer(owner), (), terms)]
        terms = {"dataset": code, "number": number + 1, "format": "csv", "salted": True, "root": "22" * 32}
        terms |= {"records": 3, "size": 99}
        return owner, [("AnchorVersion", self._signer(owner), (), terms)]

    def _request(self) -> tuple[str, list[Any]]:
        code = self.rng.choice(list(self.items))
        consumer = self.rng.choice([one for one in cast.DEPARTMENTS if not code.startswith(one)])
        self.made += 1
        until = TERM + self.made
        document = cast.request(code, self.items[code], consumer, until)
        terms = {"consumer": consumer, "dataset": code, "revision": self.items[code], "until": until}
        terms |= {"document": document.digest, "prior": ZERO_DIGEST}
        return consumer, [("RequestShare", self._signer(consumer), (document,), terms)]

    def _move_share(self) -> tuple[str, list[Any]]:
        share = self.rng.choice(list(self.shares))
        code, consumer, stage = self.shares[share]
        provider = code.split("-")[0]
        step: dict[str, Any] = {"share": share}
        if stage == "requested":
            self.shares[share] = (code, consumer, "agreed")
            return provider, [("AgreeShare", self._signer(provider), (), step | {"until": TERM})]
        if stage == "agreed" and code in self.versions:
            self.shares[share] = (code, consumer, "delivered")
            step |= {"version": self.versions[code], "method": int(Method.PLATFORM)}
            return provider, [("DeliverShare", self._signer(provider), (), step)]
        if stage == "delivered":
            self.shares[share] = (code, consumer, "confirmed")
            return consumer, [("ConfirmDelivery", self._signer(consumer), (), step)]
        name = self.rng.choice(["SuspendShare", "ResumeShare"])
        return provider, [(name, self._signer(provider), (), step)]
