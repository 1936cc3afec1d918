"""1: the root authority registers Lu'an's tree, four levels deep, and departments get their keys."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ledger.domain.acts import Custody, Duty, KeyKind, Level, Role
from ledger.domain.documents import Document
from scripts._demo.cast import BUREAU, CITY_PARTS, CIVIL, HOUSING, LABOUR, QUALITY, ROOT, STATISTICS, Part
from scripts._demo.office import Office, Unexpected, at, final
from scripts._demo.own_keys import VALID_SECONDS, OwnKeys
from scripts._demo.places import Place, divisions
from scripts._demo.play import Play

_AT_ONCE = 8
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
    root = play.open_office(ROOT)
    for part in CITY_PARTS:
        body = _registration(part.code, part.zh, part.parent, Level.CITY, part.roles)
        entry = root.act("/departments", body)["entry"]
        play.teller.deed(f"登记 {part.zh} {part.code}", f"registered the {part.en}", entry)
    print("city", time.monotonic())
    for level, places in divisions().items():
        _register_all(play, root, level, places)
    print("levels", time.monotonic())
    for part in CITY_PARTS:
        play.open_office(part)
    print("apikeys", time.monotonic())
    _enrol_keys(play, root)


def _registration(code: str, name: str, parent: str, level: Level, roles: Role) -> dict[str, Any]:
    said = {"department": code, "parent": parent, "level": int(level), "roles": int(roles)}
    return {**said, "document": {"name": name}}


def _register_all(play: Play, root: Office, level: Level, places: list[Place]) -> None:
    """A whole level, queued many at a time; once the last one is final, so are those queued before it."""
    roles = Role.PROVIDER | Role.CONSUMER | (Role.AUTHORITY if level is Level.COUNTY else Role(0))
    bodies = [_registration(place.code, place.name, place.parent, level, roles) for place in places]
    zh, en = _LEVELS[level]
    with (
        play.teller.progress(f"登记{zh}", f"registering {en}", len(bodies)) as progress,
        ThreadPoolExecutor(_AT_ONCE) as several,
    ):
        for done, _ in enumerate(several.map(lambda body: root.queue("/departments", body), bodies[:-1]), 1):
            progress(done)
        last = root.act("/departments", bodies[-1])
    registered = {one["code"] for page in root.client.pages("/departments", limit=200) for one in page["items"]}
    if missing := {place.code for place in places} - registered:
        raise Unexpected(f"{len(missing)} departments were not registered: {', '.join(sorted(missing)[:5])}")
    play.teller.deed(
        f"登记 {len(places)} {zh}：{_some(places)}", f"registered {len(places)} {en}; last entry", last["entry"]
    )


def _some(places: list[Place]) -> str:
    return "、".join(f"{place.name} {place.code}" for place in places[:2]) + " …"


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
