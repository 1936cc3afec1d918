"""What a machine that watches the product asks. No API key: nothing here speaks of anyone."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from api.limits import JsonRoute
from api.problems import respond
from api.replies import Reply
from api.runtime import Runtime
from ledger.errors import NotReady
from ledger.telemetry import REGISTRY


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter(tags=["health"], route_class=JsonRoute)

    @routes.get("/healthz")
    async def alive() -> Response:
        """Answers while the program runs."""
        return Reply(200, {"alive": True}).response()

    @routes.get("/readyz")
    async def ready(request: Request) -> Response:
        """200 while acts can be taken and the ledger is followed; else 503 with the reasons."""
        status = runtime.status()
        if status["ready"]:
            return Reply(200, status).response()
        reasons = [str(reason) for reason in status.get("reasons", ())]
        return respond(request, NotReady("; ".join(reasons) or "not ready", reasons=reasons))

    @routes.get("/metrics")
    async def metrics() -> Response:
        """Prometheus text: counts and times, no names."""
        return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes
