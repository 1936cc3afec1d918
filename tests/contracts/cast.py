"""Who can sign in the differential test: account keys that follow from their names, and wallets with their stand-ins.

What a wallet contract would answer is said again here in Python, so that the model can be asked without a chain.
"""

from dataclasses import dataclass, field
from typing import Any

import coincurve
from eth_abi.abi import encode
from eth_hash.auto import keccak

from keys.errors import InvalidSigning
from keys.signer import recover
from ledger.domain.acts import Duty, KeyKind
from tests.contracts.signing import Hand
from tests.contracts.solidity import bytecode_for_tests
from tests.contracts.world import World

SPARE_HANDS = 160
SPARE_WALLETS = 12
SPARE_MODULES = 4


@dataclass(frozen=True)
class Wallet:
    """`OwnerWallet` if it has an owner, else a `HostileWallet` that says yes, or always answers junk."""

    owner: Hand | None
    good: bool = True

    def accepts(self, digest: bytes, signature: bytes) -> bool:
        if self.owner is None:
            return self.good
        return len(signature) >= 65 and _ecrecover(digest, signature[:65]) == self.owner.address


def _ecrecover(digest: bytes, signature: bytes) -> str | None:
    """The precompile at address 1: unlike our own rule it takes s in the upper half."""
    if signature[64] not in (27, 28):
        return None
    try:
        key = coincurve.PublicKey.from_signature_and_message(
            signature[:64] + bytes([signature[64] - 27]), digest, hasher=None
        )
    except Exception:  # the library raises bare Exception for what no key signed
        return None
    return "0x" + keccak(key.format(compressed=False)[1:])[12:].hex()


@dataclass
class Cast:
    world: World
    hands: dict[str, Hand] = field(default_factory=dict)  # by address
    wallets: dict[str, Wallet] = field(default_factory=dict)  # by address
    spares: list[str] = field(default_factory=list)  # addresses of both sorts that are enrolled nowhere yet
    modules: list[str] = field(default_factory=list)  # contracts that may be admitted later

    @classmethod
    def gather(cls, world: World) -> "Cast":
        """Deploys wallets and modules, and enrols the first wallets. `world` is populated."""
        cast = cls(world)
        names = [f"{code}.{duty}" for code in _CODES for duty in ("director", "second", "lead", "officer")]
        for name in [*names, *(f"spare.{number}" for number in range(SPARE_HANDS))]:
            hand = Hand(name)
            cast.hands[hand.address] = hand
            if name.startswith("spare."):
                cast.spares.append(hand.address)
        cast._enrol_wallet("STAT.board", Duty.DIRECTOR, Wallet(Hand("STAT.board")))
        cast._enrol_wallet("FUND.yes", Duty.LEAD, Wallet(None))
        junk = cast._enrol_wallet("TOWN.junk", Duty.DIRECTOR, Wallet(None))
        turn = keccak(b"turn(uint8,address,bytes)")[:4] + encode(["uint8", "address", "bytes"], [1, junk, b""])
        world.chain.send(junk, turn)
        cast.wallets[junk] = Wallet(None, good=False)
        owned = [cast._deploy_wallet(Wallet(Hand(f"owner.{number}"))) for number in range(SPARE_WALLETS)]
        cast.spares[10:10] = owned[: SPARE_WALLETS // 2]
        cast.spares[60:60] = owned[SPARE_WALLETS // 2 :]
        journal = encode(["address"], [world.modules["Journal"]])
        cast.modules = [cast._deploy(bytecode_for_tests()["Greeter"] + journal) for _ in range(SPARE_MODULES)]
        return cast

    def _deploy(self, creation: bytes) -> str:
        address: str = self.world.chain.send(None, creation)["contractAddress"]
        return address

    def _deploy_wallet(self, wallet: Wallet) -> str:
        if wallet.owner is None:
            address = self._deploy(bytecode_for_tests()["HostileWallet"])
        else:
            address = self._deploy(bytecode_for_tests()["OwnerWallet"] + encode(["address"], [wallet.owner.address]))
        self.wallets[address] = wallet
        return address

    def _enrol_wallet(self, name: str, duty: Duty, wallet: Wallet) -> str:
        address = self._deploy_wallet(wallet)
        self.world.wallets[name] = address
        self.world.enrol(name, by=f"{name.split('.')[0]}.director", kind=KeyKind.CONTRACT, duty=duty)
        return address

    def kind_of(self, address: str) -> KeyKind:
        return KeyKind.CONTRACT if address in self.wallets else KeyKind.ACCOUNT

    def sign(self, address: str, digest: str) -> bytes:
        """A good signature of that key over a digest of 64 hex digits; 65 bytes of nothing from a key nobody holds."""
        wallet = self.wallets.get(address)
        hand = wallet.owner if wallet else self.hands.get(address)
        return hand.sign(bytes.fromhex(digest)) if hand else b"\x01" * 65

    def signed(self, address: str, kind: int, digest: str, signature: bytes) -> bool:
        """Whether the contracts take the signature for this key's: what `Circumstances` asks."""
        raw = bytes.fromhex(digest)
        if kind == KeyKind.CONTRACT:
            return address in self.wallets and self.wallets[address].accepts(raw, signature)
        try:
            return recover(raw, signature) == address
        except InvalidSigning:
            return False

    def code_hash(self, address: str) -> str:
        """EXTCODEHASH, of which JSON-RPC knows nothing: zero for an account that does not exist."""
        ask: Any = self.world.chain
        code = bytes.fromhex(ask("eth_getCode", address, "latest")[2:])
        used = int(ask("eth_getBalance", address, "latest"), 16) + int(
            ask("eth_getTransactionCount", address, "latest"), 16
        )
        return keccak(code).hex() if code or used else "00" * 32


_CODES = ("LUAN", "BUREAU", "STAT", "FUND", "JUDGE", "COUNTY", "TOWN")
