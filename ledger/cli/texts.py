"""What the console says to people, in English and Chinese. Codes, digests and JSON are the same in every language."""

from collections.abc import Mapping
from typing import Any, Final, Literal

Lang = Literal["en", "zh"]

PHRASES: Final[dict[str, tuple[str, str]]] = {
    "next-step": ("Next", "下一步"),
    "none": ("nothing to show", "没有内容"),
    "more": ("there are more: --after {after}", "还有更多：--after {after}"),
    "not-final": (
        "Accepted, not final yet. Follow it: shareledger submission wait {digest}",
        "已受理，尚未最终确认。查询：shareledger submission wait {digest}",
    ),
    "final": ("Final: entry {entry} of the ledger.", "已上链确认：账本第 {entry} 条。"),
    "passed": ("No check failed.", "检查通过。"),
    "failed": ("The check failed.", "检查未通过。"),
    "clean": ("Nothing was found.", "未发现问题。"),
    "findings": ("{number} findings.", "发现 {number} 项问题。"),
    "to-sign": ("This act will be signed", "即将签署的行为"),
    "document": ("Document", "文档"),
    "no-document": ("No document goes with this act.", "该行为不附文档。"),
    "sign-question": ("Sign and send this act?", "确认签署并提交？"),
    "not-signed": ("Nothing was signed or sent.", "未签署，未提交。"),
    "fingerprinting": ("fingerprinting", "计算指纹"),
    "uploading": ("uploading", "上传"),
    "downloading": ("downloading", "下载"),
    "locating": ("looking for the records that differ", "定位差异记录"),
    "deploying": ("deploying the contracts", "部署合约"),
    "replaying": ("replaying", "重放账本"),
    "retrying": ("no answer ({reason}); trying again", "无应答（{reason}），正在重试"),
    "plain-http": (
        "the API key travels unencrypted to {host}: use https://",
        "API 密钥正以明文发往 {host}：请使用 https://",
    ),
    "resumed": ("continuing at byte {start}", "从第 {start} 字节续传"),
    "key-file-made": ("segment key written to {path}: keep it, proofs need it", "分段密钥已写入 {path}，请妥善保存"),
    "interrupted": ("Stopped.", "已中断。"),
    "serving": ("Serving at {address}", "服务地址 {address}"),
}

LABELS: Final[dict[str, tuple[str, str]]] = {
    "act": ("act", "行为"),
    "address": ("address", "地址"),
    "anchored_time": ("anchored", "锚定时间"),
    "attested_time": ("attested", "评估时间"),
    "attestation": ("attestation", "质量评估"),
    "attestor": ("attestor", "评估方"),
    "basis": ("basis", "依据"),
    "cause": ("cause", "原因"),
    "code": ("code", "代码"),
    "conditions": ("conditions", "使用条件"),
    "consumer": ("consumer", "需求部门"),
    "correction": ("correction", "校核"),
    "custody": ("custody", "保管方式"),
    "dataset": ("dataset", "数据目录"),
    "delivered_time": ("delivered", "交付时间"),
    "department": ("department", "部门"),
    "detail": ("detail", "说明"),
    "digest": ("digest", "摘要"),
    "document": ("document", "文档"),
    "duty": ("duty", "职责"),
    "entry": ("entry", "条目"),
    "expires": ("expires", "到期"),
    "format": ("format", "格式"),
    "grade": ("grade", "分类分级"),
    "granted": ("granted", "直接授权"),
    "head": ("head", "链头"),
    "id": ("id", "标识"),
    "index": ("index", "序号"),
    "key": ("key", "密钥"),
    "kind": ("kind", "种类"),
    "level": ("level", "层级"),
    "log": ("log", "日志"),
    "method": ("method", "共享方式"),
    "module": ("module", "模块"),
    "note": ("note", "备注"),
    "number": ("number", "编号"),
    "ok": ("ok", "通过"),
    "outcome": ("outcome", "结果"),
    "parent": ("parent", "上级"),
    "pending": ("pending", "待发布"),
    "prior": ("prior", "前序"),
    "provider": ("provider", "提供部门"),
    "published": ("published", "已发布"),
    "reason": ("reason", "原因"),
    "records": ("records", "记录数"),
    "requested_time": ("requested", "申请时间"),
    "resolved_time": ("resolved", "答复时间"),
    "retired": ("retired", "已注销"),
    "revision": ("revision", "目录版本"),
    "revoked": ("revoked", "已吊销"),
    "roles": ("roles", "角色"),
    "root": ("root", "根"),
    "rule": ("rule", "规则"),
    "rules": ("rules", "规则集"),
    "schema": ("schema", "数据项定义"),
    "scope": ("scope", "使用范围"),
    "score": ("score (ppm)", "得分（百万分）"),
    "share": ("share", "共享"),
    "share_type": ("share type", "共享属性"),
    "shredded": ("shredded", "已销毁"),
    "signer": ("signer", "签署密钥"),
    "size": ("size", "大小"),
    "stage": ("stage", "阶段"),
    "start": ("start", "生效"),
    "state": ("state", "状态"),
    "subject": ("object", "对象"),
    "suspended": ("suspended", "已暂停"),
    "time": ("time", "时间"),
    "until": ("until", "期限"),
    "valid_until": ("signature valid until", "签名有效期"),
    "value": ("value", "值"),
    "version": ("version", "版本"),
    "withdrawn": ("withdrawn", "已撤回"),
    "working_days": ("working days", "工作日"),
}

