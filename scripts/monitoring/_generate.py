"""Dashboard, alert rules and the runbook's tables, from the tables of metrics, alarms, settings and log events.

So none of them can name what the product does not have. `--check` compares and writes nothing.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ledger.services.alarming import ALARMS
from ledger.telemetry import ROOMS, TABLE, Metric

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
RUNBOOK = "scripts/monitoring/README.md"
PICKED = 'instance=~"$instance"'
WIDTH, HEIGHT, ACROSS = 8, 7, 3
LOGGERS, LEVELS = ("log", "_log"), ("debug", "info", "warning", "error", "exception", "critical")

# alerts beside the alarms: name → expression, how long, severity, what it means in English and Chinese
RULES: dict[str, tuple[str, str, str, str, str]] = {
    "ShareLedgerDown": ('up{job="shareledger"} == 0', "1m", "critical", "The product does not answer", "服务无应答"),
    "ShareLedgerWatchSilent": (
        "time() - shareledger_last_look_timestamp_seconds > 30",
        "30s",
        "critical",
        "Nobody looks at the product's health",
        "巡检已停止",
    ),
    "ShareLedgerTwoSubmitters": (
        "sum(shareledger_lease_held) > 1",
        "30s",
        "critical",
        "Two processes hold the courier's lease",
        "两个进程同时持有信使租约",
    ),
    "ShareLedgerServerErrors": (
        'sum(rate(shareledger_http_request_seconds_count{status=~"5.."}[5m]))'
        " / sum(rate(shareledger_http_request_seconds_count[5m])) > 0.05",
        "5m",
        "warning",
        "More than one answer in twenty is an error of ours",
        "服务端错误超过 5%",
    ),
    "ShareLedgerVerificationFailed": (
        'increase(shareledger_verifications_total{result="failed"}[1h]) > 0',
        "0m",
        "warning",
        "A copy or a record is not what was anchored",
        "有副本或记录核验未通过",
    ),
    "ShareLedgerOverdue": (
        "max by (clock) (shareledger_overdue) > 0",
        "1h",
        "info",
        "Answers are owed past their day",
        "存在逾期未办事项",
    ),
    "ShareLedgerActsReturned": (
        "sum(increase(shareledger_verdicts_total[15m])) > 20",
        "0m",
        "warning",
        "Many acts land without an entry",
        "大量行为未成条目",
    ),
    "ShareLedgerDiskFills": (
        "predict_linear(shareledger_disk_free_bytes[6h], 86400) < 0",
        "30m",
        "warning",
        "The disk is full within a day if it goes on like this",
        "按当前趋势磁盘将在一天内写满",
    ),
    "ShareLedgerClockJumped": (
        "increase(shareledger_clock_jumps_total[10m]) > 0",
        "0m",
        "warning",
        "The machine's clock jumped",
        "系统时钟跳变",
    ),
}


def main(arguments: list[str]) -> int:
    stale = []
    for path, text in wanted().items():
        if path.exists() and path.read_text() == text:
            continue
        stale.append(str(path.relative_to(REPOSITORY)))
        if "--check" not in arguments:
            path.write_text(text)
    if stale and "--check" in arguments:
        print(f"not fresh: {', '.join(stale)}; run ./scripts/monitoring/generate", file=sys.stderr)
        return 1
    return 0


def wanted() -> dict[Path, str]:
    """Every file and what should be in it."""
    readme = HERE / "README.md"
    text = _placed(readme.read_text(), "metrics", metric_table())
    text = _placed(text, "events", event_table())
    return {
        HERE / "dashboard.json": json.dumps(dashboard(), ensure_ascii=False, indent=1) + "\n",
        HERE / "alerts.yml": "# Made by ./scripts/monitoring/generate.\n"
        + yaml.safe_dump(alerts(), allow_unicode=True, sort_keys=False, width=120),
        readme: text,
    }


def _placed(text: str, name: str, table: str) -> str:
    """The text with this between the marks of that name."""
    marks = (f"<!-- {name}: made by ./scripts/monitoring/generate -->\n", f"<!-- end of {name} -->\n")
    before, rest = text.split(marks[0])
    _, after = rest.split(marks[1])
    return before + marks[0] + table + marks[1] + after


# ---- alerts ---------------------------------------------------------------------------------------------------------


def alerts() -> dict[str, Any]:
    """Prometheus rule groups: one rule an alarm, and some that the product cannot raise itself."""
    raised = [
        _rule(
            alert_name(code),
            f'max by (instance) (shareledger_alarm{{alarm="{code}"}}) == 1',
            "0m",
            "critical" if alarm.stops else "warning",
            (alarm.title, alarm.title_zh),
            code,
            {"next_step": alarm.remedy, "next_step_zh": alarm.remedy_zh},
        )
        for code, alarm in ALARMS.items()
    ]
    beside = [
        _rule(name, expression, wait, severity, (english, chinese), name.lower(), {})
        for name, (expression, wait, severity, english, chinese) in RULES.items()
    ]
    groups = (("shareledger-alarms", raised), ("shareledger-beside", beside))
    return {"groups": [{"name": name, "interval": "15s", "rules": rules} for name, rules in groups]}


def alert_name(code: str) -> str:
    return "ShareLedger" + "".join(word.capitalize() for word in code.split("_"))


def _rule(
    name: str, expression: str, wait: str, severity: str, told: tuple[str, str], section: str, more: dict[str, str]
) -> dict[str, Any]:
    words = {"summary": told[0], "summary_zh": told[1], **more, "runbook": f"{RUNBOOK}#{section}"}
    return {"alert": name, "expr": expression, "for": wait, "labels": {"severity": severity}, "annotations": words}


# ---- the dashboard --------------------------------------------------------------------------------------------------


def dashboard() -> dict[str, Any]:
    """One row a room, one panel a metric; Grafana 10 or later."""
    panels: list[dict[str, Any]] = []
    top = 0
    for room, title in ROOMS.items():
        panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": []})
        panels[-1]["gridPos"] = {"h": 1, "w": 24, "x": 0, "y": top}
        top += 1
        rows = [metric for metric in TABLE if metric.room == room]
        for place, metric in enumerate(rows):
            at = {"h": HEIGHT, "w": WIDTH, "x": place % ACROSS * WIDTH, "y": top + place // ACROSS * HEIGHT}
            panels.append(_panel(len(panels) + 1, metric, at))
        top += -(-len(rows) // ACROSS) * HEIGHT
    return {
        "uid": "shareledger",
        "title": "ShareLedger 政务数据共享存证账本",
        "tags": ["shareledger"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "refresh": "15s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), _instances()]},
        "annotations": {"list": []},
        "panels": panels,
    }


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus", "current": {}}


def _instances() -> dict[str, Any]:
    return {
        "name": "instance",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "query": "label_values(shareledger_build, instance)",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "current": {"text": "All", "value": "$__all"},
    }


def _panel(number: int, metric: Metric, at: dict[str, int]) -> dict[str, Any]:
    settled = metric.name.endswith(("_ready", "_diverged", "_lease_alive"))
    return {
        "id": number,
        "type": "stat" if settled else "timeseries",
        "title": f"{metric.help} {metric.help_zh}",
        "description": metric.name,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "gridPos": at,
        "fieldConfig": {"defaults": {"unit": _unit(metric), "min": 0}, "overrides": []},
        "options": {} if settled else {"legend": {"displayMode": "list", "placement": "bottom"}},
        "targets": [
            {"refId": chr(ord("A") + place), "expr": expression, "legendFormat": legend}
            for place, (expression, legend) in enumerate(_queries(metric))
        ],
    }


def _queries(metric: Metric) -> Iterator[tuple[str, str]]:
    labels = [label for label in metric.labels if label != "method"]
    legend = " ".join(f"{{{{{label}}}}}" for label in labels) or "{{instance}}"
    grouped = ", ".join(labels or ["instance"])
    if metric.kind == "gauge":
        if metric.name.endswith("_timestamp_seconds"):  # how long ago says more than when
            yield f"time() - max by ({grouped}) ({metric.name}{{{PICKED}}} > 0)", legend
        else:
            yield f"max by ({grouped}) ({metric.name}{{{PICKED}}})", legend
    elif metric.kind == "counter":
        yield f"sum by ({grouped}) (rate({metric.samples[0]}{{{PICKED}}}[$__rate_interval]))", legend
    else:
        for part in ("0.5", "0.95", "0.99"):
            spread = f"sum by (le) (rate({metric.name}_bucket{{{PICKED}}}[$__rate_interval]))"
            yield f"histogram_quantile({part}, {spread})", part
        yield f"sum(rate({metric.name}_count{{{PICKED}}}[$__rate_interval]))", "per second"


def _unit(metric: Metric) -> str:
    if metric.name.endswith("_seconds"):
        return "s"
    if metric.name.endswith("_bytes"):
        return "bytes"
    return "ops" if metric.kind == "counter" else "short"


# ---- the runbook's tables -------------------------------------------------------------------------------------------


def metric_table() -> str:
    lines = ["| Metric | Kind | Labels | What | 含义 |", "| --- | --- | --- | --- | --- |"]
    for metric in TABLE:
        labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
        lines.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} | {metric.help_zh} |")
    return "\n".join(lines) + "\n"


def event_table() -> str:
    lines = ["| Event | Level | Where |", "| --- | --- | --- |"]
    lines += [f"| `{event}` | {level} | `{where}` |" for event, level, where in sorted(set(events()))]
    return "\n".join(lines) + "\n"


def events() -> Iterator[tuple[str, str, str]]:
    """(event, level, module) of every line the product can log. Raises ValueError for one that is no constant word."""
    for path in sorted(path for folder in ("ledger", "api", "keys") for path in (REPOSITORY / folder).rglob("*.py")):
        where = str(path.relative_to(REPOSITORY))
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and _logs(call.func):
                event = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
                if not isinstance(event, str) or not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", event):
                    raise ValueError(f"{where}:{call.lineno}: an event is a constant snake_case word")
                assert isinstance(call.func, ast.Attribute)
                yield event, call.func.attr, where


def _logs(function: ast.expr) -> bool:
    of = function.value if isinstance(function, ast.Attribute) else None
    return isinstance(of, ast.Name) and of.id in LOGGERS and function.attr in LEVELS  # type: ignore[attr-defined]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
