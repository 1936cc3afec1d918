"""Logs and metrics. Events are constant snake_case words; no key, salt, passphrase or record value ever goes in."""

import logging
import sys
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY: Final = CollectorRegistry()
ENTRIES: Final = Gauge("shareledger_entries", "entries in the read model", registry=REGISTRY)
FOLLOWED_BLOCK: Final = Gauge("shareledger_followed_block", "last followed block", registry=REGISTRY)
LAST_STEP: Final = Gauge(
    "shareledger_last_step_seconds", "unix time of a loop's last good step", ["loop"], registry=REGISTRY
)
FAILED_STEPS: Final = Counter("shareledger_failed_steps", "steps of a loop that failed", ["loop"], registry=REGISTRY)
DIVERGED: Final = Gauge("shareledger_diverged", "1 while the node contradicts final history", registry=REGISTRY)
REQUESTS: Final = Histogram(
    "shareledger_http_request_seconds", "HTTP requests", ["method", "route", "status"], registry=REGISTRY
)


def configure_logging(level: str, form: str) -> None:
    """Log lines on standard error, `form` text or json. Call once, from a program's entry."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
