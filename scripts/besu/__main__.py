"""The command line: ./scripts/besu/generate --out DIR"""

import argparse
import json
import os
import re
import secrets
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coincurve import PrivateKey

from keys.private_files import create_private
from scripts.besu import compose, nodes
from scripts.besu.genesis import genesis
from scripts.besu.plan import FEWEST, IMAGE, CannotPlan, Figures, Places, Validator, folder_of


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    directory = Path(os.path.abspath(Path(os.environ.get("CALLED_FROM", "."), options.out)))
    try:
        figures = Figures(options.chain_id, options.block_seconds, int(time.time()))
        places = Places.of(options.validators, _listed(options.hosts), options.subnet)
        accounts = [_account(one) for one in _listed(options.accounts)]
        if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
            raise CannotPlan(f"{directory} is in use: --out wants a folder that is empty or not there yet")
        validators = write(directory, figures, places, accounts, options.image)
    except (CannotPlan, OSError) as error:
        print(f"besu: {error}", file=sys.stderr)
        return 2
    told = {"out": str(directory), "chain_id": figures.chain_id, "validators": [one.address for one in validators]}
    print(json.dumps(told))
    return 0


def write(
    directory: Path, figures: Figures, places: Places, accounts: Sequence[str], image: str
) -> tuple[Validator, ...]:
    """Make the keys and write every file. What holds a key is readable by its owner only."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    validators = tuple(_validator(directory, place, host) for place, host in enumerate(places.hosts, 1))
    _json(directory / "genesis.json", genesis(figures, [validator.address for validator in validators]))
    for validator in validators:
        folder = folder_of(directory, validator)
        (folder / "config.toml").write_text(nodes.toml(nodes.settings(validator, places, accounts)))
        (folder / "data/static-nodes.json").write_text(nodes.static_nodes(validators))
        (folder / "data/permissions_config.toml").write_text(nodes.permissions(validators, accounts))
        (folder / "address").write_text(validator.address + "\n")
        if places.subnet is None:
            _json(folder / "compose.yaml", compose.alone(validator, image))
        if os.getuid() == 0:  # containers run as the image's own user, never as root
            for path in (folder / "data", *(folder / "data").iterdir()):
                os.chown(path, *compose.owner())
    if places.subnet is not None:
        _json(directory / "compose.yaml", compose.together(validators, places, image))
    return validators


def _validator(directory: Path, place: int, host: str) -> Validator:
    """Its key exists in its data folder and nowhere else."""
    key = PrivateKey(secrets.token_bytes(32))
    validator = Validator(f"validator-{place}", host, key.public_key.format(compressed=False)[1:])
    data = folder_of(directory, validator) / "data"
    data.mkdir(mode=0o700, parents=True)
    create_private(data / "key", f"0x{key.secret.hex()}\n".encode())
    return validator


def _json(path: Path, content: dict[str, Any]) -> None:
    """Also a compose file: YAML is a superset of JSON."""
    path.write_text(json.dumps(content, indent=2) + "\n")


def _listed(given: str) -> tuple[str, ...]:
    return tuple(one.strip() for one in given.split(",") if one.strip())


def _account(given: str) -> str:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", given):
        raise CannotPlan(f"{given} is not the address of an account")
    return given.lower()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./scripts/besu/generate",
        description="Writes genesis, keys, settings and compose files of a Hyperledger Besu network under QBFT, with "
        "free gas. The keys are made here; each lies in its validator's data folder in DIR, and in no repository.",
        epilog="Exit codes: 0 written, 2 not. See scripts/besu/README.md.",
    )
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="empty, or not there yet")
    parser.add_argument("--validators", metavar="N", type=int, default=FEWEST, help=f"{FEWEST} or more")
    parser.add_argument(
        "--hosts", metavar="IP,…", default="", help="a machine for each validator; without: all in containers of one"
    )
    parser.add_argument("--subnet", metavar="CIDR", default="10.77.0.0/24", help="of the containers, without --hosts")
    parser.add_argument("--chain-id", metavar="N", type=int, default=20250801)
    parser.add_argument("--block-seconds", metavar="N", type=int, default=1, help="between two blocks")
    parser.add_argument(
        "--accounts", metavar="0x…,…", default="", help="couriers that may send; without: any account may"
    )
    parser.add_argument("--image", default=IMAGE, help=f"default {IMAGE}; name it with its digest in production")
    return parser


if __name__ == "__main__":
    sys.exit(main())
