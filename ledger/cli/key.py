"""`shareledger key`: departments' keys, and key files of one's own."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.at_hand import NEW, key_at_hand
from ledger.cli.command import command, noun
from ledger.cli.failures import InvalidOption
from ledger.cli.fields import KEY_KIND
from ledger.cli.options import PASSPHRASE, TOKEN, option
from ledger.cli.output import Answer
from ledger.cli.reads import list_command, show_command
from ledger.cli.run import Run
from ledger.domain.acts import Custody

app = noun("Keys 密钥: enrol, retire, list, show, create, find.")

_NEW_KEY = (
    option("new_keystore", Path | None, None, help="Key file of the key to be enrolled, which signs too."),
    option("new_passphrase_file", Path | None, None, help="File with that key's passphrase, mode 0600."),
    option("new_passphrase_fd", int | None, None, help="Descriptor to read that key's passphrase from."),
    option("new_pkcs11_key", str | None, None, help="Address or label, in the token, of the key to be enrolled."),
)


def _custody(run: Run, fields: dict[str, Any], document: dict[str, Any], department: str | None) -> None:
    """A key kept by its department signs its enrolment there; one left with the host is made and signs there."""
    fields.setdefault("until", 0)
    here = key_at_hand(run, NEW) is not None
    custody = fields.setdefault("custody", int(Custody.OWN if here else Custody.HOST))
    if here != (custody == Custody.OWN):
        raise InvalidOption(
            "a key of custody own is enrolled with --new-keystore or --new-pkcs11-key, one of custody host without"
        )


act_command(
    app,
    "enrol",
    ActCommand(
        act="EnrolKey",
        route="/departments/{department}/keys",
        help=(
            "Enrol a key for a department. Without --new-keystore or --new-pkcs11-key the server makes the key and "
            "keeps it. "
            "Signed by a director of the department or of an authority above, and by the new key."
        ),
        target="department",
        target_help="Code of the department.",
        optional=frozenset({"key", "custody", "until"}),
        special={"kind": KEY_KIND},
        extra=_NEW_KEY,
        fill=_custody,
    ),
)
act_command(
    app,
    "retire",
    ActCommand(
        act="RetireKey",
        route="/keys/{key}/retirement",
        help="Retire a key for good. Signed by a director of its department or of an authority above.",
        target="key",
        target_help="Address of the key.",
    ),
)
list_command(
    app,
    "",
    ("address", "duty", "custody", "start", "until", "recovery", "retired"),
    "List a department's keys.",
    below=("department", "/departments/{department}/keys"),
)
show_command(app, "/keys/{key}", "key", "Show a key.", about="Its address.")


@command(app, "create", *PASSPHRASE, *TOKEN)
def create(
    run: Run,
    keystore: Annotated[
        Path | None, typer.Option(help="Folder for the key file; made with mode 0700 if it is not there.")
    ] = None,
    pkcs11: Annotated[bool, typer.Option("--pkcs11", help="Make it in the PKCS#11 token; it never leaves it.")] = False,
    label: Annotated[str | None, typer.Option(help="With --pkcs11: what the token is to call it.")] = None,
    generate: Annotated[
        bool, typer.Option("--generate", help="Make a passphrase and write it to --passphrase-file, a new file.")
    ] = False,
) -> Answer:
    """Make a key of one's own, in a folder here or in a token. Nothing is sent anywhere.

    Enrol it with `key enrol --new-keystore` or `--new-pkcs11-key`.
    """
    if (keystore is None) != pkcs11:
        raise InvalidOption("give either --keystore, a folder, or --pkcs11")
    if pkcs11:
        made = run.token.create(label)
        return Answer({"address": made.address, "token": run.token.label, "label": made.label})
    assert keystore is not None
    from keys.keystore import Keystore
    from keys.passphrases import generate as generated
    from keys.private_files import create_private

    if generate:
        file = run.options["passphrase_file"]
        if file is None:
            raise InvalidOption("--generate needs --passphrase-file, a file that is not there yet")
        create_private(file, generated().reveal() + b"\n")
    store = Keystore(keystore)
    address = store.create(run.passphrase(confirm=True)())
    return Answer({"address": address, "file": str(store.folder / f"{address}.json")})


@command(app, "find", *TOKEN)
def find(run: Run) -> Answer:
    """The secp256k1 keys in a PKCS#11 token. Needs no PIN."""
    rows = [{"address": key.address, "label": key.label, "id": key.id.hex()} for key in run.token.listed()]
    return Answer({"items": rows}, columns=("label", "address", "id"))
