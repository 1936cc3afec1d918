"""Reads that every authenticated caller may make: departments, keys, datasets, versions, attestations, rules,
checkpoints, and the ledger's identity."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from api.describing import showing, tagged_as, who
from api.pagination import PageOf, page_reply
from api.reading import moment, show_one, show_page
from api.replies import read_reply
from api.routing import JsonRoute
from api.runtime import Runtime
from api.schemas.fields import AddressInPath, CodeInPath, DigestInPath, code_of
from api.schemas.material import LedgerView
from api.schemas.views import (
    AttestationView,
    CheckpointView,
    DatasetView,
    DepartmentView,
    KeyView,
    RevisionView,
    RuleView,
    VersionView,
    object_json,
    page_of,
    single,
)
from ledger.domain.identifiers import any_address, parse_address, parse_code, parse_digest
from ledger.domain.state import (
    LEDGER_KEY,
    Attestation,
    Checkpoint,
    Dataset,
    Department,
    InstalledModule,
    Key,
    Ledger,
    Revision,
    Rule,
    Version,
    VersionNumber,
)
from ledger.services import reading

ANYONE = who("any department")
OneDataset = single(
    DatasetView, published_revision=(RevisionView | None, ...), pending_revision=(RevisionView | None, ...)
)
CodeFilter = Annotated[str | None, Query(pattern=r"^[0-9A-Za-z./_-]{1,32}$")]
DigestFilter = Annotated[str | None, Query(pattern=r"^[0-9a-f]{64}$")]


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter(prefix="/v1", route_class=JsonRoute)
    _departments(routes, runtime)
    _datasets(routes, runtime)
    _judgements(routes, runtime)
    _ledger(routes, runtime)
    return routes


def _departments(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get("/departments", tags=["departments"], responses=showing(page_of(DepartmentView)), openapi_extra=ANYONE)
    async def list_departments(request: Request, page: PageOf, parent: CodeFilter = None) -> Response:
        """Every department, by code; of one parent if named."""
        return await show_page(request, runtime, page, Department, page.key(parse_code), parent=parent)

    @routes.get(
        "/departments/{department}",
        tags=["departments"],
        responses=showing(single(DepartmentView)),
        openapi_extra=ANYONE,
    )
    async def show_department(request: Request, department: CodeInPath) -> Response:
        """Its parent, level and roles now."""
        return await show_one(request, runtime, Department, code_of(department))

    @routes.get(
        "/departments/{department}/keys",
        tags=["departments"],
        responses=showing(page_of(KeyView)),
        openapi_extra=ANYONE,
    )
    async def list_keys(request: Request, page: PageOf, department: CodeInPath) -> Response:
        """Every key the department ever had, with its duty, custody and dates."""
        code = code_of(department)
        async with moment(runtime) as now:
            await reading.catalogue_object(now.work, Department, code)
        return await show_page(request, runtime, page, Key, page.key(parse_address), department=code)

    @routes.get("/keys/{key}", tags=["departments"], responses=showing(single(KeyView)), openapi_extra=ANYONE)
    async def show_key(request: Request, key: AddressInPath) -> Response:
        """Whose it is, its duty and custody, and whether it is retired."""
        return await show_one(request, runtime, Key, any_address(key))


def _datasets(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get("/datasets", tags=["datasets"], responses=showing(page_of(DatasetView)), openapi_extra=ANYONE)
    async def list_datasets(request: Request, page: PageOf, provider: CodeFilter = None) -> Response:
        """Every dataset, by code; of one provider if named."""
        return await show_page(request, runtime, page, Dataset, page.key(parse_code), provider=provider)

    @routes.get("/datasets/{dataset}", tags=["datasets"], responses=showing(OneDataset), openapi_extra=ANYONE)
    async def show_dataset(request: Request, dataset: CodeInPath) -> Response:
        """The item with what its published and its pending revision say; a request names the published one's digest."""
        async with moment(runtime) as now:
            state = await now.work.load([(Dataset, (code_of(dataset),))])
            found = await reading.catalogue_object(now.work, Dataset, code_of(dataset))
        revisions = {
            f"{name}_revision": object_json(revision) if revision else None
            for name in ("published", "pending")
            for revision in [state.get(Revision, getattr(found, name))]
        }
        return read_reply(request, {**object_json(found), **revisions, "as_of": now.as_of})

    @routes.get(
        "/datasets/{dataset}/versions", tags=["versions"], responses=showing(page_of(VersionView)), openapi_extra=ANYONE
    )
    async def list_versions(request: Request, page: PageOf, dataset: CodeInPath) -> Response:
        """In order of their numbers; `after` is a number."""
        code = code_of(dataset)
        async with moment(runtime) as now:
            await reading.catalogue_object(now.work, Dataset, code)
            numbers = await now.work.objects(VersionNumber, dataset=code, after=(code, page.number(0)), limit=page.ask)
            state = await now.work.load([(Version, (one.version,)) for one in numbers])
        versions = sorted(state.all(Version), key=lambda item: item.number)
        return page_reply(request, page, versions, now.as_of, key=lambda item: item.number, shown=object_json)

    @routes.get("/versions/{version}", tags=["versions"], responses=showing(single(VersionView)), openapi_extra=ANYONE)
    async def show_version(request: Request, version: DigestInPath) -> Response:
        """A version's fingerprint as it was anchored."""
        return await show_one(request, runtime, Version, version)


