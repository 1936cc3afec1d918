"""Everything this product raises on purpose. Each class has a stable `code`, never reused, and says what to do next.

ShareLedgerError
├── InvalidInput              what was sent cannot be read, or breaks a format's rule
│   ├── InvalidCode             a department's, dataset's, rule's or log's code
│   ├── InvalidDigest           not 32 bytes in hex
│   ├── InvalidAct              an act with a missing, unknown or out-of-range field
│   ├── InvalidSignature        a signature that is not of the claimed key, chain or module
│   ├── InvalidDocument         a document that is not canonical JSON of its kind
│   ├── InvalidSchema           a table's schema
│   ├── InvalidTable            a table that its schema refuses: names file, row and column
│   ├── InvalidProof            a proof that cannot even be parsed (a failed proof is an answer, not an error)
│   ├── InvalidSettings         configuration
│   └── TooLarge                over a stated limit
├── NotAuthenticated          no caller, or one whose key is unknown, expired or revoked
├── NotPermitted              the caller is known and may not do this
│   ├── NoShare                 the caller's department has no such share of this data
│   ├── ShareNotLive            it is asked for, refused or withdrawn, not agreed
│   ├── ShareNotDelivered       it is agreed, and no version was delivered under it yet
│   ├── ShareSuspended          it is suspended for now
│   ├── ShareExpired            its term has passed
│   ├── ShareEnded              it was ended
│   ├── ShareNotInForce         the newest block says no, whatever was final before it
│   ├── ScopeNotHeld            nothing here says what the share's scope is
│   ├── ScopeNotEnforceable     the scope says in words, or of another table, what a machine would have to hold to
│   ├── BeyondScope             more than the share's scope lets out
│   └── ScopeNotProvable        this version cannot prove so narrow a scope without telling more
├── NotFound                  no such object, or none this caller may see
│   └── PayloadElsewhere        the payload is not kept here
├── Conflict                  the object moved, exists already or is in use
│   ├── IdempotencyMismatch     the same Idempotency-Key with another body
│   └── StillRunning            the same Idempotency-Key is being answered now
├── Refused                   the ledger's rules refuse the act (one class per Solidity error: domain/refusals.py)
├── Corrupt                   stored bytes are not what their digest says
│   └── Shredded                the keys of a payload are gone on purpose
├── NotReady                  the product must not run like this: schema, chain, code, passphrase
│   ├── WrongChain              chain id, genesis, code or history differs from the manifest
│   └── WrongSchema             the database is older or newer than this program
└── Unavailable               a node or store does not answer now; the same call may work later
    └── Diverged                the node contradicts what was final; writing has stopped
        └── NodesDisagree           two nodes tell different final histories; writing has stopped
"""

from typing import Any, ClassVar


