"""The same demonstration on a chain that is not ours: a Hardhat node, known by its address."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.e2e.test_demo import DEMO, MEMBERS, VILLAGES, environment
from tests.harness.nodes import CHAIN_ID, real_node

pytestmark = pytest.mark.timeout(420)


def test_the_whole_story_on_a_hardhat_node(tmp_path: Path) -> None:
    with real_node("hardhat") as node:
        played = subprocess.run(
            [DEMO, "--json", "--node", node.url, "--keep", "kept"],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert played.returncode == 0, played.stderr
        result = json.loads(played.stdout)
        assert int(node("eth_blockNumber"), 16) > 50
    assert result.keys() == MEMBERS and result["ok"] is True
    assert result["records"] == VILLAGES and result["entries"] > 200
    assert result["verified"] == {"table": True, "record": True, "on_chain": True}
    assert result["shares"] == {"agreed": 2, "granted": 1}
    assert result["tampered"] == {"detected": True, "record_index": 215_674}
    assert result["refusals"] == ["departments-key-retired", "no-share", "share-expired"]
    assert result["audit"]["clean_findings"] == 0 and result["audit"]["head_matches"] is True
    assert len(result["audit"]["tamper_findings"]) == 2
    assert json.loads((tmp_path / "kept/manifest.json").read_text())["chain_id"] == CHAIN_ID
    assert not (tmp_path / "kept/chain").exists(), "no local chain was made"
