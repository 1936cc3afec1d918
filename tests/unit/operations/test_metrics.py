"""Nothing that watches the product names what it does not have, and nothing it has is left unset."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from prometheus_client.metrics import MetricWrapperBase

from ledger import telemetry
from ledger.services.alarming import ALARMS
from ledger.services.diagnosing import CHECKS
from ledger.telemetry import REGISTRY, ROOMS, TABLE

REPOSITORY = Path(__file__).parents[3]
MONITORING = REPOSITORY / "scripts" / "monitoring"
SAMPLES = {sample: metric for metric in TABLE for sample in metric.samples}
ADDED = {"instance", "job", "le"}  # by Prometheus, and of a histogram's buckets
SETS = {"set", "inc", "dec", "observe", "labels", "track_inprogress"}
FUNCTIONS = {"max", "sum", "rate", "increase", "time", "histogram_quantile", "predict_linear", "by", "label_values"}


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("ledger", "api", "keys"):
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            yield path, ast.parse(path.read_text())


def expressions() -> list[str]:
    rules = [rule for group in alerts()["groups"] for rule in group["rules"]]
    panels = [target for panel in dashboard()["panels"] for target in panel.get("targets", ())]
    return [one["expr"] for one in [*rules, *panels]]


def alerts() -> Any:
    return yaml.safe_load((MONITORING / "alerts.yml").read_text())


def dashboard() -> Any:
    return json.loads((MONITORING / "dashboard.json").read_text())


def test_the_product_sets_every_metric() -> None:
    named = {name: value for name, value in vars(telemetry).items() if isinstance(value, MetricWrapperBase)}
    assert {metric._name for metric in named.values()} == {metric.name for metric in TABLE}
    used = set()
    for path, tree in modules():
        for node in ast.walk(tree):
            if path.name != "telemetry.py" and isinstance(node, ast.Attribute) and node.attr in SETS:
                used.add(getattr(node.value, "attr", getattr(node.value, "id", "")))
    assert sorted(named.keys() - used) == []


def test_names_say_their_unit_and_what_they_are() -> None:
    for metric in TABLE:
        assert re.fullmatch(r"shareledger_[a-z]+(_[a-z]+)*", metric.name)
        assert metric.room in ROOMS and metric.help and metric.help_zh
        assert not metric.name.endswith("_total"), "Prometheus adds it"
        assert metric.kind != "histogram" or metric.name.endswith(("_seconds", "_acts"))
    families = {family.name for family in REGISTRY.collect()}
    assert families == {metric.name for metric in TABLE}


def test_every_query_asks_for_what_there_is() -> None:
    for query in expressions():
        bare = re.sub(r'"[^"]*"', '""', query)
        for opening, closing in ("()", "{}", "[]"):
            assert bare.count(opening) == bare.count(closing), query
        assert set(re.findall(r"\b([a-z_]+)\s*\(", bare)) <= FUNCTIONS, query
        names = re.findall(r"\b(up|shareledger_[a-z_]+)\b", bare)
        assert names, query
        for name in names:
            assert name == "up" or name in SAMPLES, f"{name} in {query}"
        for name, matchers in re.findall(r"([a-z_]+){([^}]*)}", query):
            labels = set(re.findall(r"(\w+)\s*(?:=~|=|!=)", matchers))
            assert labels <= ADDED | set(SAMPLES[name].labels if name in SAMPLES else ()), query
        for grouped in re.findall(r"by \(([^)]*)\)", query):
            known = ADDED | {label for name in names if name in SAMPLES for label in SAMPLES[name].labels}
            assert {label.strip() for label in grouped.split(",")} <= known, query
        assert set(re.findall(r"\[([^\]]+)\]", query)) <= {"$__rate_interval", "5m", "10m", "15m", "1h", "6h"}, query


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    board = dashboard()
    panels = board["panels"]
    assert board["uid"] and board["schemaVersion"] >= 36 and board["templating"]["list"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
        assert panel["type"] == "row" or (panel["targets"] and panel["datasource"]["uid"] == "${source}")
    shown = {name for query in expressions() for name in re.findall(r"shareledger_[a-z_]+", query)}
    assert {metric.name for metric in TABLE if not shown & set(metric.samples)} == set(), "every metric has its panel"


def test_every_alarm_has_its_alert() -> None:
    queries = " ".join(rule["expr"] for group in alerts()["groups"] for rule in group["rules"])
    assert set(re.findall(r'alarm="(\w+)"', queries)) == ALARMS.keys()
    for group in alerts()["groups"]:
        for rule in group["rules"]:
            assert re.fullmatch(r"\d+[smh]", rule["for"]) and rule["labels"]["severity"] in (
                "critical",
                "warning",
                "info",
            )
            assert rule["annotations"]["summary"] and rule["annotations"]["summary_zh"]


def test_the_runbook_has_a_section_for_each_alarm_alert_and_check() -> None:
    text = (MONITORING / "README.md").read_text()
    sections = {title: body.strip() for title, body in re.findall(r"^### (.+)\n([^#]*)", text, re.MULTILINE)}
    rules = [rule for group in alerts()["groups"] for rule in group["rules"]]
    beside = {rule["alert"] for rule in rules if "shareledger_alarm" not in rule["expr"]}
    wanted = ALARMS.keys() | {f"doctor: {check}" for check in CHECKS} | beside
    assert {title for title in wanted if not sections.get(title)} == set()
    anchors = {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in sections}
    links = re.findall(r"\]\(#([^)]+)\)", text) + [rule["annotations"]["runbook"].partition("#")[2] for rule in rules]
    assert {link for link in links if link not in anchors} == set()
    for code, alarm in ALARMS.items():
        assert sections[code].startswith("*Stops") == alarm.stops, code


def test_every_log_event_is_a_constant_word() -> None:
    found = 0
    for path, tree in modules():
        for call in ast.walk(tree):
            of = call.func.value if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) else None
            if not (isinstance(of, ast.Name) and of.id.lstrip("_") in ("log", "logger")):
                continue
            assert isinstance(call, ast.Call) and call.args and isinstance(call.args[0], ast.Constant), (
                path,
                call.lineno,
            )
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", call.args[0].value), (path, call.lineno)
            assert len(call.args) == 1, "everything else is named"
            found += 1
    assert found > 15


def test_dashboard_alerts_and_tables_are_fresh() -> None:
    command = [sys.executable, str(MONITORING / "_generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_a_log_line_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("INFO", "json")
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        log.warning("alarm_raised", alarm="node_gone", detail="两行\n文字")
    log.debug("left_out")
    (line,) = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["request_id"]) == ("alarm_raised", "warning", "r1")
    assert told["detail"] == "两行\n文字" and told["timestamp"].endswith("Z")