class ShareLedgerError(Exception):
    """Base of all. `detail` is one sentence for a person; `facts` are JSON values for a program."""

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "Something went wrong"
    title_zh: ClassVar[str] = "出错"
    remedy: ClassVar[str] = "Read the detail; if it does not help, report the request id."

    def __init__(self, detail: str = "", /, *, remedy: str | None = None, **facts: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.facts = facts
        self.next_step = remedy or self.remedy


class InvalidInput(ShareLedgerError):
    code = "invalid-input"
    title = "The input cannot be accepted"
    title_zh = "输入无效"
    remedy = "Correct the named part and send it again."


class InvalidCode(InvalidInput):
    code = "invalid-code"
    title = "Not a valid code"
    title_zh = "代码无效"
    remedy = "Use 1 to 32 of the characters 0-9 A-Z a-z - . / _ and nothing else."


class InvalidDigest(InvalidInput):
    code = "invalid-digest"
    title = "Not a valid digest"
    title_zh = "摘要无效"
    remedy = "Give 64 lower-case hex digits."


class InvalidAct(InvalidInput):
    code = "invalid-act"
    title = "The act is not well formed"
    title_zh = "行为格式无效"
    remedy = "Give exactly the fields of the act, each within its type."


class InvalidSignature(InvalidInput):
    code = "invalid-signature"
    title = "The signature is not of this key over this act on this ledger"
    title_zh = "签名无效"
    remedy = "Sign the act's typed data again, for this chain id and module, with the key named as signer."


class InvalidDocument(InvalidInput):
    code = "invalid-document"
    title = "The document is not of its kind"
    title_zh = "文档无效"


class InvalidSchema(InvalidInput):
    code = "invalid-schema"
    title = "The table's schema is not valid"
    title_zh = "数据项定义无效"


class InvalidTable(InvalidInput):
    code = "invalid-table"
    title = "The table breaks its schema"
    title_zh = "数据表与定义不符"
    remedy = "Correct the named cell at its source, or declare another type for the column."


class InvalidProof(InvalidInput):
    code = "invalid-proof"
    title = "The proof cannot be read"
    title_zh = "证明格式无效"


class InvalidSettings(InvalidInput):
    code = "invalid-settings"
    title = "The configuration is not valid"
    title_zh = "配置无效"
    remedy = "See `shareledger config show` for every setting and its present value."


class TooLarge(InvalidInput):
    code = "too-large"
    title = "Over the size limit"
    title_zh = "超过大小限制"
    remedy = "Send less at once; the limit is in the detail."


class NotAuthenticated(ShareLedgerError):
    code = "not-authenticated"
    title = "No valid API key"
    title_zh = "未通过身份验证"
    remedy = "Send `Authorization: Bearer <API key>`; ask your administrator for a key that is in force."


class NotPermitted(ShareLedgerError):
    code = "not-permitted"
    title = "This caller may not do this"
    title_zh = "无权执行"
    remedy = "Use an API key of the department, duty and role that the route names."


# ---- why a consumer may not use a payload now (below NotPermitted) ---------------------------------------------------


class NoShare(NotPermitted):
    code = "no-share"
    title = "The department has no such share"
    title_zh = "没有共享授权"
    remedy = "Request the share first, or name one of your own department's shares."


class ShareNotLive(NotPermitted):
    code = "share-not-live"
    title = "The share was not agreed"
    title_zh = "共享未获同意"
    remedy = "Wait for the provider's reply; if it was refused or withdrawn, make a new request."


class ShareNotDelivered(NotPermitted):
    code = "share-not-delivered"
    title = "Nothing was delivered under this share yet"
    title_zh = "尚未交付"
    remedy = "Wait for the provider's delivery; it is due within the term of the deadline profile."


class ShareSuspended(NotPermitted):
    code = "share-suspended"
    title = "The share is suspended"
    title_zh = "共享已暂停"
    remedy = "Put right what the suspension names; whoever suspended the share can resume it."


class ShareExpired(NotPermitted):
    code = "share-expired"
    title = "The share's term has passed"
    title_zh = "共享已过使用时限"
    remedy = "Dispose of the data as agreed, or request the share again."


class ShareEnded(NotPermitted):
    code = "share-ended"
    title = "The share was ended"
    title_zh = "共享已终止"
    remedy = "Dispose of the data as agreed, or request the share again."


class ShareNotInForce(NotPermitted):
    code = "share-not-in-force"
    title = "The newest block says that the share is not in force"
    title_zh = "链上显示共享未生效"
    remedy = "Read the share again in a moment: it has just changed, or the clocks of chain and product disagree."


class ScopeNotHeld(NotPermitted):
    code = "scope-not-held"
    title = "The share's scope is not held here"
    title_zh = "本系统没有该共享的使用范围文档"
    remedy = "Have the share agreed with a scope document that is sent here: without it nothing tells what may leave."


class ScopeNotEnforceable(NotPermitted):
    code = "scope-not-enforceable"
    title = "The scope cannot be held to by machine"
    title_zh = "使用范围无法由系统执行"
    remedy = "Renew the share with columns of the table as items, and rows 全部 or filters (`--where`)."


class BeyondScope(NotPermitted):
    code = "beyond-scope"
    title = "The share's scope does not reach that far"
    title_zh = "超出使用范围"
    remedy = "Ask for the records instead (…/records, `shareledger share records`): they show what the scope lets out."


class ScopeNotProvable(NotPermitted):
    code = "scope-not-provable"
    title = "This version cannot prove so narrow a scope"
    title_zh = "该版本无法证明如此小的使用范围"
    remedy = "Ask the provider to anchor the table as share-record-sd/1 and to deliver that version."


class NotFound(ShareLedgerError):
    code = "not-found"
    title = "No such object, or none you may see"
    title_zh = "未找到"
    remedy = "Check the identifier."


class PayloadElsewhere(NotFound):
    code = "payload-elsewhere"
    title = "The payload is not kept here"
    title_zh = "数据不在本系统"
    remedy = "Get it the way the delivery names; then verify your copy with the share's verification keys."


class Conflict(ShareLedgerError):
    code = "conflict"
    title = "The object is not in the state this needs"
    title_zh = "状态冲突"
    remedy = "Read the object again and decide anew."


class IdempotencyMismatch(Conflict):
    code = "idempotency-mismatch"
    title = "This Idempotency-Key was used with another body"
    title_zh = "幂等键已用于其他请求"
    remedy = "Use a new key for a new request."


class StillRunning(Conflict):
    code = "still-running"
    title = "The first request with this Idempotency-Key is still being answered"
    title_zh = "相同请求仍在处理"
    remedy = "Wait as long as Retry-After says and send the same request again."


class Refused(ShareLedgerError):
    code = "refused"
    title = "The ledger's rules refuse this act"
    title_zh = "账本规则拒绝该行为"
    remedy = "The detail names the rule; change what it names, or leave the act undone."


class Corrupt(ShareLedgerError):
    code = "corrupt"
    title = "Stored bytes are not what their digest says"
    title_zh = "存储内容与摘要不符"
    remedy = "Restore the object from a backup; the ledger's fingerprint tells whether the restored copy is right."


class Shredded(Corrupt):
    code = "shredded"
    title = "The payload's keys were deleted on purpose"
    title_zh = "数据密钥已销毁"
    remedy = "Nothing can be read any more; the fingerprint on the ledger stays."


class NotReady(ShareLedgerError):
    code = "not-ready"
    title = "The product must not run like this"
    title_zh = "尚未就绪"


class WrongChain(NotReady):
    code = "wrong-chain"
    title = "This is not the chain, or not the code, of the manifest"
    title_zh = "链或合约与清单不符"
    remedy = "Point SHARELEDGER_RPC_URLS at the chain of the manifest, or deploy a new ledger in a new home."


class WrongSchema(NotReady):
    code = "wrong-schema"
    title = "The database's schema is not this program's"
    title_zh = "数据库结构版本不符"
    remedy = "Run `shareledger store migrate`."


class Unavailable(ShareLedgerError):
    code = "unavailable"
    title = "A node or store does not answer"
    title_zh = "服务暂不可用"
    remedy = "Try again; nothing acknowledged was lost."


class Diverged(Unavailable):
    code = "diverged"
    title = "The node contradicts what was already final; writing has stopped"
    title_zh = "节点与已确认历史矛盾，已停止写入"
    remedy = "Compare with a second node; if the first is wrong, replace it; never delete the database."


class NodesDisagree(Diverged):
    code = "nodes-disagree"
    title = "Two nodes of the chain tell different final histories; writing has stopped"
    title_zh = "两个节点给出不同的最终历史，已停止写入"
    remedy = "Ask the other operators which history is theirs, take the wrong node out of the settings, restart."