def _judgements(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get(
        "/attestations", tags=["attestations"], responses=showing(page_of(AttestationView)), openapi_extra=ANYONE
    )
    async def list_attestations(
        request: Request,
        page: PageOf,
        version: DigestFilter = None,
        dataset: CodeFilter = None,
        attestor: CodeFilter = None,
    ) -> Response:
        """Quality attestations, withdrawn ones included."""
        where = {"version": version, "dataset": dataset, "attestor": attestor}
        return await show_page(request, runtime, page, Attestation, page.key(parse_digest), **where)

    @routes.get(
        "/attestations/{attestation}",
        tags=["attestations"],
        responses=showing(single(AttestationView)),
        openapi_extra=ANYONE,
    )
    async def show_attestation(request: Request, attestation: DigestInPath) -> Response:
        """One attestation."""
        return await show_one(request, runtime, Attestation, attestation)

    @routes.get("/rules", tags=["rules"], responses=showing(page_of(RuleView)), openapi_extra=ANYONE)
    async def list_rules(request: Request, page: PageOf, department: CodeFilter = None) -> Response:
        """Rules as they stand; `after` is `department,rule`."""
        after = page.key(parse_code, parse_code)
        return await show_page(request, runtime, page, Rule, after, department=department)

    @routes.get("/rules/{department}/{rule}", tags=["rules"], responses=showing(single(RuleView)), openapi_extra=ANYONE)
    async def show_rule(request: Request, department: CodeInPath, rule: CodeInPath) -> Response:
        """One department's rule as it stands."""
        return await show_one(request, runtime, Rule, code_of(department), code_of(rule))

    @routes.get("/checkpoints", tags=["checkpoints"], responses=showing(page_of(CheckpointView)), openapi_extra=ANYONE)
    async def list_checkpoints(request: Request, page: PageOf, department: CodeFilter = None) -> Response:
        """The newest checkpoint of each log; `after` is `department,log`."""
        after = page.key(parse_code, parse_code)
        return await show_page(request, runtime, page, Checkpoint, after, department=department)

    @routes.get(
        "/checkpoints/{department}/{log}",
        tags=["checkpoints"],
        responses=showing(single(CheckpointView)),
        openapi_extra=ANYONE,
    )
    async def show_checkpoint(request: Request, department: CodeInPath, log: CodeInPath) -> Response:
        """The newest checkpoint of one log."""
        return await show_one(request, runtime, Checkpoint, code_of(department), code_of(log))


def _ledger(routes: APIRouter, runtime: Runtime) -> None:
    @routes.get("/ledger", tags=["ledger"], responses=tagged_as({"model": LedgerView}), openapi_extra=ANYONE)
    async def show_ledger(request: Request) -> Response:
        """Which ledger this is: chain, contracts, root authority; compare it with what you know from elsewhere."""
        manifest = runtime.ports.manifest
        async with moment(runtime) as now:
            ledger = (await now.work.load([(Ledger, LEDGER_KEY)])).ledger
            modules = await now.work.objects(InstalledModule)
        body = {
            "chain_id": manifest.chain_id,
            "genesis": manifest.genesis,
            "block": manifest.block,
            "modules": {str(name): address for name, address in manifest.modules.items()},
            "courier": manifest.courier,
            "code": dict(manifest.code),
            "admitted": [object_json(one) for one in modules if one.code_hash is not None],
            "state": object_json(ledger) if ledger else None,
            "as_of": now.as_of,
        }
        return read_reply(request, body)
