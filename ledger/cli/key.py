"""`shareledger key`: departments' keys, and key files of one's own."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ledger.cli.acts import ActCommand, act_command
from ledger.cli.command import command, noun
from ledger.cli.failures import InvalidOption
from ledger.cli.fields import KEY_KIND
from ledger.cli.options import PASSPHRASE, option
from ledger.cli.output import Answer
from ledger.cli.reads import list_command, show_command
from ledger.cli.run import Run
from ledger.domain.acts import Custody

app = noun("Keys 密钥: enrol, retire, list, show, create.")

_NEW_KEY = (
    option("new_keystore", Path | None, None, help="Key file of the key to be enrolled, which signs too."),
    option("new_passphrase_file", Path | None, None, help="File with that key's passphrase, mode 0600."),
    option("new_passphrase_fd", int | None, None, help="Descriptor to read that key's passphrase from."),
)


def _custody(run: Run, fields: dict[str, Any], document: dict[str, Any], department: str | None) -> None:
    """A key kept by its department signs its enrolment there; one left with the host is made and signs there."""
    fields.setdefault("until", 0)
    here = run.options.get("new_keystore") is not None
    custody = fields.setdefault("custody", int(Custody.OWN if here else Custody.HOST))
    if here != (custody == Custody.OWN):
        raise InvalidOption("a key of custody own is enrolled with --new-keystore, one of custody host without it")


act_command(
    app,
    "enrol",
    ActCommand(
        act="EnrolKey",
        route="/departments/{department}/keys",
        help=(
            "Enrol a key for a department. Without --new-keystore the server makes the key and keeps it. "
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


@command(app, "create", *PASSPHRASE)
def create(
    run: Run,
    keystore: Annotated[Path, typer.Option(help="Folder for the key file; made with mode 0700 if it is not there.")],
    generate: Annotated[
        bool, typer.Option("--generate", help="Make a passphrase and write it to --passphrase-file, a new file.")
    ] = False,
) -> Answer:
    """Make a key of one's own in a folder here. Nothing is sent anywhere; enrol it with `key enrol --new-keystore`."""
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
