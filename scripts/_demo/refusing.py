"""4: a changed copy is found out; a retired key, a stranger and a share past its term are refused."""

import math
import time
from collections.abc import Callable
from pathlib import Path

from ledger.domain.acts import Duty, Level, RetireReason
from ledger.domain.documents import Document
from scripts._demo.cast import CIVIL, HEALTH, HOUSING, STATISTICS
from scripts._demo.office import Unexpected, at, refusal
from scripts._demo.places import divisions, record_of
from scripts._demo.play import Play
from scripts._demo.sharing import delivery, request_document, request_fields
from scripts._demo.tree import enrol_own

TERM_SECONDS = 3
_PATIENCE_SECONDS = 30


def refuse(play: Play) -> None:
    play.teller.step(4, "篡改与拒绝", "tampering and refusals")
    share, until = _agree_for_seconds(play)
    _changed_copy(play)  # while the term runs out
    _retired_key(play)
    _stranger(play)
    _past_its_term(play, share, until)


def _changed_copy(play: Play) -> None:
    """One cell of one record is changed; the verification names the record."""
    village = divisions()[Level.VILLAGE][-1]
    index = record_of(village.code)
    copy = _with_line(Path(play.made["copy"]), index, village.name, village.name + "（改）")
    with play.teller.progress("核验被改动的副本", "verifying the changed copy", None):
        report = play.office(HOUSING).upload("/verifications", copy, share=play.made["share"])
    copy.unlink()
    if report["ok"] or report["differences"] != [index]:
        raise Unexpected(f"the changed copy gave {report['differences']}, not [{index}]")
    play.result.detected, play.result.record_index = True, index
    failed = ", ".join(check["code"] for check in report["checks"] if check["ok"] is False)
    play.teller.refusal(
        failed, f"改动一格的副本核验不通过，指出第 {index} 条", f"a copy with one changed cell fails at record {index}"
    )


def _with_line(file: Path, index: int, old: str, new: str) -> Path:
    """A copy of the table in which one record has `new` in place of `old`."""
    copy = file.with_name("changed.csv")
    lines = file.read_text(encoding="utf-8").split("\n")
    lines[index + 1] = lines[index + 1].replace(old, new)  # the first line names the columns
    copy.write_text("\n".join(lines), encoding="utf-8")
    return copy


def _retired_key(play: Play) -> None:
    """The lead's key is replaced; what the old one signed stays valid, but it signs nothing more."""
    own, office, old = play.own_keys, play.office(HOUSING), play.made["lead"]
    play.made["lead"] = enrol_own(play, HOUSING, Duty.LEAD)
    last = office.client.get(at("keys", old))["last"]
    retired = own.act(
        "RetireKey",
        play.made["director"],
        {"key": old, "since": int(time.time()) - 1, "reason": int(RetireReason.ROTATED)},
        ("document", Document.make("retirement", reasons="负责人更换密钥")),
        prior=last,
    )
    play.teller.deed("住房公积金中心注销旧密钥", "the housing fund centre retires the lead's old key", retired["entry"])

    fields = request_fields(play, HOUSING, int(time.time()) + 86_400)
    document = Document.make("share-request", **request_document(fields, "以已注销密钥签署"))
    parts = (("document", document), ("scope", document.part("scope")))
    _refused(play, lambda: own.act("RequestShare", old, fields, *parts), "已注销的密钥签署", "a retired key signs")


def _stranger(play: Play) -> None:
    path, office = at("authorisations", play.made["share"], "payload"), play.office(HEALTH)
    file = play.world.secrets / "scratch" / "stranger.csv"
    _refused(play, lambda: office.download(path, file), "未获授权的部门下载", "a consumer with no grant downloads")


def _agree_for_seconds(play: Play) -> tuple[str, int]:
    """A share agreed and delivered for three seconds, and the moment its term ends."""
    provider, consumer = play.office(STATISTICS), play.office(CIVIL)
    fields = request_fields(play, CIVIL, int(time.time()) + 86_400)
    document = request_document(fields, "核对低保对象所在区划")
    share = str(consumer.act("/authorisations", {**fields, "document": document})["digest"])
    until = math.ceil(time.time()) + TERM_SECONDS
    agreement = {"until": until, "document": {"scope": document["scope"], "opinion": "同意三秒"}}
    agreed = provider.queue(at("authorisations", share, "agreement"), agreement)
    # queued right behind it: an act can continue one that is still on its way, its digest is known
    body = {**delivery(play), "prior": agreed["digest"]}
    delivered = provider.act(at("authorisations", share, "deliveries"), body)
    play.result.agreed += 1
    play.teller.deed(
        f"市统计局同意市民政局使用 {TERM_SECONDS} 秒并交付",
        f"a share of {TERM_SECONDS} seconds is agreed and delivered to the civil affairs bureau",
        delivered["entry"],
    )
    return share, until


def _past_its_term(play: Play, share: str, until: int) -> None:
    """The term is waited out by the clock on the wall, then the share is used."""
    _wait_until_after(until)
    consumer = play.office(CIVIL)
    file = play.world.secrets / "scratch" / "late.csv"
    _refused(
        play,
        lambda: consumer.download(at("authorisations", share, "payload"), file),
        "逾期使用",
        "the share is used after its term",
    )


def _wait_until_after(until: int) -> None:
    given_up = time.monotonic() + _PATIENCE_SECONDS
    while time.time() <= until:
        if time.monotonic() > given_up:
            raise Unexpected("this machine's clock does not advance")
        time.sleep(0.05)


def _refused(play: Play, attempt: Callable[[], object], zh: str, en: str) -> None:
    refused = refusal(attempt)
    code = str(refused.problem["code"])
    play.result.refusals.append(code)
    play.teller.refusal(code, f"{zh}：{refused.problem['title_zh']}", f"{en}: {refused.problem['title']}")
