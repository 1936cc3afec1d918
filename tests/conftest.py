"""What every test leaves behind as it found it, the databases it may run on, and the system parts some need."""

from collections.abc import Iterator

import pytest
import structlog

from tests.harness.databases import (  # noqa: F401 (fixtures)
    database,
    databases,
    empty_database,
    kind,
    migrated_file,
    migrated_template,
    postgresql,
    shared_database,
    sqlite_file,
)
from tests.harness.postgres import postgres  # noqa: F401 (a fixture)
from tests.harness.s3 import bucket, s3_proxy, s3_server  # noqa: F401 (fixtures)
from tests.harness.system_parts import (  # noqa: F401 (hooks)
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_terminal_summary,
)
from tests.harness.tokens import office_token, token_folder  # noqa: F401 (fixtures)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A program's entry configures logging for its own streams, which are gone after the test."""
    yield
    structlog.reset_defaults()