NAMES: Final[dict[str, dict[int, tuple[str, str]]]] = {
    "level": {
        1: ("province", "省级"),
        2: ("city", "市级"),
        3: ("county", "县级"),
        4: ("township", "乡级"),
        5: ("village", "村级"),
    },
    "duty": {1: ("officer", "经办人"), 2: ("lead", "共享工作机构负责人"), 3: ("director", "部门负责人")},
    "custody": {1: ("own", "部门自持"), 2: ("host", "平台托管")},
    "share_type": {1: ("unconditional", "无条件共享"), 2: ("conditional", "有条件共享"), 3: ("not-shared", "不予共享")},
    "grade": {
        1: ("general-1", "一般1级"),
        2: ("general-2", "一般2级"),
        3: ("general-3", "一般3级"),
        4: ("general-4", "一般4级"),
        5: ("important", "重要"),
        6: ("core", "核心"),
    },
    "method": {
        1: ("store", "本平台存储"),
        2: ("platform", "共享交换平台"),
        3: ("file", "文件"),
        4: ("service", "服务接口"),
    },
    "cause": {
        1: ("purpose-ended", "使用目的已实现"),
        2: ("term-ended", "使用期限届满"),
        3: ("misuse", "违规使用"),
        4: ("item-changed", "目录变更"),
        5: ("agreed", "协商一致"),
    },
    "outcome": {1: ("corrected", "已更正"), 2: ("declined", "不予更正")},
    "stage": {
        1: ("requested", "已申请"),
        2: ("supplement-asked", "待补正"),
        3: ("agreed", "已同意"),
        4: ("delivered", "已交付"),
        5: ("confirmed", "已确认"),
        6: ("refused", "不同意"),
        7: ("withdrawn", "已撤回"),
        8: ("ended", "已终止"),
    },
}
ROLES: Final[dict[int, tuple[str, str]]] = {
    1: ("authority", "主管部门"),
    2: ("provider", "提供部门"),
    4: ("consumer", "需求部门"),
    8: ("attestor", "评估方"),
    16: ("auditor", "审计方"),
}
SUBMISSION_STATES: Final[dict[str, tuple[str, str]]] = {
    "queued": ("queued", "排队中"),
    "sent": ("sent", "已发送"),
    "included": ("included", "已入块"),
    "returned": ("returned", "已退回"),
    "final": ("final", "已确认"),
    "failed": ("failed", "失败"),
}


def lang_of(environ: Mapping[str, str]) -> Lang:
    """The language of a POSIX environment: LC_ALL before LC_MESSAGES before LANG; anything but zh is English."""
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(variable)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def choose(lang: Lang, pair: tuple[str, str]) -> str:
    return pair[1] if lang == "zh" else pair[0]


def say(lang: Lang, phrase: str, **values: Any) -> str:
    """The phrase of that name, filled in."""
    return choose(lang, PHRASES[phrase]).format(**values)


def label(lang: Lang, member: str) -> str:
    """How a JSON member is headed in a table; one without a text of its own is shown as it is written."""
    pair = LABELS.get(member)
    return choose(lang, pair) if pair else member.replace("_", " ")


def roles(lang: Lang, bits: int) -> str:
    return ", ".join(choose(lang, pair) for bit, pair in ROLES.items() if bits & bit)
