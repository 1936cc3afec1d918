"""From a plain function to a console command: shared options, one answer printed, errors told, exit codes.

The function takes a `Run` and its own parameters and returns an `Answer`, or None if there is nothing to print.
"""

import inspect
import os
from collections.abc import Callable, Sequence
from typing import Any, Final

import typer

from ledger.cli.failures import (
    FAILED,
    GOOD,
    INTERRUPTED,
    Internal,
    InvalidOption,
    UnreadableFile,
    exit_code,
    problem_of,
)
from ledger.cli.options import COMMON
from ledger.cli.output import Answer, Output
from ledger.cli.run import Run, Surroundings
from ledger.cli.texts import Lang, lang_of
from ledger.errors import ShareLedgerError

Work = Callable[..., Answer | None]
_CONTEXT: Final = inspect.Parameter("context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)


def command(app: typer.Typer, verb: str, *shared: inspect.Parameter, help: str | None = None) -> Callable[[Work], Work]:
    """Register a function as a command with these shared options besides --json, --lang and --debug."""

    def register(work: Work) -> Work:
        own = list(inspect.signature(work).parameters.values())[1:]
        extra = [*shared, *COMMON]
        parameters = [_CONTEXT, *(each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in [*own, *extra])]
        names = {parameter.name for parameter in extra}

        def called(context: typer.Context, **given: Any) -> None:
            options = {name: given.pop(name) for name in names}
            surroundings = context.obj if isinstance(context.obj, Surroundings) else Surroundings()
            raise typer.Exit(perform(work, given, options, surroundings))

        called.__doc__ = help or inspect.getdoc(work)
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        app.command(verb)(called)
        return work

    return register


def perform(work: Work, given: dict[str, Any], options: dict[str, Any], surroundings: Surroundings) -> int:
    """Run it, print what comes of it, and say which exit code that is."""
    out = Output(as_json=options["json"], lang=_lang(options["lang"]))
    run = Run(out, options, surroundings)
    try:
        if options["lang"] not in (None, "zh", "en"):
            raise InvalidOption(f"--lang is zh or en, not {options['lang']!r}")
        answer = work(run, **given)
        if answer is None:
            return GOOD
        out.answer(answer)
        return GOOD if answer.passed else FAILED
    except KeyboardInterrupt:
        out.say("interrupted")
        return INTERRUPTED
    except Exception as error:
        if options["debug"]:
            raise
        known = _known(error)
        out.problem(problem_of(known))
        return exit_code(known)
    finally:
        run.close()


def _known(error: Exception) -> Any:
    """An error that has a code, a title and a next step: this one, or what it means."""
    from keys.errors import KeysError

    if isinstance(error, ShareLedgerError | KeysError):
        return error
    if isinstance(error, OSError) and error.filename is not None:
        return UnreadableFile(f"{error.filename}: {error.strerror}")
    return Internal(f"{type(error).__name__} in {_place(error)}")


def _place(error: Exception) -> str:
    """Module and line an error came from; its message may hold what no log should."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return "unknown"
    return f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"


def _lang(asked: str | None) -> Lang:
    if asked in ("zh", "en"):
        return "zh" if asked == "zh" else "en"
    return lang_of(os.environ)


def noun(help: str) -> typer.Typer:
    """The group of one noun's verbs."""
    return typer.Typer(help=help, no_args_is_help=True, add_completion=False)


def taking(work: Any, parameters: Sequence[inspect.Parameter]) -> None:
    """Say which parameters a function of **given takes besides its Run: commands built from tables need signatures."""
    run = inspect.Parameter("run", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Run)
    work.__signature__ = inspect.Signature([run, *parameters])
