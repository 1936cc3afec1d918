"""What a machine that watches the product asks. No API key: nothing here speaks of anyone.

The metrics tell how busy the product is, so they are for the networks that the settings name: this machine, unless told
otherwise. A proxy in front should pass none of these paths on.
"""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import PlainTextResponse, Response

from api.describing import problems
from api.problems import respond
from api.replies import Reply
from api.routing import JsonRoute
from api.runtime import Runtime
from ledger.errors import NotPermitted, NotReady
from ledger.telemetry import REGISTRY


def router(runtime: Runtime) -> APIRouter:
    routes = APIRouter(tags=["health"], route_class=JsonRoute)
    watchers = [ip_network(one) for one in runtime.settings.metrics_networks()]

    @routes.get("/healthz")
    async def alive() -> Response:
        """Answers while the program runs."""
        return Reply(200, {"alive": True}).response()

    @routes.get("/readyz")
    async def ready(request: Request) -> Response:
        """200 while acts can be taken and the ledger is followed; else 503 with the reasons and what to do."""
        status = runtime.status()
        if status["ready"]:
            return Reply(200, status).response()
        reasons, alarms = [str(reason) for reason in status["reasons"]], status["alarms"]
        remedy = str(alarms[0]["next_step"]) if alarms else "Ask again in a moment; if it stays, read the log."
        return respond(request, NotReady("; ".join(reasons), remedy=remedy, reasons=reasons, alarms=alarms))

    @routes.get("/metrics", response_class=PlainTextResponse, responses=problems(403))
    async def metrics(request: Request) -> Response:
        """Prometheus text: counts and times, no names. For the networks that SHARELEDGER_METRICS_FROM names."""
        if not _within(request.client.host if request.client else "", watchers):
            raise NotPermitted(
                "the metrics are not for this address",
                remedy="Ask from the machine itself, or have SHARELEDGER_METRICS_FROM name your network.",
            )
        return Response(generate_latest(REGISTRY), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return routes


def _within(host: str, networks: list[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # an IPv4 caller of a socket that takes both
    return any((mapped or address) in network for network in networks)
