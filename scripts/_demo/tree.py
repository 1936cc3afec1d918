"""1: the root authority registers Lu'an's tree, four levels deep, and departments get their keys."""

import time
from typing import Any

from ledger.domain.acts import Custody, Duty, KeyKind, Level, Role
from ledger.domain.documents import Document
from ledger.errors import NotFound
from scripts._demo.cast import BUREAU, CITY_PARTS, CIVIL, HOUSING, LABOUR, QUALITY, ROOT, STATISTICS, Part
from scripts._demo.office import Office, at, final
from scripts._demo.own_keys import OwnKeys
from scripts._demo.places import Place, divisions
from scripts._demo.play import Play
from scripts._demo.writing import VALID_SECONDS, Written, write

OPENING_SECONDS = 30
_LEVELS = {
    Level.COUNTY: ("个县级区划和开发区", "county-level divisions and the development zone"),
    Level.TOWNSHIP: ("个乡级区划（霍山县）", "townships of Huoshan"),
    Level.VILLAGE: ("个村（霍山县）", "villages of Huoshan"),
}
_DUTIES = {
    Duty.DIRECTOR: ("部门负责人", "director"),
    Duty.LEAD: ("共享工作机构负责人", "lead"),
    Duty.OFFICER: ("经办人", "officer"),
}


def plant(play: Play) -> None:
    play.teller.step(1, "部门与密钥", "departments and keys")
    root = _open_the_root(play)
    for part in CITY_PARTS:
        body = _registration(part.code, part.zh, part.parent, Level.CITY, part.roles)
        entry = root.act("/departments", body)["entry"]
        play.teller.deed(f"登记 {part.zh} {part.code}", f"registered the {part.en}", entry)
    _register_all(play, root)
    for part in CITY_PARTS:
        play.open_office(part)
    _enrol_keys(play, root)


def _open_the_root(play: Play) -> Office:
    """As soon as the product has followed entry 0, in which the root authority is. Raises NotFound if it does not."""
    deadline = time.monotonic() + OPENING_SECONDS
    while True:
        try:
            return play.open_office(ROOT)
        except NotFound:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def _registration(code: str, name: str, parent: str, level: Level, roles: Role) -> dict[str, Any]:
    said = {"department": code, "parent": parent, "level": int(level), "roles": int(roles)}
    return {**said, "document": {"name": name}}


def _register_all(play: Play, root: Office) -> None:
    """All divisions in one request, parents before children; the key that signs is one the host holds."""
    tree = divisions()
    keys = root.client.get(at("departments", ROOT.code, "keys"))["items"]
    acts = [_written(play, str(keys[0]["address"]), place).signed(None) for places in tree.values() for place in places]
    with play.teller.progress(f"登记 {len(acts)} 个区划", f"registering {len(acts)} divisions", None):
        submissions = root.client.post("/acts", {"acts": acts}, wait=60)["items"]
    for level, places in tree.items():
        entries = [int(final(submissions.pop(0))["entry"]) for _ in places]
        zh, en = _LEVELS[level]
        play.teller.deed(f"登记 {len(places)} {zh}：{_some(places)}", f"registered {len(places)} {en}", max(entries))


def _written(play: Play, signer: str, place: Place) -> Written:
    roles = Role.PROVIDER | Role.CONSUMER | (Role.AUTHORITY if place.level is Level.COUNTY else Role(0))
    fields: dict[str, Any] = {
        "department": place.code, "parent": place.parent, "level": int(place.level), "roles": int(roles),
    }  # fmt: skip
    document = Document.make("department", **fields, name=place.name)
    return write(play.ledger, "RegisterDepartment", signer, fields, ("document", document))


def _some(places: list[Place]) -> str:
    """The first and the last of them."""
    return " … ".join(f"{place.name} {place.code}" for place in (places[0], places[-1]))


def _enrol_keys(play: Play, root: Office) -> None:
    """The first key of a department is enrolled from above, the others by its own director."""
    for part in (BUREAU, STATISTICS, LABOUR, CIVIL, QUALITY):
        _enrol_host_key(play, root, part, Duty.DIRECTOR)
    for part, duties in ((BUREAU, (Duty.LEAD,)), (STATISTICS, (Duty.LEAD, Duty.OFFICER))):
        for duty in duties:
            _enrol_host_key(play, play.office(part), part, duty)
    _enrol_own_keys(play, root, HOUSING)


def _enrol_host_key(play: Play, by: Office, part: Part, duty: Duty) -> None:
    """A key that the host makes and keeps."""
    body = {"duty": int(duty), "mandate": _mandate(part, duty)}
    enrolled = by.act(at("departments", part.code, "keys"), body)
    zh, en = _DUTIES[duty]
    play.teller.deed(f"{part.zh}：{zh}密钥（平台托管）", f"{part.en}: {en}'s key, host custody", enrolled["entry"])


def _mandate(part: Part, duty: Duty) -> dict[str, Any]:
    zh, _ = _DUTIES[duty]
    return {"department": part.code, "holder": f"{part.zh}{zh}", "purpose": "政务数据共享"}


def _enrol_own_keys(play: Play, root: Office, part: Part) -> None:
    """Keys that the department made itself and never gives away. Its director enrols the lead and the officer."""
    own = OwnKeys(play.office(part), play.ledger, play.world.secrets / "own-keys", play.world.passphrase)
    play.own = own
    director = play.made["director"] = own.new()
    enrolled = _enrol_from_above(play, root, own, part, director)
    _tell_own(play, part, Duty.DIRECTOR, enrolled["entry"])
    for duty in (Duty.LEAD, Duty.OFFICER):
        play.made[duty.name.lower()] = enrol_own(play, part, duty)


def enrol_own(play: Play, part: Part, duty: Duty) -> str:
    """A further key of its own, enrolled by its own director; its address."""
    own = play.own_keys
    key = own.new()
    fields = {
        "key": key, "department": part.code, "kind": int(KeyKind.ACCOUNT), "duty": int(duty),
        "custody": int(Custody.OWN), "start": 0, "until": 0,
    }  # fmt: skip
    mandate = Document.make("mandate", **_mandate(part, duty))
    enrolled = own.act("EnrolKey", play.made["director"], fields, ("mandate", mandate))
    _tell_own(play, part, duty, enrolled["entry"])
    return key


def _enrol_from_above(play: Play, root: Office, own: OwnKeys, part: Part, key: str) -> dict[str, Any]:
    """The authority drafts, the department checks that and signs with its new key, the authority's key signs too."""
    mandate = {"kind": "mandate", **_mandate(part, Duty.DIRECTOR), "start": 0, "until": 0}
    fields = {
        "key": key, "department": part.code, "kind": int(KeyKind.ACCOUNT), "duty": int(Duty.DIRECTOR),
        "custody": int(Custody.OWN), "start": 0, "until": 0, "valid_until": int(time.time()) + VALID_SECONDS,
    }  # fmt: skip
    draft = root.client.post("/drafts", {"act": "EnrolKey", "fields": fields, "document": mandate})
    signature = own.consent(draft, fields, mandate)
    signed = {"act": draft["act"], "signatures": [None, signature], "documents": draft["documents"]}
    return final(root.client.post("/acts", {"acts": [signed]}, wait=30)["items"][0])


def _tell_own(play: Play, part: Part, duty: Duty, entry: int) -> None:
    zh, en = _DUTIES[duty]
    play.teller.deed(f"{part.zh}：{zh}密钥（自持）", f"{part.en}: {en}'s key, own custody", entry)
