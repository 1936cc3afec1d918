"""3: a share is requested, agreed, delivered, verified and confirmed; another is granted from above."""

import json
import time
from pathlib import Path
from typing import Any

from keys.errors import InvalidSigning
from keys.signer import recover
from ledger.domain.acts import Level, Method
from ledger.domain.documents import Document
from ledger.fingerprint import RecordProof
from ledger.services.checking import check_record, check_table, prove_from_copy
from ledger.services.checks import VerifyReport
from ledger.services.material import Material
from scripts._demo.cast import BUREAU, HOUSING, LABOUR, STATISTICS, Part
from scripts._demo.catalogue import VILLAGE_SET
from scripts._demo.office import Unexpected, at
from scripts._demo.places import VILLAGE_COLUMNS, divisions, record_of
from scripts._demo.play import Play

SCOPE = {"items": list(VILLAGE_COLUMNS), "rows": "全部"}
WITHOUT_CONSENT = "without the provider's consent"
_DAY = 86_400


def share(play: Play) -> None:
    play.teller.step(3, "申请、同意、交付、核验", "request, consent, delivery, verification")
    _request_and_agree(play)
    deliver(play, play.made["share"], "住房公积金中心", "the housing fund centre")
    play.made["copy"] = str(_use(play, HOUSING, play.made["share"]))
    _confirm(play)
    _grant(play)
    deliver(play, play.made["grant"], "人社局", "the labour bureau")
    _use(play, LABOUR, play.made["grant"])
    _evidence(play)


# ---- by consent ------------------------------------------------------------------------------------------------------


def request_fields(play: Play, consumer: Part, until: int) -> dict[str, Any]:
    return {"consumer": consumer.code, "dataset": VILLAGE_SET, "revision": play.made["revision"], "until": until}


def request_document(fields: dict[str, Any], scenario: str) -> dict[str, Any]:
    """The five things a request must say (Decree 809 art. 20): basis, scenario, scope, method, term."""
    return {
        **fields,
        "basis": [{"law": "政务数据共享条例", "article": "第二十条"}, {"law": "住房公积金管理条例"}],
        "scenario": scenario,
        "scope": SCOPE,
        "method": int(Method.STORE),
        "purpose": "核对行政区划代码，不作他用",
    }


def _request_and_agree(play: Play) -> None:
    until = int(time.time()) + 365 * _DAY
    fields = request_fields(play, HOUSING, until)
    document = Document.make("share-request", **request_document(fields, "核对缴存单位所在区划"))
    requested = play.own_keys.act(
        "RequestShare", play.made["lead"], fields, ("document", document), ("scope", document.part("scope"))
    )
    play.made["share"] = str(requested["digest"])
    play.teller.deed(
        "住房公积金中心自行签署申请：依据、场景、范围、方式、时限",
        "requested with basis, scenario, scope, method, term; signed at home",
        requested["entry"],
    )
    agreed = agree(play, play.made["share"], until)
    play.teller.deed("市统计局共享工作机构负责人同意", "the provider's lead agrees", agreed["entry"])


def agree(play: Play, share_id: str, until: int) -> dict[str, Any]:
    body = {"until": until, "document": {"scope": SCOPE, "opinion": "同意"}}
    agreed = play.office(STATISTICS).act(at("authorisations", share_id, "agreement"), body)
    play.result.agreed += 1
    return agreed


def delivery(play: Play) -> dict[str, Any]:
    """The body of a delivery of version 1 out of the product's own store."""
    return {"version": play.made["version"], "method": int(Method.STORE), "document": {"location": "本平台存储"}}


def deliver(play: Play, share_id: str, zh: str, en: str) -> None:
    delivered = play.office(STATISTICS).act(at("authorisations", share_id, "deliveries"), delivery(play))
    play.teller.deed(f"市统计局向{zh}交付第 1 版", f"version 1 is delivered to {en}", delivered["entry"])


