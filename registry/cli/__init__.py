"""The command ``kezheng``: every command takes ``--json`` and ``--home DIR``, also after the subcommand."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from typer.exceptions import Abort, TyperException
from typer.main import get_command

from certs.errors import KezhengError
from certs.wording import words
from registry.cli.commands import app
from registry.cli.console import (
    INTERNAL_EXIT,
    STOPPED_EXIT,
    USAGE_EXIT,
    CommandLine,
    error_words,
    exit_code_of,
    report_error,
)

log = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code."""
    # What is loaded by now stays to the end: leave it out of every later collection.
    gc.freeze()
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run one command; the exit code. 64 is wrong usage, 70 a failure of the program itself, 130 a stop by the user."""
    command_line = CommandLine("--json" in arguments, None)
    try:
        command_line, rest = split_common_options(arguments)
        result = get_command(app).main(rest, prog_name="kezheng", standalone_mode=False, obj=command_line)
        return result if isinstance(result, int) else 0
    except TyperException as error:
        # Without a command the message is the whole help; its first line says how to go on.
        message = error.format_message().strip().split("\n")[0]
        report_error(command_line, "usage", words("error", "usage", message=message))
        return USAGE_EXIT
    except KezhengError as error:
        report_error(command_line, error.code, error_words(error))
        return exit_code_of(error)
    except (Abort, KeyboardInterrupt):
        return STOPPED_EXIT
    except Exception:
        log.exception("command failed")
        report_error(command_line, "internal", words("error", "internal"))
        return INTERNAL_EXIT


def split_common_options(arguments: Sequence[str]) -> tuple[CommandLine, list[str]]:
    """``--json`` and ``--home DIR`` from anywhere before ``--``, and the remaining arguments in their order."""
    as_json, home, rest = False, None, []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument == "--json":
            as_json = True
        elif argument == "--home":
            home = next(waiting, "")
            if not home:
                raise KezhengError("usage", message="--home needs a folder")
        elif argument.startswith("--home="):
            home = argument.removeprefix("--home=")
        else:
            rest.append(argument)
    return CommandLine(as_json, Path(home) if home else None), rest
