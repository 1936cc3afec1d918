"""Everything that the API's description allows, and much that it forbids, sent to the real server by every caller.

Schemathesis makes the requests from the description; the identifiers of real objects are mixed in, so that not all of
them end at "no such object". For each answer: no defect of ours, nothing that the description does not say, and what
breaks the description is refused. The same requests in every run. Many more of them:

    pytest tests/api/test_schemathesis.py --hypothesis-profile=long
"""

import copy
import re
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.domain.acts import Duty
from tests.api.conftest import LONG
from tests.api.furnished import CONDITIONAL, FOREIGN, OUTSIDER, PENDING, ROLES, Furnished, furnished
from tests.api.served import Served, served
from tests.api.test_every_route import MAY
from tests.api.world import ATTESTOR, AUDITOR, CONSUMER, DATASET, PROVIDER, ROOT, STRANGER, Template, signer_of

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
]
CALLERS: Final = (
    None,
    (ROOT, Duty.DIRECTOR),
    (PROVIDER, Duty.DIRECTOR),
    (PROVIDER, Duty.OFFICER),
    (CONSUMER, Duty.LEAD),
    (STRANGER, Duty.DIRECTOR),
    (ATTESTOR, Duty.OFFICER),
    (AUDITOR, Duty.LEAD),
    (OUTSIDER, Duty.OFFICER),
)
METHODS: Final = ("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")


def long_run() -> bool:
    return settings.get_current_profile_name() == LONG


@pytest.fixture(scope="module")
def server(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served[Furnished]]:
    folder = tmp_path_factory.mktemp("schemathesis")
    with served(lambda: furnished(template, folder), lambda made: made.app) as running:
        running.thing.world.carry = nothing_is_carried  # type: ignore[method-assign]
        yield running


async def nothing_is_carried() -> int:
    """A director's valid request may close the ledger: it is queued, and stays so."""
    return 0


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as one:
        yield one


@pytest.fixture(scope="module")
def schema(server: Served[Furnished]) -> Any:
    """Without the API key: it is ours to send, and a request that lacks it is `test_no_key_is_not_passed_over`."""
    described = with_real_names(server.thing)
    for operations in described["paths"].values():
        for operation in operations.values():
            del operation["security"]
    return schemathesis.openapi.from_dict(described)


# ---- the description, with names that are there ---------------------------------------------------------------------


def with_real_names(made: Furnished) -> dict[str, Any]:
    """The application's own description; wherever a name of an object goes, one of those that there are will do too."""
    described = copy.deepcopy(made.app.openapi())
    names = real_names(made)
    for operations in described["paths"].values():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                if parameter["name"] in names and parameter["in"] in ("path", "query"):
                    slashes = "~" if parameter["in"] == "path" else "/"
                    choose(parameter["schema"], [name.replace("/", slashes) for name in names[parameter["name"]]])
    for title, body in described["components"]["schemas"].items():
        if title.endswith("Body"):
            for name, form in body.get("properties", {}).items():
                if name in names:
                    choose(form, names[name])
    return described


def choose(form: dict[str, Any], names: list[str]) -> None:
    was = dict(form)
    form.clear()
    form["anyOf"] = [{"enum": names}, was]


def real_names(made: Furnished) -> Mapping[str, list[str]]:
    named = made.names
    departments, datasets = [PROVIDER, CONSUMER, ROOT], [DATASET, CONDITIONAL, PENDING, FOREIGN]
    shares = [named[one] for one in ("requested", "delivered", "suspended", "ended", "foreign")]
    return {
        "department": departments,
        "parent": [ROOT],
        "consumer": [CONSUMER, OUTSIDER],
        "provider": [PROVIDER],
        "dataset": datasets,
        "share": shares,
        "version": [named["version"], named["shredded"]],
        "prepared": [named["prepared"]],
        "attestation": [named["attestation"]],
        "correction": [named["correction"]],
        "document": [named["version document"], named[PENDING], named["rules"]],
        "rules": [named["rules"]],
        "digest": [named["queued"]],
        "key": [signer_of(PROVIDER, Duty.OFFICER).address],
        "entry": ["0", "7", named["delivered"]],
        "rule": ["quality"],
        "log": ["entries"],
    }


