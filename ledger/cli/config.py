"""`shareledger config`: every setting and its value."""

import re

from ledger.cli.command import command, noun
from ledger.cli.output import Answer
from ledger.cli.run import Run

app = noun("Configuration 配置: show.")

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s,]*@")


@command(app, "show")
def show(run: Run) -> Answer:
    """Every setting: the value in force, the default and what it means. Credentials in addresses are not shown."""
    from ledger.settings import PREFIX, Settings, reference

    settings = Settings.load()
    rows = []
    for variable, default, meaning in reference():
        value = getattr(settings, variable.removeprefix(PREFIX).lower())
        told = None if value is None else _CREDENTIALS.sub("…@", str(value))
        rows.append({"variable": variable, "value": told, "default": default, "meaning": meaning})
    return Answer({"items": rows}, columns=("variable", "value", "meaning"))
