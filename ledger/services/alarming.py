"""Alarms: what is wrong now, since when, and what to do. Each is raised once and cleared once, however often told.

An alarm that `stops` means that acts cannot be relied on to become final, or are not taken at all: the product is not
ready while it is up. `looks` is how often in a row the trouble must be told before the alarm goes up.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog

from ledger import telemetry

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alarm:
    """One kind of trouble, in words for people."""

    code: str  # snake_case; never reused
    stops: bool
    title: str
    title_zh: str
    remedy: str
    remedy_zh: str
    looks: int = 1


# causes before what follows from them, what stops us before what does not
_ALL: Final = (
    Alarm(
        "node_diverged",
        True,
        "The node contradicts what was already final; writing has stopped",
        "节点与已确认历史矛盾，已停止写入",
        "Compare with a second node; replace the one that is wrong, then start the product again.",
        "与第二个节点比对，更换有误的节点后重新启动。",
    ),
    Alarm(
        "nodes_disagree",
        True,
        "Two nodes of the chain tell different histories",
        "两个节点给出不同历史",
        "Find out which node is on the chain of the other operators; take the other one out of the settings.",
        "查明哪个节点与其他运营方一致，从配置中移除另一个。",
    ),
    Alarm(
        "local_chain_stopped",
        True,
        "The local chain has stopped for good",
        "本地链已停止",
        "Read the detail; restore the home's chain folder from a backup if the journal is damaged, then start again.",
        "查看说明；若日志损坏，从备份恢复 chain 目录后重新启动。",
    ),
    Alarm(
        "database_gone",
        True,
        "The database does not answer",
        "数据库无应答",
        "Start the database, or put its file back; if it was exchanged, stop the product before anything else.",
        "启动数据库或放回文件；若已被替换，先停止本产品。",
    ),
    Alarm(
        "disk_nearly_full",
        True,
        "The disk is nearly full",
        "磁盘将满",
        "Free some disk, or move payloads to a larger one; SHARELEDGER_ALARM_DISK_MIB says how much must be left.",
        "清理磁盘或更换更大磁盘；阈值见 SHARELEDGER_ALARM_DISK_MIB。",
    ),
    Alarm(
        "node_gone",
        True,
        "No node of the chain answers",
        "链节点均无应答",
        "Start the node, or the network to it; nothing acknowledged is lost, and acts go on by themselves.",
        "启动节点或恢复网络；已受理的行为不会丢失，恢复后自动继续。",
    ),
    Alarm(
        "follower_lagging",
        True,
        "The read model is behind the chain",
        "账本跟随滞后",
        "Wait while it catches up; if it does not, read the log of the follower and look at the node and the disk.",
        "等待追赶；如无进展，查看跟随日志、节点和磁盘。",
    ),
    Alarm(
        "submitter_missing",
        True,
        "No process carries acts to the chain",
        "没有进程提交行为",
        "Start `shareledger serve` with a passphrase; if one runs, read why its submitter fails.",
        "带口令启动 shareledger serve；若已在运行，查看提交循环失败原因。",
        looks=2,
    ),
    Alarm(
        "queue_stalled",
        True,
        "Acts wait too long",
        "行为等待过久",
        "See which process holds the lease and what its log says; see that the chain makes blocks.",
        "查看持有租约的进程及其日志，确认链在出块。",
    ),
    Alarm(
        "loop_failing",
        True,
        "A loop fails at every step",
        "循环反复失败",
        "Read the log event step_failed or step_broke of that loop.",
        "查看该循环的 step_failed 或 step_broke 日志。",
    ),
    Alarm(
        "comparison_missing",
        False,
        "The second node, to compare with, is behind or does not answer",
        "用于比对的第二节点滞后或无应答",
        "Bring that node back: until then nobody notices if the first one lies. SHARELEDGER_COMPARE_URL names it.",
        "恢复该节点；在此之前无法发现首选节点作伪。地址见 SHARELEDGER_COMPARE_URL。",
        looks=3,
    ),
    Alarm(
        "clock_behind",
        False,
        "This machine's clock is behind the chain's",
        "系统时钟落后于链",
        "Set the clock by NTP; signatures made here are counted from it.",
        "用 NTP 校准时钟；签名有效期按本机时钟计算。",
    ),
    Alarm(
        "node_failing_over",
        False,
        "The first node does not answer, another one is used",
        "首选节点无应答，正使用备用节点",
        "Bring the first node back, or take it out of SHARELEDGER_RPC_URLS.",
        "恢复首选节点，或将其移出 SHARELEDGER_RPC_URLS。",
    ),
)
ALARMS: Final = {alarm.code: alarm for alarm in _ALL}


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm that is up. `detail` names no secret: it is told to whoever asks for the product's health."""

    alarm: Alarm
    detail: str
    since: float  # unix seconds

    def to_json(self) -> dict[str, Any]:
        told = self.alarm
        return {
            "alarm": told.code,
            "stops": told.stops,
            "title": told.title,
            "title_zh": told.title_zh,
            "detail": self.detail,
            "since": int(self.since),
            "next_step": told.remedy,
            "next_step_zh": told.remedy_zh,
        }


class Alarms:
    """Those of one process. Whoever sees a trouble says so at every look, and says when it is over."""

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` gives unix seconds."""
        self._now = now
        self._told: Counter[str] = Counter()  # how often in a row
        self._raised: dict[str, Raised] = {}
        for code in ALARMS:
            telemetry.ALARM.labels(code).set(0)

    def tell(self, code: str, detail: str | None) -> None:
        """There is this trouble; None: there is none. Raises KeyError for an alarm that nobody knows."""
        alarm = ALARMS[code]
        if detail is None:
            self._clear(code)
            return
        self._told[code] += 1
        if self._told[code] < alarm.looks:
            return
        up = self._raised.get(code)
        self._raised[code] = Raised(alarm, detail, up.since if up else self._now())
        if up is None:
            telemetry.ALARM.labels(code).set(1)
            log.warning("alarm_raised", alarm=code, detail=detail, stops=alarm.stops)

    def _clear(self, code: str) -> None:
        self._told.pop(code, None)
        up = self._raised.pop(code, None)
        if up is not None:
            telemetry.ALARM.labels(code).set(0)
            log.info("alarm_cleared", alarm=code, seconds=round(self._now() - up.since, 1))

    def up(self) -> list[Raised]:
        """Those that are up, in the table's order: what stops us first, and causes before what follows from them."""
        return [self._raised[code] for code in ALARMS if code in self._raised]