# ---- the tests ------------------------------------------------------------------------------------------------------


class Sender:
    """Sends a case as several callers, another few each time, and has the answers checked."""

    def __init__(self, server: Served[Furnished], session: requests.Session) -> None:
        self._server, self._session, self._turn = server, session, count()

    def __call__(self, case: Case) -> None:
        for _ in range(len(CALLERS) if long_run() else 3):
            caller = CALLERS[next(self._turn) % len(CALLERS)]
            key = (
                {} if caller is None else {"Authorization": self._server.thing.callers[caller].headers["Authorization"]}
            )
            answer = case.call(base_url=self._server.url, headers=key, session=self._session)
            case.validate_response(answer, checks=CHECKS)
            assert caller is not None or answer.status_code in (401, 200), (case.operation.label, answer.status_code)


def operations() -> list[str]:
    """Labels of all operations; `test_nothing_is_left_out` proves the list."""
    lines = {" ".join(line.split(" ")[:2]) for line in MAY}
    return sorted(line for line in lines if not line.endswith("/openapi.json"))


def test_nothing_is_left_out(server: Served[Furnished], schema: Any) -> None:
    there = {result.ok().label for result in schema.get_all_operations()}
    assert there == set(operations())
    assert set(server.thing.callers) >= {caller for caller in CALLERS if caller}
    assert {department for department, _ in filter(None, CALLERS)} <= ROLES.keys()


@pytest.mark.parametrize("label", operations())
def test_answers_are_as_described(
    label: str, schema: Any, server: Served[Furnished], session: requests.Session
) -> None:
    operation = schema.find_operation_by_label(label)
    send = Sender(server, session)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        if mode is GenerationMode.NEGATIVE and not takes_anything(operation):
            continue
        every(operation.as_strategy(generation_mode=mode), send)


def takes_anything(operation: Any) -> bool:
    """Anything that it might refuse: no header of ours says what its text must be but Idempotency-Key."""
    return any((operation.path_parameters, operation.query, operation.body))


def every(cases: SearchStrategy[Case], send: Sender) -> None:
    @settings(
        max_examples=settings().max_examples if long_run() else 3,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def sent(case: Case) -> None:
        send(case)

    sent()


def test_a_path_names_its_methods(server: Served[Furnished], session: requests.Session) -> None:
    """Every method that a path does not take is refused, and told all those that it takes."""
    key = server.thing.callers[ROOT, Duty.DIRECTOR].headers["Authorization"]
    made = real_names(server.thing)
    for path, described in server.thing.app.openapi()["paths"].items():
        filled = re.sub(r"{(\w+)}", lambda found: made.get(found[1], ["0"])[0].replace("/", "~"), path)
        there = {method.upper() for method in described}
        foreign = [method for method in METHODS if method not in there]
        for method in foreign if long_run() else (foreign[0], foreign[-1 - len(path) % 4]):
            answer = session.request(method, server.url + filled, headers={"Authorization": key})
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["Allow"].split(", ")) == there, (method, path)
            assert answer.headers["Content-Type"] == "application/problem+json"


def test_no_key_is_not_passed_over(server: Served[Furnished], session: requests.Session) -> None:
    """With another key, or none, the very same request is refused."""
    schema = schemathesis.openapi.from_dict(with_real_names(server.thing))
    key = {"Authorization": server.thing.callers[ROOT, Duty.DIRECTOR].headers["Authorization"]}
    for label in (label for label in operations() if label.startswith("GET /v1")):
        operation = schema.find_operation_by_label(label)
        path = {name: real_names(server.thing).get(name, ["0"])[0].replace("/", "~") for name in names_in(label)}
        case = operation.Case(path_parameters=path, headers=key)
        answer = case.call(base_url=server.url, session=session)
        case.validate_response(answer, checks=[ignored_auth, status_code_conformance, allow_header_conformance])


def names_in(label: str) -> list[str]:
    return re.findall(r"{(\w+)}", label)
