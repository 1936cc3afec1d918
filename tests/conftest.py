"""What every test leaves behind as it found it."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A program's entry configures logging for its own streams, which are gone after the test."""
    yield
    structlog.reset_defaults()
