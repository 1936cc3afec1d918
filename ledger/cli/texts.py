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
    "answer_document": ("answer", "答复文档"),
    "answer_version": ("corrected version", "更正版本"),
    "as_of": ("as of", "截至"),
    "attestation": ("attestation", "质量评估"),
    "attestations": ("attestations", "质量评估合约"),
    "attested_time": ("attested", "评估时间"),
    "attestor": ("attestor", "评估方"),
    "authorisations": ("authorisations", "授权合约"),
    "basis": ("basis", "依据"),
    "block": ("block", "区块"),
    "cause": ("cause", "原因"),
    "checkpoints": ("checkpoints", "检查点合约"),
    "closed": ("closed", "已关闭"),
    "code": ("code", "代码"),
    "code_hash": ("code hash", "代码摘要"),
    "conditions": ("conditions", "使用条件"),
    "confirmed_time": ("confirmed", "确认时间"),
    "consumer": ("consumer", "需求部门"),
    "correction": ("correction", "校核"),
    "count": ("count", "版本数"),
    "courier": ("courier", "信使合约"),
    "custody": ("custody", "保管方式"),
    "dataset": ("dataset", "数据目录"),
    "datasets": ("datasets", "目录合约"),
    "delivered_time": ("delivered", "交付时间"),
    "department": ("department", "部门"),
    "departments": ("departments", "部门合约"),
    "detail": ("detail", "说明"),
    "digest": ("digest", "摘要"),
    "document": ("document", "文档"),
    "duty": ("duty", "职责"),
    "ended_time": ("ended", "终止时间"),
    "enrolled_by": ("enrolled by", "登记部门"),
    "entry": ("entry", "条目"),
    "expires": ("expires", "到期"),
    "extended": ("extended", "已延期"),
    "extended_days": ("extended by (working days)", "延期（工作日）"),
    "format": ("format", "格式"),
    "grade": ("grade", "分类分级"),
    "granted": ("granted", "直接授权"),
    "had_director": ("had a director", "曾有部门负责人"),
    "head": ("head", "链头"),
    "id": ("id", "标识"),
    "index": ("index", "序号"),
    "journal": ("journal", "账本合约"),
    "key": ("key", "密钥"),
    "kind": ("kind", "种类"),
    "last": ("last act", "最近行为"),
    "level": ("level", "层级"),
    "log": ("log", "日志"),
    "mandate": ("mandate", "委托"),
    "method": ("method", "共享方式"),
    "module": ("module", "模块"),
    "name": ("name", "名称"),
    "note": ("note", "备注"),
    "number": ("number", "编号"),
    "ok": ("ok", "通过"),
    "older_head": ("older head", "旧账本链头"),
    "older_journal": ("older journal", "旧账本"),
    "older_size": ("older size", "旧账本条目数"),
    "opening": ("opening", "开账"),
    "outcome": ("outcome", "结果"),
    "parent": ("parent", "上级"),
    "partly_shredded": ("partly shredded", "部分销毁"),
    "pending": ("pending", "待发布"),
    "prior": ("prior", "前序"),
    "provider": ("provider", "提供部门"),
    "published": ("published", "已发布"),
    "published_time": ("published at", "发布时间"),
    "reason": ("reason", "原因"),
    "records": ("records", "记录数"),
    "recovery": ("recovery", "上级恢复"),
    "renews": ("renews", "续期自"),
    "replied_time": ("replied", "答复时间"),
    "reply_document": ("reply", "答复文档"),
    "requested_time": ("requested", "申请时间"),
    "requested_until": ("asked for until", "申请期限"),
    "resolved_time": ("resolved", "答复时间"),
    "retired": ("retired", "已注销"),
    "retired_since": ("retired as of", "注销起算"),
    "retired_time": ("retired at", "注销时间"),
    "revision": ("revision", "目录版本"),
    "revoked": ("revoked", "已吊销"),
    "roles": ("roles", "角色"),
    "root": ("root", "根"),
    "rule": ("rule", "规则"),
    "rulebook": ("rulebook", "规则合约"),
    "rules": ("rules", "规则集"),
    "salted": ("salted", "加盐"),
    "schema": ("schema", "数据项定义"),
    "scope": ("scope", "使用范围"),
    "score": ("score (ppm)", "得分（百万分）"),
    "self_attested": ("self-attested", "自评"),
    "share": ("share", "共享"),
    "share_type": ("share type", "共享属性"),
    "shredded": ("shredded", "已销毁"),
    "signer": ("signer", "签署密钥"),
    "since": ("since entry", "起始条目"),
    "size": ("size", "大小"),
    "stage": ("stage", "阶段"),
    "stage_name": ("stage", "阶段（代号）"),
    "standing_directors": ("standing directors", "在任负责人密钥"),
    "start": ("start", "生效"),
    "state": ("state", "状态"),
    "subject": ("object", "对象"),
    "submitted_time": ("submitted", "提交时间"),
    "successor": ("successor", "继任账本"),
    "supplement_asked": ("supplement asked", "已要求补正"),
    "supplement_time": ("supplement asked at", "补正时间"),
    "supplied_time": ("supplied", "补交时间"),
    "suspended": ("suspended", "已暂停"),
    "suspended_by": ("suspended by", "暂停部门"),
    "suspended_time": ("suspended at", "暂停时间"),
    "time": ("time", "时间"),
    "twin": ("SM3 root", "国密根"),
    "until": ("until", "期限"),
    "updated": ("updated by entry", "更新条目"),
    "valid_until": ("signature valid until", "签名有效期"),
    "value": ("value", "值"),
    "version": ("version", "版本"),
    "withdrawal_document": ("withdrawal", "撤回文档"),
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

ENTRIES: Final[dict[str, str]] = {
    "LedgerOpened": "开账",
    "ModuleAdmitted": "接纳模块",
    "LedgerClosed": "关账",
    "DepartmentRegistered": "登记部门",
    "DepartmentChanged": "变更部门",
    "KeyEnrolled": "登记密钥",
    "KeyRetired": "注销密钥",
    "DatasetSubmitted": "提交目录",
    "DatasetWithdrawn": "撤回目录",
    "DatasetPublished": "发布目录",
    "DatasetReturned": "退回目录",
    "VersionAnchored": "锚定版本",
    "VersionShredded": "销毁版本",
    "ShareRequested": "申请共享",
    "RequestWithdrawn": "撤回申请",
    "SupplementAsked": "要求补正",
    "MaterialsSupplied": "补交材料",
    "ReplyExtended": "延长答复",
    "ShareAgreed": "同意共享",
    "ShareRefused": "不同意共享",
    "ShareDelivered": "交付",
    "DeliveryConfirmed": "确认交付",
    "ShareSuspended": "暂停共享",
    "ShareResumed": "恢复共享",
    "ShareEnded": "终止共享",
    "ShareGranted": "直接授权",
    "QualityAttested": "质量评估",
    "AttestationWithdrawn": "撤回评估",
    "CorrectionRequested": "申请校核",
    "CorrectionResolved": "答复校核",
    "RulePublished": "发布规则",
    "CheckpointPublished": "发布检查点",
}
"""Chinese for what happened; in English an entry's kind says it itself."""


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
