"""5: an attestor measures the version by a published rule set and attests it; planted errors score less."""

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

from ledger.domain import quality
from ledger.domain.acts import RuleKind
from ledger.domain.documents import Document
from ledger.domain.quality import INDICATORS, MILLION, goodness
from ledger.fingerprint import ReadOptions, Schema, open_source, rows_of
from scripts._demo.cast import BUREAU, QUALITY
from scripts._demo.office import Unexpected, at
from scripts._demo.places import VILLAGE_COLUMNS
from scripts._demo.play import Play

_RULES = {
    "kind": "quality-rules",
    "name": "统计用区划代码质量规则",
    "measures": [
        {"code": "0201", "weight": 1, "columns": ["code", "name"]},
        {"code": "0304", "weight": 1, "columns": ["code"]},
        {"code": "0302", "weight": 1, "columns": ["code"], "pattern": "[0-9]{12}"},
    ],
}
_BLANK, _REPEATED, _MALFORMED = 30, 20, 10  # records
PLANTED = _BLANK + _REPEATED + _MALFORMED


def attest(play: Play) -> None:
    play.teller.step(5, "质量评估", "quality attestation")
    rules = {"rule": "quality/area-codes", "kind": int(RuleKind.QUALITY), "start": int(time.time()), "document": _RULES}
    published = play.office(BUREAU).act("/rules", rules)
    play.teller.deed("主管部门发布质量规则集", "the authority publishes a quality rule set", published["entry"])

    attestor, rule_set = play.office(QUALITY), published["act"]["document"]
    with (
        play.teller.progress("评估全部记录和植入错误的副本", "measuring every record, and the planted copy", None),
        ThreadPoolExecutor(1) as beside,
    ):
        path = at("versions", play.made["version"], "measurements")
        waiting = beside.submit(attestor.client.post, path, None, rules=rule_set)
        bad = _measure_here(play, Document.from_json(attestor.client.get(at("documents", rule_set))))
        good = waiting.result()
    if not good["is_the_version"]:
        raise Unexpected("what was measured is not the version")
    _tell(play, "真实数据", "the real table", good["indicators"])
    fields = {name: value for name, value in good["act_fields"].items() if name != "prior"}
    body = {**fields, "document": good["document"]}
    attested = attestor.act(at("versions", play.made["version"], "attestations"), body)
    play.teller.deed(
        f"评估方签署质量评估：{good['score'] / MILLION:.6f}", "the attestor attests it on the ledger", attested["entry"]
    )
    _tell(play, f"植入 {PLANTED} 处错误的副本", "a copy with planted errors", bad["indicators"])
    if any(_x(one) >= 1 for one in bad["indicators"]) or bad["score"] >= MILLION:
        raise Unexpected("planted errors were not found")


def _measure_here(play: Play, rules: Document) -> Document:
    """The report on a copy with planted errors, made on this machine by the same rule set."""
    planted = _plant(Path(play.made["copy"]))
    table = open_source(planted, ReadOptions(), name=planted.name)
    rows = chain.from_iterable(rows_of(table, Schema.text(VILLAGE_COLUMNS)))
    report = quality.measure(rules, play.made["version"], VILLAGE_COLUMNS, rows)
    planted.unlink()
    return report


def _tell(play: Play, zh: str, en: str, indicators: list[dict[str, Any]]) -> None:
    rows: list[tuple[str, ...]] = []
    for one in indicators:
        told = INDICATORS[one["code"]]
        rows.append((one["code"], told.name_zh, told.name, f"{one['a']:,}", f"{one['b']:,}", f"{_x(one):.6f}"))
    play.teller.table(f"        {zh} · {en}", ("GB/T 36344", "指标", "indicator", "A", "B", "X = A/B"), rows)


def _x(one: dict[str, Any]) -> float:
    good = goodness(one["code"], one["a"], one["b"])
    return float(good) if good is not None else 0.0


def _plant(file: Path) -> Path:
    """A copy in which some names are blank, some codes repeat another one and some are malformed."""
    copy = file.with_name("planted.csv")
    header, *records = file.read_text(encoding="utf-8").split("\n")
    for at_record in range(0, _BLANK * 1000, 1000):
        code, _, rest = records[at_record].split(",", 2)
        records[at_record] = f"{code},,{rest}"
    for at_record in range(1, _REPEATED * 1000, 1000):
        records[at_record] = records[at_record + 1].split(",", 1)[0] + "," + records[at_record].split(",", 1)[1]
    for at_record in range(5, _MALFORMED * 1000, 1000):
        records[at_record] = "X" + records[at_record][1:]
    copy.write_text("\n".join([header, *records]), encoding="utf-8")
    return copy
