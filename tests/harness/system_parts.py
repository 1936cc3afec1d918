"""Parts that come from the system, not from the locks, and the groups of tests that need them.

A test says `pytestmark = pytest.mark.needs("hsm")`. On a machine without the part its group is left out, and the run
ends with a line that says which and why; under SHARELEDGER_REQUIRE=hsm,… nothing is left out, and a part that is
missing fails the run before it begins. `scripts/system-packages` installs them on Debian.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

REQUIRE = "SHARELEDGER_REQUIRE"
_SOFTHSM = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)


def softhsm() -> Path | None:
    """SoftHSM2's PKCS#11 library, if it is installed."""
    return next((Path(path) for path in _SOFTHSM if Path(path).exists()), None)


def _no_hsm() -> str | None:
    if softhsm() is None:
        return "no SoftHSM2 library (Debian: softhsm2)"
    return None if shutil.which("softhsm2-util") else "no softhsm2-util (Debian: softhsm2)"


def _no_browser() -> str | None:
    for names, package in ((("chromium", "google-chrome"), "chromium"), (("chromedriver",), "chromium-driver")):
        if not any(shutil.which(name) for name in names):
            return f"no {' or '.join(names)} (Debian: {package})"
    fonts = shutil.which("fc-list")
    listed = subprocess.run([fonts, ":lang=zh"], capture_output=True, check=False).stdout if fonts else b""
    return None if listed.strip() else "no fonts with Chinese characters (Debian: fonts-noto-cjk)"


def spark_python() -> Path:
    """The Python that has Spark beside the product; scripts/test brings it where there is a Java to run it."""
    return Path(__file__).parents[2] / ".venv-tools" / "spark" / "bin" / "python"


def _no_java() -> str | None:
    java = shutil.which("java")
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr if java else ""
    version = re.search(r' version "(\d+)', told)
    if version is None or int(version[1]) < 17:
        return "no java 17 or later (Debian: openjdk-17-jre-headless)"
    return None if spark_python().exists() else "no Spark in .venv-tools (./scripts/test brings it)"


MISSING: Mapping[str, Callable[[], str | None]] = {"hsm": _no_hsm, "browser": _no_browser, "java": _no_java}
"""By group: what of its system parts is not there; None if all are."""


def required() -> set[str]:
    """The groups that SHARELEDGER_REQUIRE names. Raises ValueError for one that does not exist."""
    names = {name.strip() for name in os.environ.get(REQUIRE, "").split(",")} - {""}
    if unknown := names - MISSING.keys():
        raise ValueError(f"{REQUIRE} names {', '.join(sorted(unknown))}; the groups are {', '.join(MISSING)}")
    return names


def check_required() -> None:
    """Raises ValueError naming every required part that is missing."""
    missing = {group: why for group in sorted(required()) if (why := MISSING[group]())}
    if missing:
        told = "; ".join(f"{group}: {why}" for group, why in missing.items())
        raise ValueError(f"{REQUIRE} asks for parts that are missing: {told}. Run ./scripts/system-packages.")


# ---- what pytest calls; tests/conftest.py hands it on ----------------------------------------------------------------

LEFT_OUT = pytest.StashKey[dict[str, tuple[int, str]]]()  # group → how many tests, why


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(group): the group of system parts a test needs: hsm, browser, java")
    try:
        check_required()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this machine lacks the parts for; what is required is known to be there."""
    groups = {item: {mark.args[0] for mark in item.iter_markers("needs")} for item in items}
    lacking = {group: why for group in set().union(*groups.values()) if (why := MISSING[group]())}
    left_out = [item for item in items if groups[item] & lacking.keys()]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not groups[item] & lacking.keys()]
    numbers = Counter(group for item in left_out for group in groups[item] & lacking.keys())
    config.stash[LEFT_OUT] = {group: (number, lacking[group]) for group, number in sorted(numbers.items())}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for group, (number, why) in config.stash.get(LEFT_OUT, {}).items():
        terminalreporter.write_line(f"left out: {number} tests of the group {group}: {why}", yellow=True)
