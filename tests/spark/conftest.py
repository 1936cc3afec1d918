"""A Spark of its own for these tests: a master, two workers and their executors, on this machine only."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.system_parts import spark_python

ROOT = Path(__file__).parents[2]
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto"
SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": SHORT_LIVED,
    "spark.driver.memory": "1g",
    "spark.executor.extraJavaOptions": SHORT_LIVED,
    "spark.executor.memory": "1g",
    "spark.executorEnv.PYTHONPATH": str(ROOT),
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}


@pytest.fixture(scope="package")
def spark_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Spark's programs in a folder where it may also write; while it is there, Spark can be imported."""
    packages = spark_python().parents[1] / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    home = tmp_path_factory.mktemp("spark")
    for part in ("bin", "jars", "sbin"):
        (home / part).symlink_to(packages / "pyspark" / part)
    interrupted = signal.getsignal(signal.SIGINT)  # Spark takes it for itself
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(packages))
        sys.path.append(sys.path.pop(0))  # the product's own packages come first
        patch.setenv("SPARK_HOME", str(home))
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.setenv("SPARK_LOCAL_DIRS", str(home / "local"))
        patch.setenv("PYSPARK_PYTHON", str(spark_python()))
        patch.setenv("PYSPARK_DRIVER_PYTHON", sys.executable)
        for name in [each for each in os.environ if each.startswith("SHARELEDGER_")]:
            patch.delenv(name)
        yield home
    signal.signal(signal.SIGINT, interrupted)


@pytest.fixture(scope="package")
def started(spark_home: Path) -> Iterator[Any]:
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    building: Any = SparkSession.builder
    session = building.master("local-cluster[2,1,1024]").config(map=SETTINGS).getOrCreate()
    try:
        yield session
    finally:
        session.stop()
        gateway: Any = SparkContext._gateway
        SparkContext._gateway = SparkContext._jvm = None
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=60)


@pytest.fixture
def spark(started: Any) -> Iterator[Any]:
    """The session, with the settings it had before."""
    yield started
    for name in ("spark.sql.shuffle.partitions", "spark.sql.session.timeZone"):
        started.conf.set(name, SETTINGS[name])
    started.catalog.clearCache()
