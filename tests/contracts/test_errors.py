"""No custom error is declared and never given."""

from tests.contracts.world import ALL_ERRORS, REACHED


def test_every_error_was_reached() -> None:
    assert {name for name, _ in ALL_ERRORS} - REACHED == set()
