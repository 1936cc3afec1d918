"""One line per custom error of the contracts: declaration | English title | Chinese title | what to do next.

An argument is `name:sort` (`ledger.domain.refusals.Sort`). An empty remedy means the general one of `Refused`.
"""

# ruff: noqa: E501
REFUSAL_TABLE = """
CodesInvalid code:code | A code is malformed | 代码格式无效 | Use 1 to 32 of the characters 0-9 A-Z a-z - . / _ and nothing else.

SignedExpired valid_until:time now_time:now | The act's signature is past its validity | 签名已过有效期 | Check the clocks of signer and host, then sign the act again with a later valid_until.
SignedCount given:count needed:count | The act carries the wrong number of signatures | 签名数量不符 | Send exactly the signatures the act needs.
SignedWrong signer:address | The signature is not the signer's | 签名与签名者不符 | Sign the act's typed data with this key, for this chain and module.
SignedGas | Too little gas is left to ask the signer's contract | 燃料不足以核验合约签名 | Send the act with more gas.
SignedTooLong length:count | A signature is too long | 签名过长 | A signature has at most 4096 bytes.
SignedPrior expected:digest given:digest | The object has moved since the act was signed | 对象已变更，前序不符 | Read the object again and sign a new act whose prior is the expected digest.

JournalNotModule module:address | Only a module may record | 仅限模块记录 |
JournalClosed | The ledger is closed | 账本已关闭 | Use the ledger that succeeds this one.
JournalOpening | The ledger's opening is not valid | 账本开设参数无效 | Give a county-level or higher authority with two director keys or a contract key.
JournalNotRoot department:code | Only the root authority may do this | 仅限根主管部门 |
JournalModuleKnown module:address | The module is admitted already | 模块已存在 |
JournalModuleCode module:address found:digest | The module's code is not the code named | 模块代码不符 | Compare the code hash with the deployed code and sign again.

DepartmentsKeyUnknown key:address | The key is not enrolled | 密钥未登记 | Enrol the key first, or sign with one that is.
DepartmentsKeyRetired key:address | The key is retired | 密钥已注销 | Sign with a key that is in force; a retired key never comes back.
DepartmentsKeyNotYet key:address start:time | The key is not in force yet | 密钥尚未生效 | Wait until its start, or sign with another key.
DepartmentsKeyExpired key:address until:time | The key has expired | 密钥已过期 | Sign with a key that is in force.
DepartmentsDuty key:address held:duty needed:duty | The key's duty does not reach | 密钥职责不足 | Have the act signed by a key with the duty it needs.
DepartmentsRole department:code needed:roles | The department lacks the role | 部门不具备该角色 | Ask the authority above to give the department the role.
DepartmentsJurisdiction authority:code department:code | The department is outside the signer's jurisdiction | 超出管辖范围 | Have an authority above that department sign.
DepartmentsUnknown department:code | No such department | 部门不存在 | Check the code, or register the department first.
DepartmentsKnown department:code | The department is registered already | 部门已登记 | Change the department instead.
DepartmentsLevel level:u8 | The level is not possible here | 部门层级无效 | Use 1 to 5, and none above the parent's.
DepartmentsRoles roles:u16 | These roles are not possible here | 部门角色无效 | Use known roles; an authority exists from county level up.
DepartmentsCycle department:code parent:code | A department cannot lie below itself | 部门上下级成环 | Name a parent outside the department's own subtree.
DepartmentsKeyTerms | The key's terms are not possible | 密钥条款无效 | Give an address, kind 1-2, duty 1-3, custody 1-2, and an end after both start and now, or none; a director key of the root without end begins at once.
DepartmentsKeyKnown key:address | The key was enrolled before | 密钥曾登记 | Make a new key: one is enrolled once, in one department.
DepartmentsSince since:time | A key cannot be retired as of the future | 注销起始时间无效 | Give a time that has passed.
DepartmentsReason reason:u8 | No such reason | 注销原因无效 | Use 1 rotated, 2 left, 3 compromised or 4 mandate ended.
DepartmentsLastRootKey key:address | The root's last director key cannot be retired | 不得注销根部门最后一个负责人密钥 | Enrol another unlimited director key of the root first.

DatasetsNotProvider dataset:code department:code | The department does not provide this dataset | 非该目录的提供部门 | Have the providing department sign.
DatasetsShareType share_type:u8 | No such share type | 共享属性无效 | Use 1 unconditional, 2 conditional or 3 not shared.
DatasetsGradeCore | Core data is not accepted | 不受理核心数据 | Keep core data off this ledger.
DatasetsGrade grade:u8 | No such grade | 数据分级无效 | Use 1 to 4 for general data, 5 for important data.
DatasetsBasisMissing dataset:code | A dataset that is not shared needs a legal basis | 不予共享缺少依据 | Give the digest of the document that cites the exact article.
DatasetsConditionsMissing dataset:code | A conditional dataset needs its conditions | 有条件共享缺少条件 | Give the digest of the document that states the conditions.
DatasetsDocumentMissing dataset:code | The item's document is missing | 缺少目录文档 | Give the digest of the catalogue item's document.
DatasetsUnknown dataset:code | No such dataset | 目录不存在 | Check the code, or submit the dataset first.
DatasetsNothingPending dataset:code | The dataset has nothing waiting | 目录没有待办事项 | Submit the dataset first.
DatasetsNotPublished dataset:code | The dataset is not published | 目录未发布 | Wait until the authority publishes it.
DatasetsNumber expected:u32 given:u32 | The version's number is not the next | 版本号不连续 | Sign again with the expected number.
DatasetsRootMissing | The version's root is missing | 缺少指纹根 | Give the root of the version's fingerprint.
DatasetsVersionUnknown dataset:code number:u32 | No such version | 版本不存在 | Check the number.
DatasetsShredded dataset:code number:u32 | The version is wholly shredded already | 版本已全部销毁 |
DatasetsVersionId version:digest | No version has this identity | 版本标识不存在 | Use the digest of the act that anchored the version.

AuthorisationsUnknown share:digest | No such share | 共享申请不存在 | Use the digest of the act that requested or granted the share.
AuthorisationsStage share:digest stage:stage | The share is not at a stage that allows this | 共享所处阶段不允许该行为 | Read the share again; its stage says what can come next.
AuthorisationsParty share:digest department:code | The department is not the party this needs | 非该共享的相应当事方 | Have the party sign that the act belongs to.
AuthorisationsNotConsumer department:code | A department requests only for itself | 只能为本部门申请 | Name the signer's own department as consumer.
AuthorisationsSelf department:code | Provider and consumer are one department | 提供方与需求方相同 | A department needs no share of its own data.
AuthorisationsRevision published:digest given:digest | The dataset's revision has moved | 目录修订已变更 | Read the published revision and sign again.
AuthorisationsNotShared dataset:code | The dataset is not shared | 该目录不予共享 | Its item names the legal basis; only a new submission can change it.
AuthorisationsUntil until:time | The term does not reach beyond now | 使用时限无效 | Give a term that ends in the future.
AuthorisationsDocumentMissing | The document is missing | 缺少文档 | Give the digest of the act's document.
AuthorisationsKnown share:digest | The share exists already | 共享已存在 |
AuthorisationsOnce share:digest | This can be done only once for a share | 该行为仅限一次 | Decide with what was already given.
AuthorisationsWithdrawn dataset:code | The dataset was withdrawn | 目录已撤回 | Refuse the request, or publish the dataset again.
AuthorisationsWidened requested:time given:time | A reply may not widen the request | 答复不得扩大申请范围 | Agree to the requested term or a shorter one.
AuthorisationsUnconditional share:digest | An unconditional dataset cannot be refused | 无条件共享不得拒绝 | Agree, or withdraw the dataset first.
AuthorisationsSuspended share:digest | The share is suspended | 共享已暂停 | Have whoever suspended it resume it first.
AuthorisationsExpired share:digest until:time | The share's term has passed | 共享已过使用时限 | Request the share again.
AuthorisationsVersion version:digest | The version cannot be delivered under this share | 版本与共享不符 | Name a version of this share's dataset that is not shredded.
AuthorisationsMethod method:u8 | No such delivery method | 交付方式无效 | Use 1 store, 2 platform, 3 file or 4 service.
AuthorisationsNotSuspended share:digest | The share is not suspended | 共享未暂停 |
AuthorisationsCause cause:u8 | No such cause | 终止原因无效 | Use 1 purpose ended, 2 term ended, 3 misuse, 4 item changed or 5 agreed.
AuthorisationsBasisMissing | A grant needs a legal basis | 授权缺少依据 | Give the digest of the document that states the basis.

AttestationsVersion version:digest | The version is not the one this needs | 版本不符 | Name a version that is anchored and of the right dataset.
AttestationsSelf department:code | A department's own data needs a self-attestation, and only that | 自评标识不符 | Mark it self-attested if the data is the signer's own, and only then.
AttestationsScore score:u32 | The score is above one million | 得分超出范围 | Give the score in parts per million.
AttestationsDocumentMissing | The report's document is missing | 缺少报告文档 | Give the digest of the report's document.
AttestationsKnown id:digest | It exists already | 已存在 |
AttestationsUnknown id:digest | No such attestation or correction | 评估或校核不存在 | Use the digest of the act that created it.
AttestationsParty id:digest department:code | The department is not the party this needs | 非相应当事方 | Have the party sign that the act belongs to.
AttestationsWithdrawn attestation:digest | The attestation is withdrawn already | 评估已撤回 |
AttestationsResolved correction:digest | The correction is resolved already | 校核已办结 | Ask for a new correction.
AttestationsOutcome outcome:u8 | No such outcome | 校核结论无效 | Use 1 corrected or 2 declined.

RulebookKind kind:u8 | The rule's kind is unknown or changed | 规则类别无效 | Use 1 calendar, 2 profile or 3 quality rules; a rule keeps its kind.
RulebookDocumentMissing | The rule's document is missing | 缺少规则文档 | Give the digest of the rule's document.

CheckpointsSize last:u64 given:u64 | A checkpoint must be larger than the one before | 检查点规模未增长 | Publish a checkpoint of a longer log.
CheckpointsRootMissing | The checkpoint's root is missing | 缺少检查点根 | Give the log's root.

CourierNotModule module:address | The courier carries only to the ledger's modules | 非账本模块 | Address the act to its module.
CourierGas | Too little gas for the batch | 燃料不足以承运 | Send fewer acts at once, or more gas.
"""
