"""Acts on catalogue items and on the line of their versions."""

from ledger.domain.acts import Grade, Role, ShareType
from ledger.domain.identifiers import ZERO_DIGEST
from ledger.domain.rules.case import Case, is_zero, refuse_if
from ledger.domain.state import Dataset, Line, Version, VersionNumber


def submit_dataset(case: Case) -> None:
    act, code = case.act, case.act["dataset"]
    case.sign_in()
    case.check_role(Role.PROVIDER)
    refuse_if(act["department"] != case.code, "DatasetsNotProvider", code, case.code)
    case.check_signatures()
    case.check_code("dataset")
    _check_item(case)
    known = case.state.get(Dataset, code)
    refuse_if(known is not None and known.provider != case.code, "DatasetsNotProvider", code, case.code)
    case.check_prior(known.last if known else ZERO_DIGEST)


def _check_item(case: Case) -> None:
    act, code = case.act, case.act["dataset"]
    share_type, grade = act["share_type"], act["grade"]
    refuse_if(share_type not in set(ShareType), "DatasetsShareType", share_type)
    refuse_if(grade == Grade.CORE, "DatasetsGradeCore")
    refuse_if(grade not in set(Grade), "DatasetsGrade", grade)
    refuse_if(share_type == ShareType.NOT_SHARED and is_zero(act["basis"]), "DatasetsBasisMissing", code)
    conditional = share_type == ShareType.CONDITIONAL
    refuse_if(conditional and is_zero(act["conditions"]), "DatasetsConditionsMissing", code)
    case.check_document("DatasetsDocumentMissing", code)


def _own_dataset(case: Case) -> Dataset:
    dataset = case.known_dataset(case.act["dataset"])
    refuse_if(dataset.provider != case.code, "DatasetsNotProvider", dataset.code, case.code)
    return dataset


def withdraw_dataset(case: Case) -> None:
    case.sign_in()
    dataset = _own_dataset(case)
    case.check_signatures()
    case.check_prior(dataset.last)
    refuse_if(not (dataset.pending or dataset.published), "DatasetsNothingPending", dataset.code)


def publish_dataset(case: Case) -> None:
    case.sign_in()
    dataset = case.known_dataset(case.act["dataset"])
    case.check_above(dataset.provider)
    case.check_signatures()
    case.check_prior(dataset.last)
    refuse_if(not dataset.pending, "DatasetsNothingPending", dataset.code)


return_dataset = publish_dataset


def anchor_version(case: Case) -> None:
    act = case.act
    case.sign_in()
    dataset = _own_dataset(case)
    case.check_signatures()
    case.check_prior(case.state.line_last(dataset.code))
    refuse_if(not dataset.published, "DatasetsNotPublished", dataset.code)
    line = case.state.get(Line, dataset.code)
    expected = (line.count if line else 0) + 1
    refuse_if(act["number"] != expected, "DatasetsNumber", expected, act["number"])
    case.check_code("format")
    refuse_if(is_zero(act["root"]), "DatasetsRootMissing")


def shred_version(case: Case) -> None:
    case.sign_in()
    dataset = _own_dataset(case)
    case.check_signatures()
    case.check_prior(case.state.line_last(dataset.code))
    number = case.act["number"]
    place = case.state.get(VersionNumber, dataset.code, number)
    version = case.state.get(Version, place.version) if place else None
    refuse_if(version is None, "DatasetsVersionUnknown", dataset.code, number)
    assert version is not None
    refuse_if(version.shredded, "DatasetsShredded", dataset.code, number)
