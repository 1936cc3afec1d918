"""6: a share is suspended, resumed and ended; the auditor replays the ledger, before and after tampering."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from ledger.domain.acts import Cause
from ledger.domain.documents import Document
from scripts._demo.cast import AUDIT, HOUSING, STATISTICS
from scripts._demo.office import Unexpected, at, refusal
from scripts._demo.play import Play


def end_and_audit(play: Play) -> None:
    play.teller.step(6, "暂停、恢复、终止与审计", "suspension, resumption, end, audit")
    _suspend_resume_end(play)
    _clean_replay(play)
    _tampered_replay(play)


def _suspend_resume_end(play: Play) -> None:
    provider, consumer, share = play.office(STATISTICS), play.office(HOUSING), play.made["share"]
    file = play.world.secrets / "scratch" / "suspended.csv"
    suspended = provider.act(at("authorisations", share, "suspension"), {"document": {"reasons": "核查使用情况"}})
    play.teller.deed("市统计局暂停共享", "the provider suspends the share", suspended["entry"])
    refused = refusal(lambda: consumer.download(at("authorisations", share, "payload"), file))
    play.teller.refusal(str(refused.problem["code"]), "暂停期间下载", "a download meanwhile is refused")
    resumed = provider.act(at("authorisations", share, "resumption"), {"document": {"reasons": "核查无异常"}})
    play.teller.deed("市统计局恢复共享", "the provider resumes it", resumed["entry"])

    fields: dict[str, Any] = {"share": share, "cause": int(Cause.PURPOSE_ENDED)}
    document = Document.make("end", **fields, reasons="核对工作完成", disposal="副本已删除")
    last = consumer.client.get(at("authorisations", share))["last"]
    ended = play.own_keys.act("EndShare", play.made["lead"], fields, ("document", document), prior=last)
    play.teller.deed("住房公积金中心使用目的实现，终止共享", "the consumer ends it: purpose fulfilled", ended["entry"])


def _clean_replay(play: Play) -> None:
    """By the auditor, over HTTP."""
    with play.teller.progress("从第 0 块重放", "replaying from block 0", None):
        report = play.office(AUDIT).client.post("/audits", None)
    play.result.entries, play.result.head = int(report["entries"]), str(report["head"])
    play.result.clean_findings = len(report["findings"])
    play.result.head_matches = bool(report["head_matches"])
    if report["findings"] or not report["head_matches"]:
        raise Unexpected(f"the replay of an untouched ledger found {_named(report['findings'])}")
    play.teller.fact(
        f"市审计局重放 {report['entries']} 条：0 项发现，链头一致 {report['head'][:16]}…",
        f"the auditor replays {report['entries']} entries: nothing found, head matches",
    )


def _tampered_replay(play: Play) -> None:
    """On a copy of the home, so that the world itself stays as it is."""
    share, stored = play.made["grant"], _stored_object(play)
    play.world.stop()
    copy = play.world.secrets / "scratch" / "tampered"
    shutil.copytree(play.world.home, copy)
    tamper(copy, share, stored)
    play.teller.deed("在副本上改动读模型一行、数据文件一个字节", "in a copy of it all, a row and a byte are changed")
    with play.teller.progress("再次重放", "replaying again", None):
        report = play.world.cli("audit", "replay", home=copy, expected=1)
    shutil.rmtree(copy)
    findings: list[dict[str, Any]] = report["findings"]
    play.result.tamper_findings = [
        {"code": found["code"], "subject": found["subject"], "detail": found["detail"]} for found in findings
    ]
    for found in findings:
        play.teller.refusal(str(found["code"]), f"重放指出 {found['subject']}", "the replay names it")
    _expect_both(findings, share, (stored, play.made["version"], play.made["version_document"]))


def _expect_both(findings: list[dict[str, Any]], share: str, payload: tuple[str, ...]) -> None:
    def names(*wanted: str) -> bool:
        return any(one in f"{found['subject']} {found['detail']}" for found in findings for one in wanted)

    if not names(share) or not names(*payload):
        raise Unexpected(f"the replay did not name both the row and the payload: {_named(findings)}")


def _stored_object(play: Play) -> str:
    """The digest of the encrypted object kept for version 1, from the version's document."""
    provider = play.office(STATISTICS)
    document = provider.client.get(at("documents", play.made["version_document"]))
    return str(document["stored"]["object"])


def tamper(home: Path, share: str, stored: str) -> None:
    """Give a share another day, and flip one bit in the middle of a stored object."""
    with closing(sqlite3.connect(home / "store" / "ledger.sqlite3")) as database, database:
        changed = database.execute("UPDATE shares SET until = until + 86400 WHERE id = ?", (share,)).rowcount
    objects = home / "payloads" / "objects"
    (object_file,) = [path for path in objects.rglob("*") if path.is_file() and _is(path, stored)]
    object_file.chmod(0o600)
    with object_file.open("r+b") as file:
        middle = object_file.stat().st_size // 2
        file.seek(middle)
        byte = file.read(1)[0]
        file.seek(middle)
        file.write(bytes([byte ^ 1]))
    if changed != 1:
        raise Unexpected("the share to tamper with is not in the read model")


def _is(path: Path, digest: str) -> bool:
    """Whether the file, under whatever folders, is named by the digest."""
    return digest in "".join(path.parts)


def _named(findings: list[dict[str, Any]]) -> str:
    return ", ".join(f"{found['code']} {found['subject']}" for found in findings) or "nothing"
