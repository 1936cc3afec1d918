"""What the host signs with."""

from pathlib import Path

import pytest

from keys.keyring import Keyring
from keys.keystore import Keystore
from keys.passphrases import Passphrase
from ledger.errors import NotPermitted
from ledger.host import HostSignatures


async def test_the_courier_is_kept_here_and_signs_no_act(tmp_path: Path) -> None:
    """Its address is on every transaction: else anyone could have it enrolled as their own key."""
    passphrase = Passphrase("六安市 correct horse")
    keystore = Keystore(tmp_path / "keystore", cost=16)
    officer, courier = keystore.create(passphrase), keystore.create(passphrase)
    host = HostSignatures(Keyring(keystore, lambda: passphrase), apart=(courier,))
    assert host.holds(officer) and not host.holds(courier) and not host.holds(courier.upper().replace("0X", "0x"))
    assert host.recovers(officer, bytes(32), (await host.sign(officer, [bytes(32)]))[0])
    with pytest.raises(NotPermitted, match="not kept here"):
        await host.sign(courier, [bytes(32)])