def _confirm(play: Play) -> None:
    found = play.office(HOUSING).client.get(at("authorisations", play.made["share"]))
    document = Document.make(
        "confirmation", share=found["id"], version=play.made["version"], verified=True, checks=["root", "included"]
    )
    confirmed = play.own_keys.act(
        "ConfirmDelivery", play.made["officer"], {"share": found["id"]}, ("document", document), prior=found["last"]
    )
    play.teller.deed("住房公积金中心经办人确认交付", "the consumer's officer confirms the delivery", confirmed["entry"])


# ---- from above ------------------------------------------------------------------------------------------------------


def _grant(play: Play) -> None:
    fields = request_fields(play, LABOUR, int(time.time()) + 90 * _DAY)
    document = {
        **fields,
        "basis": [{"law": "政务数据共享条例", "text": "演示：主管部门统筹共享的决定"}],
        "scope": SCOPE,
        "purpose": "核对参保单位所在区划",
    }
    granted = play.office(BUREAU).act("/grants", {**fields, "document": document})
    play.made["grant"] = str(granted["digest"])
    play.result.granted += 1
    play.teller.deed(
        "主管部门凭依据直接授权人社局",
        "the authority grants the labour bureau directly, with its basis",
        granted["entry"],
    )


def _evidence(play: Play) -> None:
    found = play.office(LABOUR).client.get(at("authorisations", play.made["grant"], "evidence"))
    if WITHOUT_CONSENT not in json.dumps(found, ensure_ascii=False):
        raise Unexpected(f"the evidence of a grant does not say {WITHOUT_CONSENT!r}")
    play.teller.fact("该共享的证据写明：未经提供部门同意", f"its evidence says: {WITHOUT_CONSENT}")


# ---- a consumer's own verification -----------------------------------------------------------------------------------


def _use(play: Play, part: Part, share_id: str) -> Path:
    """Download, then check on the consumer's own machine with what the ledger and the chain say; the copy."""
    office = play.office(part)
    file = play.world.secrets / "scratch" / f"{part.code}.csv"
    size = int(office.client.get(at("versions", play.made["version"]))["size"])
    with play.teller.progress("下载", "downloading", size) as progress:
        office.download(at("authorisations", share_id, "payload"), file, progress)
    material = Material.from_json(office.client.get(at("authorisations", share_id, "keys")))

    with play.teller.progress("逐条核验", "verifying every record", play.result.records) as progress:
        report = check_table(
            material,
            file,
            chain_id=play.manifest.chain_id,
            recovers=_recovers,
            anchored=play.node.anchored(play.made["version"]),
            progress=progress,
        )
    _expect(report, "the downloaded table")
    play.result.table = True
    held = sum(check.ok is True for check in report.checks)
    play.teller.fact(
        f"{part.zh}整表核验：{held} 项检查通过，根与链上一致",
        f"the whole table is verified by the {part.en}: {held} checks hold",
    )
    _check_one(play, part, material, file)
    return file


def _check_one(play: Play, part: Part, material: Material, file: Path) -> None:
    """One record with its proof, here and by eth_call; a wrong leaf must not pass."""
    village = divisions()[Level.VILLAGE][0]
    index = record_of(village.code)
    proof = prove_from_copy(material, file, index)
    assert isinstance(proof, RecordProof)
    on_chain = play.node.proves(play.made["version"], proof)
    report = check_record(
        material,
        proof,
        chain_id=play.manifest.chain_id,
        recovers=_recovers,
        anchored=play.node.anchored(play.made["version"]),
        on_chain=on_chain,
    )
    _expect(report, f"record {index}")
    if play.node.proves(play.made["version"], proof, leaf=bytes(32)):
        raise Unexpected("the contract accepts a leaf that is not in the table")
    play.result.record, play.result.on_chain = True, on_chain
    play.teller.fact(
        f"单条核验：第 {index} 条 {village.name}，{len(proof.path)} 个节点；合约 RecordProof 同样认可",
        f"record {index} with a path of {len(proof.path)} nodes, here and by eth_call to RecordProof",
    )


def _expect(report: VerifyReport, what: str) -> None:
    if not report.ok:
        raise Unexpected(f"{what} fails: " + "; ".join(f"{check.code}: {check.detail}" for check in report.failed))


def _recovers(address: str, digest: bytes, signature: bytes) -> bool:
    try:
        return recover(digest, signature) == address
    except InvalidSigning:
        return False
