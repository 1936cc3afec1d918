"""What the doctor says, in English and Chinese: the name of each check, what each case means, what to do about it."""

from typing import Any, Final

from ledger.cli.texts import Lang, choose

TITLES: Final[dict[str, tuple[str, str]]] = {
    "platform": ("Python and platform", "Python 与平台"),
    "settings": ("settings", "配置"),
    "home": ("home", "主目录"),
    "manifest": ("manifest", "清单"),
    "keystore": ("keystore files", "密钥库文件"),
    "signer": ("signer", "签名密钥"),
    "local-chain": ("local chain", "本地链"),
    "node": ("node", "节点"),
    "contracts": ("contracts", "合约"),
    "comparison": ("comparison node", "比对节点"),
    "database": ("database", "数据库"),
    "schema": ("migrations", "数据库结构"),
    "history": ("history", "历史一致"),
    "lag": ("lag", "跟随滞后"),
    "queue": ("queue", "行为队列"),
    "lease": ("lease", "信使租约"),
    "clock": ("clock", "时钟"),
    "disk": ("disk", "磁盘"),
    "server": ("server", "服务"),
    "payloads": ("payload store", "数据存储"),
}
VERDICTS: Final[dict[str, tuple[str, str]]] = {
    "good": ("good", "正常"),
    "warning": ("warning", "警告"),
    "failed": ("failed", "未通过"),
    "not-applicable": ("–", "–"),
}

