"""Acts as EIP-712 typed data: the digest a key signs, and the message a wallet shows.

Domain: name "ShareLedger", version "1", the chain id, and the module the act is for as verifyingContract.
"""

from functools import cache, lru_cache
from typing import Any, Final

from ledger.domain.acts import Kind
from ledger.domain.identifiers import address_to_bytes
from ledger.domain.keccak import keccak256
from ledger.domain.values import Act, act_type

NAME: Final = "ShareLedger"
VERSION: Final = "1"
_DOMAIN_FIELDS: Final = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
_DOMAIN_TYPE: Final = f"EIP712Domain({','.join(f'{solidity} {name}' for name, solidity in _DOMAIN_FIELDS)})"


@lru_cache(maxsize=256)
def domain_separator(chain_id: int, module: str) -> bytes:
    """hashStruct(eip712Domain) for one module of one chain: 32 bytes. Raises InvalidInput on a malformed address."""
    return keccak256(
        keccak256(_DOMAIN_TYPE.encode())
        + keccak256(NAME.encode())
        + keccak256(VERSION.encode())
        + chain_id.to_bytes(32, "big")
        + bytes(12)
        + address_to_bytes(module)
    )


@cache
def type_hash(name: str) -> bytes:
    """keccak256(encodeType) of the act of that name: 32 bytes. Raises InvalidAct."""
    return keccak256(act_type(name).encoded_type.encode())


def struct_hash(act: Act) -> bytes:
    """hashStruct(act): all fields are static words, so encodeData is the act's ABI encoding."""
    return keccak256(type_hash(act.name) + act.words())


def act_digest(act: Act, chain_id: int, module: str) -> str:
    """The EIP-712 digest, 64 hex digits: what is signed, and the act's identity from then on."""
    return keccak256(b"\x19\x01" + domain_separator(chain_id, module) + struct_hash(act)).hex()


def typed_message(act: Act, chain_id: int, module: str) -> dict[str, Any]:
    """The JSON of `eth_signTypedData_v4`. uint64 fields are decimal strings: a wallet's numbers are doubles."""
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": solidity} for name, solidity in _DOMAIN_FIELDS],
            act.name: [{"name": field.typed_name, "type": field.kind.solidity} for field in act.type.fields],
        },
        "primaryType": act.name,
        "domain": {"name": NAME, "version": VERSION, "chainId": chain_id, "verifyingContract": module},
        "message": {
            field.typed_name: "0x" + word.hex() if field.kind in (Kind.CODE, Kind.DIGEST) else value
            for field, value, word in zip(act.type.fields, act.typed_json().values(), _words(act), strict=True)
        },
    }


def _words(act: Act) -> list[bytes]:
    encoded = act.words()
    return [encoded[at : at + 32] for at in range(0, len(encoded), 32)]
