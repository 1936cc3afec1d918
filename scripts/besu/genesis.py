"""Block 0 of a QBFT network with free gas (Besu: "Configure QBFT consensus", "Configure free gas networks")."""

from collections.abc import Sequence
from typing import Any, Final

import rlp  # type: ignore[import-untyped]

from scripts.besu.plan import BLOCK_GAS, Figures

MIX_HASH: Final = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"  # a BFT block, says Besu
VANITY: Final = bytes(32)
EPOCH: Final = 30_000  # blocks, after which votes on validators start anew


def genesis(figures: Figures, validators: Sequence[str]) -> dict[str, Any]:
    """`validators` are addresses. No account has a balance: gas costs nothing, so none needs any."""
    return {
        "config": {
            "chainId": figures.chain_id,
            "berlinBlock": 0,
            "londonBlock": 0,
            "shanghaiTime": 0,
            "cancunTime": 0,
            "zeroBaseFee": True,
            "qbft": {
                "blockperiodseconds": figures.block_seconds,
                "epochlength": EPOCH,
                "requesttimeoutseconds": 2 * figures.block_seconds,
            },
        },
        "nonce": "0x0",
        "timestamp": hex(figures.timestamp),
        "extraData": extra_data(validators),
        "gasLimit": hex(BLOCK_GAS),
        "difficulty": "0x1",
        "mixHash": MIX_HASH,
        "coinbase": "0x" + "00" * 20,
        "baseFeePerGas": "0x0",
        "alloc": {},
    }


def extra_data(validators: Sequence[str]) -> str:
    """RLP([32 bytes of vanity, validators in ascending order, no vote, round 0, no seals])."""
    addresses = sorted(bytes.fromhex(address.removeprefix("0x")) for address in validators)
    return "0x" + rlp.encode([VANITY, addresses, [], b"", []]).hex()


def validators_of(extra: str) -> list[str]:
    """The validators that an extraData of block 0 names. Raises ValueError for anything else."""
    try:
        vanity, addresses, vote, number, seals = rlp.decode(bytes.fromhex(extra.removeprefix("0x")))
    except (rlp.exceptions.RLPException, TypeError) as error:
        raise ValueError(f"not an extraData of QBFT: {error}") from None
    if len(vanity) != 32 or vote or number or seals or any(len(address) != 20 for address in addresses):
        raise ValueError("not the extraData of a QBFT block 0")
    return ["0x" + address.hex() for address in addresses]