_NOTHING: Final = ("", "")
Case = tuple[tuple[str, str], tuple[str, str]]  # what it means, what to do; each English, Chinese
EVERYWHERE: Final[dict[str, Case]] = {
    "needs-another": (("needs what another check found missing", "取决于其他未通过的检查"), _NOTHING),
    "broken": (
        ("it could not be examined: {why}", "无法检查：{why}"),
        ("Read the reason; most often a file or folder is not readable.", "查看原因，多为文件或目录不可读。"),
    ),
    "no-end": (
        ("it did not end within {seconds:g} s", "{seconds:g} 秒内未完成"),
        ("See what hangs: a network disk, a node, a token.", "检查网络磁盘、节点或密码设备是否无响应。"),
    ),
}
CASES: Final[dict[str, Case]] = {
    "platform.good": (("Python {python}, {system} {machine}", "Python {python}，{system} {machine}"), _NOTHING),
    "platform.other": (
        ("Python {python}, {system} {machine}: never tried there", "Python {python}，{system} {machine}：未经测试"),
        ("Run it on Linux x86-64; the local chain needs ANVIL_BIN elsewhere.", "请在 Linux x86-64 上运行。"),
    ),
    "platform.python": (
        ("Python {python} is not one this product supports", "不支持 Python {python}"),
        ("Use Python 3.11, 3.12 or 3.13.", "请使用 Python 3.11、3.12 或 3.13。"),
    ),
    "settings.good": (("every variable is known and valid", "变量均有效"), _NOTHING),
    "settings.broken": (
        ("{why}", "{why}"),
        (
            "Correct it; `shareledger config show` lists every setting.",
            "更正变量；shareledger config show 列出全部配置。",
        ),
    ),
    "home.good": (("{path}, mode {mode}", "{path}，权限 {mode}"), _NOTHING),
    "home.missing": (
        ("{path} is not there", "{path} 不存在"),
        (
            "Set SHARELEDGER_HOME to the home of a ledger, or found one with `shareledger chain deploy`.",
            "将 SHARELEDGER_HOME 指向账本主目录，或用 shareledger chain deploy 新建。",
        ),
    ),
    "home.open": (
        ("others may enter {path}: mode {mode}", "他人可进入 {path}：权限 {mode}"),
        (
            "Run `chmod 700 {path}`; if others had access, retire the keys in it.",
            "执行 chmod 700 {path}；若他人曾可访问，注销其中密钥。",
        ),
    ),
    "home.not-ours": (
        ("{path} belongs to another user", "{path} 属于其他用户"),
        ("Run as the user who owns it.", "以其所有者身份运行。"),
    ),
    "manifest.good": (("chain {chain_id}, Journal {journal}", "链 {chain_id}，账本合约 {journal}"), _NOTHING),
    "manifest.missing": (
        ("{path} is not there", "{path} 不存在"),
        (
            "Restore it from a backup; a new home gets one by `shareledger chain deploy`.",
            "从备份恢复；新主目录用 shareledger chain deploy 生成。",
        ),
    ),
    "manifest.damaged": (
        ("{why}", "{path} 已损坏：{why}"),
        ("Restore it from a backup; it never changes.", "从备份恢复，该文件从不变化。"),
    ),
    "keystore.good": (("{files} files, all private", "{files} 个文件，权限正确"), _NOTHING),
    "keystore.missing": (
        ("{path} is not there", "{path} 不存在"),
        ("Restore it from a backup; without it nothing can be signed or read.", "从备份恢复；缺失则无法签名和解密。"),
    ),
    "keystore.open": (
        (
            "{count} files or folders may be read by others, the first is {path}",
            "{count} 个文件或目录他人可读，首个为 {path}",
        ),
        (
            "Run `chmod 600` on files and `chmod 700` on folders; if others had access, retire the keys.",
            "文件 chmod 600，目录 chmod 700；若他人曾可访问，注销密钥。",
        ),
    ),
    "signer.good": (
        ("the keystore opens, and courier {courier} can sign", "密钥库可打开，信使 {courier} 可签名"),
        _NOTHING,
    ),
    "signer.no-passphrase": (
        ("no passphrase was given, so no key was opened", "未提供口令，未打开密钥"),
        (
            "Give --passphrase-file or --passphrase-fd to have it examined.",
            "用 --passphrase-file 或 --passphrase-fd 提供口令。",
        ),
    ),
    "signer.no-pin": (
        ("no PIN was given, so no key was opened", "未提供 PIN，未打开密钥"),
        ("Give --pin-file or --pin-fd to have it examined.", "用 --pin-file 或 --pin-fd 提供 PIN。"),
    ),
    "signer.no-courier": (
        ("{path} is not there", "{path} 不存在"),
        ("Restore it from a backup; it holds the address of the courier's key.", "从备份恢复，其中为信使密钥地址。"),
    ),
    "signer.wrong-passphrase": (
        ("the passphrase does not open the keystore", "口令无法打开密钥库"),
        ("Give the passphrase the ledger was founded with.", "使用创建账本时的口令。"),
    ),
    "signer.closed": (
        ("courier {courier} cannot sign: {why}", "信使 {courier} 无法签名：{why}"),
        ("Restore the key file, or open the token that holds the key.", "恢复密钥文件，或接入保管该密钥的密码设备。"),
    ),
    "local-chain.running": (("process {pid} drives it at {address}", "进程 {pid} 运行于 {address}"), _NOTHING),
    "local-chain.elsewhere": (("the settings name nodes", "配置已指定节点"), _NOTHING),
    "local-chain.stopped": (
        ("it does not run now; its journal and anvil are there", "未运行；日志与 anvil 就绪"),
        ("It starts with `shareledger up` or `serve`.", "随 shareledger up 或 serve 启动。"),
    ),
    "local-chain.silent": (
        ("process {pid} holds it and does not answer (yet)", "进程 {pid} 占用但无应答"),
        ("Wait if it has just started: it replays; else stop that process.", "若刚启动请等待重放；否则停止该进程。"),
    ),
    "local-chain.missing": (
        ("{path} has no journal, and the settings name no node", "{path} 没有日志，配置也未指定节点"),
        (
            "Set SHARELEDGER_RPC_URLS, or restore the folder from a backup.",
            "设置 SHARELEDGER_RPC_URLS，或从备份恢复该目录。",
        ),
    ),
    "local-chain.no-anvil": (
        ("there is no anvil to run it with: {why}", "没有可用的 anvil：{why}"),
        ("Run ./scripts/setup, or set SHARELEDGER_ANVIL_BIN.", "执行 ./scripts/setup，或设置 SHARELEDGER_ANVIL_BIN。"),
    ),
    "node.good": (
        ("block {block}, answered in {milliseconds:g} ms", "区块 {block}，应答 {milliseconds:g} 毫秒"),
        _NOTHING,
    ),
    "node.slow": (
        ("it took {milliseconds:g} ms to answer", "应答耗时 {milliseconds:g} 毫秒"),
        ("See how busy the node is, and the network to it.", "检查节点负载与网络。"),
    ),
    "node.unknown": (
        (
            "chain {chain_id}, block {block}; without a manifest nobody knows if it is the right one",
            "链 {chain_id}，区块 {block}；缺少清单，无法核对",
        ),
        ("Restore the manifest.", "恢复清单。"),
    ),
    "node.silent": (
        ("it does not answer: {why}", "无应答：{why}"),
        (
            "Start the node, open the way to it, or correct SHARELEDGER_RPC_URLS.",
            "启动节点、打通网络，或更正 SHARELEDGER_RPC_URLS。",
        ),
    ),
    "node.chain-id": (
        ("its chain id is {chain_id}, the manifest's {expected}", "链标识为 {chain_id}，清单为 {expected}"),
        ("Point SHARELEDGER_RPC_URLS at the chain of the manifest.", "将 SHARELEDGER_RPC_URLS 指向清单所述的链。"),
    ),
    "node.genesis": (
        ("its block 0 is {genesis}, the manifest's {expected}", "创世区块为 {genesis}，清单为 {expected}"),
        ("Point SHARELEDGER_RPC_URLS at the chain of the manifest.", "将 SHARELEDGER_RPC_URLS 指向清单所述的链。"),
    ),
    "node.stopped": (("the local chain does not run now", "本地链未运行"), _NOTHING),
    "contracts.good": (("the code on it is this program's", "链上代码与本程序一致"), _NOTHING),
    "contracts.other-code": (
        ("{why}", "链上代码不符：{why}"),
        ("Run the version that deployed the ledger, or point to its chain.", "使用部署该账本的版本，或指向其所在链。"),
    ),
    "contracts.stopped": (("the local chain does not run now", "本地链未运行"), _NOTHING),
    "comparison.none": (("none is set", "未配置"), _NOTHING),
    "comparison.good": (("{node} has the same block {block}", "{node} 区块 {block} 一致"), _NOTHING),
    "comparison.silent": (
        ("{node} does not answer: {why}", "{node} 无应答：{why}"),
        ("Start it, or correct SHARELEDGER_COMPARE_URL.", "启动该节点，或更正 SHARELEDGER_COMPARE_URL。"),
    ),
    "comparison.another-chain": (
        ("{node} is of another chain, {chain_id}", "{node} 属于另一条链 {chain_id}"),
        ("Correct SHARELEDGER_COMPARE_URL.", "更正 SHARELEDGER_COMPARE_URL。"),
    ),
    "comparison.disagrees": (
        (
            "block {block} is {ours} on the first node, {theirs} on {node}",
            "区块 {block} 在首选节点为 {ours}，在 {node} 为 {theirs}",
        ),
        (
            "Ask the other operators which one is theirs; replace the node that is wrong.",
            "向其他运营方核实，更换有误的节点。",
        ),
    ),
    "database.good": (("{kind} can be read", "{kind} 可读"), _NOTHING),
    "database.missing": (
        ("{path} is not there", "{path} 不存在"),
        (
            "Restore it from a backup: documents, keys of payloads and the queue are nowhere else.",
            "从备份恢复：文档、数据密钥和队列仅存于此。",
        ),
    ),
    "database.unreadable": (
        ("it cannot be read: {why}", "无法读取：{why}"),
        (
            "Start the database server, or restore the file from a backup; check its mode and owner.",
            "启动数据库服务或从备份恢复；检查权限与所有者。",
        ),
    ),
    "schema.good": (("the tables are this program's", "结构版本一致"), _NOTHING),
    "schema.other": (
        ("{why}", "结构版本不符：{why}"),
        ("Back it up, then run `shareledger store migrate`.", "先备份，再执行 shareledger store migrate。"),
    ),
    "history.good": (
        ("{entries} entries up to block {block}, which the node has too", "{entries} 条至区块 {block}，与节点一致"),
        _NOTHING,
    ),
    "history.nothing-followed": (("nothing was followed yet", "尚未跟随"), _NOTHING),
    "history.another-ledger": (
        ("the database is another ledger's than the manifest", "数据库属于另一账本"),
        (
            "Point SHARELEDGER_DATABASE_URL at this ledger's database.",
            "将 SHARELEDGER_DATABASE_URL 指向本账本的数据库。",
        ),
    ),
    "history.another-chain": (
        ("block {block} was final as {ours}, the node has {theirs}", "区块 {block} 已确认为 {ours}，节点为 {theirs}"),
        (
            "Compare with a second node and replace the one that is wrong; never delete the database.",
            "与第二个节点比对并更换有误的节点；切勿删除数据库。",
        ),
    ),
    "lag.good": (("{behind} blocks behind", "滞后 {behind} 个区块"), _NOTHING),
    "lag.behind": (
        ("{behind} final blocks are not followed yet", "{behind} 个最终区块尚未跟随"),
        ("Run the product, and wait while it catches up.", "启动本产品并等待追赶。"),
    ),
    "lag.node-behind": (
        ("the node is at block {newest}, {followed} was followed already", "节点在区块 {newest}，已跟随至 {followed}"),
        ("Wait until the node has caught up, or take another one.", "等待节点同步，或更换节点。"),
    ),
    "queue.empty": (("nothing waits", "无等待行为"), _NOTHING),
    "queue.moving": (
        (
            "{waiting} acts under way, the oldest for {oldest_seconds} s",
            "{waiting} 个行为在途，最久 {oldest_seconds} 秒",
        ),
        _NOTHING,
    ),
    "queue.stalled": (
        ("{waiting} acts wait, the oldest for {oldest_seconds} s", "{waiting} 个行为等待，最久 {oldest_seconds} 秒"),
        (
            "Run the product with a passphrase; if it runs, read why its submitter fails.",
            "带口令运行本产品；若已运行，查看提交循环的失败原因。",
        ),
    ),
    "lease.held": (("{holder} carries, for another {seconds:g} s", "{holder} 持有，剩余 {seconds:g} 秒"), _NOTHING),
    "lease.stopped": (("nobody carries, and no server runs here", "无人持有，服务未运行"), _NOTHING),
    "lease.nobody": (
        ("a server runs here, and nobody carries", "服务在运行，但无人持有租约"),
        ("Read the server's log for why its submitter fails.", "查看服务日志中提交循环的失败原因。"),
    ),
    "clock.good": (("in step with the chain and the kernel", "与链和内核一致"), _NOTHING),
    "clock.behind": (
        ("the newest block is {ahead_seconds:g} s ahead of this clock", "最新区块比本机时钟快 {ahead_seconds:g} 秒"),
        ("Set the clock by NTP; signatures made here are counted from it.", "用 NTP 校准；签名有效期按本机时钟计算。"),
    ),
    "clock.jumping": (
        ("it jumped by {drift_seconds:g} s while it was watched", "观察期间跳变 {drift_seconds:g} 秒"),
        ("See what sets the clock; let NTP alone do it, slowly.", "查明何者在修改时钟，仅由 NTP 缓慢校准。"),
    ),
    "clock.unsynchronised": (
        ("the kernel does not know it to be synchronised", "内核未确认时钟已同步"),
        (
            "Run an NTP client (chrony, systemd-timesyncd) here, or on the host of this container.",
            "在本机或宿主机运行 NTP 客户端（chrony、systemd-timesyncd）。",
        ),
    ),
    "disk.good": (("{free_mib} MiB free, at the scarcest ({place})", "最少处（{place}）剩余 {free_mib} MiB"), _NOTHING),
    "disk.filling": (
        (
            "{place} has {free_mib} MiB left, {least_mib} are an alarm",
            "{place} 剩余 {free_mib} MiB，低于 {least_mib} 告警",
        ),
        ("Make room soon.", "请尽快清理。"),
    ),
    "disk.nearly-full": (
        ("{place} has {free_mib} MiB left, less than {least_mib}", "{place} 仅剩 {free_mib} MiB，低于 {least_mib}"),
        ("Free some disk, or move the home to a larger one.", "清理磁盘，或迁移到更大磁盘。"),
    ),
    "disk.no-files": (
        ("{place} can hold fewer than 1000 more files", "{place} 可建文件数不足 1000"),
        (
            "Delete files that nobody needs, or use a file system with more inodes.",
            "删除无用文件，或换用 inode 更多的文件系统。",
        ),
    ),
    "server.good": (("{address} is ready", "{address} 已就绪"), _NOTHING),
    "payloads.good": (("{place} answers", "{place} 可用"), _NOTHING),
    "payloads.none-yet": (("{place} is made when it is first needed", "{place} 将在首次使用时创建"), _NOTHING),
    "payloads.open": (
        ("others may enter {place}", "他人可进入 {place}"),
        ("Run `chmod 700 {place}`.", "执行 chmod 700 {place}。"),
    ),
    "payloads.silent": (
        ("{place} does not answer: {why}", "{place} 无应答：{why}"),
        (
            "Start the S3 server, open the way to it, or correct SHARELEDGER_S3_ENDPOINT.",
            "启动 S3 服务、打通网络，或更正 SHARELEDGER_S3_ENDPOINT。",
        ),
    ),
    "payloads.no-bucket": (
        ("{place} does not exist", "{place} 不存在"),
        (
            "Make the bucket, or correct SHARELEDGER_PAYLOADS_URL and SHARELEDGER_S3_ENDPOINT.",
            "创建存储桶，或更正 SHARELEDGER_PAYLOADS_URL 与 SHARELEDGER_S3_ENDPOINT。",
        ),
    ),
    "payloads.refused": (
        ("{place}: {why}", "{place} 拒绝访问：{why}"),
        (
            "Correct the file SHARELEDGER_S3_CREDENTIALS_FILE names, or what its user may do: list the bucket, and "
            "get, put and delete objects below the prefix.",
            "更正 SHARELEDGER_S3_CREDENTIALS_FILE 所指文件，或为其用户授权：列出存储桶，读、写、删前缀下的对象。",
        ),
    ),
    "payloads.another-ledger": (
        ("{place} is another ledger's", "{place} 属于另一账本"),
        (
            "Give SHARELEDGER_PAYLOADS_URL a prefix of its own for each ledger.",
            "为每个账本在 SHARELEDGER_PAYLOADS_URL 中使用单独的前缀。",
        ),
    ),
    "payloads.closed": (
        ("{place} cannot be opened: {why}", "{place} 无法打开：{why}"),
        (
            "Correct the settings SHARELEDGER_PAYLOADS_URL and SHARELEDGER_S3_….",
            "更正配置 SHARELEDGER_PAYLOADS_URL 与 SHARELEDGER_S3_…。",
        ),
    ),
    "server.silent": (("no server answers at {address}", "{address} 无服务应答"), _NOTHING),
    "server.any-port": (
        ("SHARELEDGER_PORT is 0, so nobody knows where it listens", "端口为 0，无从得知监听地址"),
        _NOTHING,
    ),
    "server.another": (("what answers at {address} is not this ledger's", "{address} 的应答方不是本账本"), _NOTHING),
    "server.not-ready": (
        ("{address} is not ready: {why}", "{address} 未就绪：{why}"),
        ("See what its /readyz answers for each alarm.", "查看其 /readyz 对各告警的说明。"),
    ),
}


def case(check: str, name: str) -> Case:
    """What a case of a check means, and what to do. Raises KeyError for one without words."""
    return CASES.get(f"{check}.{name}") or EVERYWHERE[name]


def means(lang: Lang, check: str, name: str, facts: dict[str, Any]) -> str:
    return choose(lang, case(check, name)[0]).format(**facts)


def remedy(lang: Lang, check: str, name: str, facts: dict[str, Any]) -> str:
    """What to do; empty if there is nothing to be done."""
    return choose(lang, case(check, name)[1]).format(**facts)
