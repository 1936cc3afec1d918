"""Gas an act used on the product's chain, beside the most that the packer allows it."""

from pathlib import Path

from scripts._bench import setting


def gas_told(chain: Path, after: int) -> str:
    return f"{len(setting.transactions(chain)) - after} transactions"
