"""Logs and metrics. Events are constant snake_case words; no key, salt, passphrase or record value ever goes in.

Every metric is declared below, once: `TABLE` is what the dashboard, the alert rules and their manual are made from.
Labels are names of ours (loops, states, routes, addresses of nodes without their credentials), never of departments.
"""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

PREFIX: Final = "shareledger_"
REGISTRY: Final = CollectorRegistry()
disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter serves nobody


@dataclass(frozen=True, slots=True)
class Metric:
    """A row of the table. `name` is whole, without the `_total`, `_bucket`, … of a sample."""

    name: str
    kind: str  # gauge, counter, histogram
    room: str  # of the dashboard
    labels: tuple[str, ...]
    help: str
    help_zh: str

    @property
    def samples(self) -> tuple[str, ...]:
        """The names that Prometheus knows it by."""
        endings = {"gauge": ("",), "counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
        return tuple(self.name + ending for ending in endings[self.kind])


TABLE: Final[list[Metric]] = []
ROOMS: Final = {
    "health": "Health 健康",
    "acts": "Acts 行为",
    "chain": "Chain 链",
    "node": "Nodes 节点",
    "store": "Store 存储",
    "http": "HTTP 接口",
}
_SHORT: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def _row(kind: str, room: str, name: str, labels: Sequence[str], told: tuple[str, str]) -> str:
    TABLE.append(Metric(PREFIX + name, kind, room, tuple(labels), *told))
    return PREFIX + name


def _gauge(room: str, name: str, help: str, help_zh: str, *labels: str) -> Gauge:
    return Gauge(_row("gauge", room, name, labels, (help, help_zh)), help, labels, registry=REGISTRY)


def _counter(room: str, name: str, help: str, help_zh: str, *labels: str) -> Counter:
    return Counter(_row("counter", room, name, labels, (help, help_zh)), help, labels, registry=REGISTRY)


def _histogram(
    room: str, name: str, help: str, help_zh: str, *labels: str, buckets: Sequence[float] = _SHORT
) -> Histogram:
    row = _row("histogram", room, name, labels, (help, help_zh))
    return Histogram(row, help, labels, registry=REGISTRY, buckets=buckets)


# ---- health ---------------------------------------------------------------------------------------------------------
ALARM: Final = _gauge("health", "alarm", "1 while the alarm is up", "告警为 1 时生效", "alarm")
READY: Final = _gauge("health", "ready", "1 while acts can be taken and the ledger is followed", "是否就绪")
BUILD: Final = _gauge("health", "build", "always 1; the labels say what runs", "运行版本", "version", "python")
LAST_LOOK: Final = _gauge("health", "last_look_timestamp_seconds", "unix time of the last look", "最近巡检时间")
LAST_STEP: Final = _gauge(
    "health", "last_step_timestamp_seconds", "unix time of a loop's last good step", "循环最近成功时间", "loop"
)
FAILED_STEPS: Final = _counter("health", "failed_steps", "steps of a loop that failed", "循环失败次数", "loop")
CLOCK_JUMPS: Final = _counter("health", "clock_jumps", "jumps of the machine's clock", "系统时钟跳变次数")
CLOCK_BEHIND: Final = _gauge(
    "health", "clock_behind_seconds", "newest block's time minus ours, if it is ahead", "时钟落后于最新区块"
)
# ---- acts -----------------------------------------------------------------------------------------------------------
SUBMISSIONS: Final = _gauge("acts", "submissions", "acts on their way, by state", "各状态在途行为", "state")
OLDEST_WAITING: Final = _gauge(
    "acts", "oldest_waiting_seconds", "age of the oldest act that is not final and not returned", "最久未确认行为的时长"
)
ACCEPTED: Final = _counter("acts", "acts_accepted", "acts made durable here, repeats included", "已受理行为数")
ENTRIES_FOLLOWED: Final = _counter("acts", "entries_followed", "entries written by this process", "本进程写入条目数")
VERDICTS: Final = _counter(
    "acts", "verdicts", "acts that landed without an entry, by what became of them", "未成条目行为的处置", "state"
)
BATCH_ACTS: Final = _histogram(
    "acts",
    "batch_acts",
    "acts in one courier transaction",
    "每笔信使交易的行为数",
    buckets=(1, 2, 5, 10, 20, 40, 80, 160),
)
GAS_USED: Final = _counter("acts", "gas_used", "gas of courier transactions that are done", "信使交易燃料用量")
# ---- chain ----------------------------------------------------------------------------------------------------------
NODE_BLOCK: Final = _gauge("chain", "node_block", "newest block of the node", "节点最新区块")
FOLLOWED_BLOCK: Final = _gauge("chain", "followed_block", "last followed block", "已跟随区块")
ENTRIES: Final = _gauge("chain", "entries", "entries in the read model", "账本条目数")
LAG_BLOCKS: Final = _gauge("chain", "lag_blocks", "final blocks that are not followed yet", "未跟随的最终区块数")
LAG_ENTRIES: Final = _gauge("chain", "lag_entries", "entries that are not followed yet", "未跟随的条目数")
LAG_SECONDS: Final = _gauge(
    "chain", "lag_seconds", "how long the oldest final block that is not followed has been there", "跟随滞后时长"
)
LEASE_HELD: Final = _gauge("chain", "lease_held", "1 while this process carries", "本进程是否持有信使租约")
LEASE_ALIVE: Final = _gauge("chain", "lease_alive", "1 while any process carries", "是否有进程持有信使租约")
NONCE: Final = _gauge("chain", "nonce", "last nonce stored for the courier", "信使最新序号")
OPEN_TRANSACTIONS: Final = _gauge("chain", "open_transactions", "courier transactions not done", "未完成的信使交易")
DIVERGED: Final = _gauge("chain", "diverged", "1 once the node contradicted final history", "节点是否与已确认历史矛盾")
# ---- nodes ----------------------------------------------------------------------------------------------------------
RPC_SECONDS: Final = _histogram("node", "rpc_seconds", "requests to a node that it answered", "节点请求耗时", "node")
RPC_ERRORS: Final = _counter("node", "rpc_errors", "requests that a node did not answer", "节点未应答次数", "node")
RPC_FAILOVERS: Final = _counter("node", "rpc_failovers", "times another node took over", "切换到该节点的次数", "node")
COMPARED_BLOCK: Final = _gauge(
    "node", "compared_block", "last final block at which the second node told the same", "与第二节点一致的最新区块"
)
COMPARISON_BEHIND: Final = _gauge(
    "node", "comparison_behind_blocks", "final blocks the second node does not have yet", "第二节点落后的最终区块数"
)
# ---- store ----------------------------------------------------------------------------------------------------------
PAYLOADS: Final = _gauge("store", "payloads", "payloads kept here", "本地数据份数")
PAYLOAD_BYTES: Final = _gauge("store", "payload_bytes", "plain size of the payloads kept here", "本地数据量")
SWEPT: Final = _counter(
    "store", "payloads_swept", "payloads no version names and uploads cut off, removed", "清除的无主数据", "what"
)
VERIFICATIONS: Final = _counter(
    "store", "verifications", "copies and records verified here: good, failed, or not shown", "核验次数", "result"
)
OVERDUE: Final = _gauge("store", "overdue", "deadlines passed and unanswered, by clock", "逾期未办事项", "clock")
DISK_FREE: Final = _gauge("store", "disk_free_bytes", "free disk where we write", "可用磁盘空间", "place")
# ---- http -----------------------------------------------------------------------------------------------------------
REQUESTS: Final = _histogram(
    "http", "http_request_seconds", "HTTP requests", "接口请求耗时", "method", "route", "status"
)
IN_FLIGHT: Final = _gauge("http", "http_in_flight", "HTTP requests being answered", "正在处理的请求数")


def configure_logging(level: str, form: str) -> None:
    """Log lines on standard error, `form` text or json. Call once, from a program's entry."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
