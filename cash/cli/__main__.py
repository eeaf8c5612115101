"""The edge: every error ends here as one line, a hint and an exit code (docs/exit-codes.md)."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn

from cash.faults import USAGE, Fault, UsageFault

if TYPE_CHECKING:
    import click

_INTERRUPTED = 130
_BROKEN_PIPE = 141
COMPLETION_VARIABLE = "_POLIS_COMPLETE"


def main(argv: Sequence[str]) -> int:
    """Runs one command line; its exit code."""
    try:
        return _run(argv)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except Fault as fault:
        _drop_output()
        return _tell(fault)
    except Exception as fault:
        _drop_output()
        return _tell(_as_fault(fault))


def _run(argv: Sequence[str]) -> int:
    if argv[:1] == ["git"] and argv[1:2] != ["--help"] and COMPLETION_VARIABLE not in os.environ:
        from cash.hub.own_git import run_git  # click alone takes longer than most gits

        return run_git(argv[1:])
    import click

    from cash.cli.cash import command as cash
    from cash.cli.commands import polis
    from cash.cli.printing import flush_output, told_plainly

    if sys.stdout is None:
        raise Fault("standard output is closed", hint="redirect it to /dev/null instead")
    if asked := os.environ.get(COMPLETION_VARIABLE):
        return _complete(asked)
    try:
        # Not main() of click: it answers a broken pipe and an interrupt in ways of its own.
        program, words = (polis, argv) if argv[:1] != ["cash"] else (cash, argv[1:])
        with told_plainly():  # click writes help and version itself while it reads the words
            context = program.make_context(program.name, list(words))
        with context:
            status = program.invoke(context)
    except click.exceptions.Exit as done:
        status = done.exit_code
    except click.exceptions.NoArgsIsHelpError as fault:
        click.echo(fault.format_message(), err=True)
        return USAGE
    except click.UsageError as fault:
        return _tell(UsageFault(_lowered(fault.format_message()), hint=_what_to_type(fault)))
    except click.Abort as fault:
        raise KeyboardInterrupt from fault
    flush_output()
    return status if isinstance(status, int) else 0


def _complete(asked: str) -> int:
    """Says nothing where it cannot help: whatever is printed lands in the line being typed."""
    from click.shell_completion import shell_complete

    from cash.cli.commands import polis

    with contextlib.suppress(Exception):
        return shell_complete(polis, {}, "polis", COMPLETION_VARIABLE, asked)
    return 0


def _what_to_type(fault: click.UsageError) -> str | None:
    """The help of what was called; where words are missing, a whole example before it."""
    if fault.ctx is None:
        return None
    from click import MissingParameter

    help_ = f"{fault.ctx.command_path} --help"
    examples = getattr(fault.ctx.command, "examples", ())
    is_short = isinstance(fault, MissingParameter)
    return f"{examples[0]} ({help_} says more)" if is_short and examples else help_


def _lowered(message: str) -> str:
    """click's sentences as ours: no capital, no full stop, on one line."""
    text = " ".join(message.split()).rstrip(".").replace(". Did you mean", "; did you mean")
    return text[:1].lower() + text[1:]


def _drop_output() -> None:
    """What could not be written is not written again at exit (no second complaint)."""
    if sys.stdout is not None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)


def _tell(fault: Fault) -> int:
    try:
        # A policy may be wrong in several places.
        for one in (fault, *getattr(fault, "more", ())):
            sys.stderr.write(f"polis: {one.message}\n")
            if one.hint:
                sys.stderr.write(f"hint: {one.hint}\n")
        sys.stderr.flush()
    except (AttributeError, OSError):
        pass  # nobody listens; the exit code still speaks
    return fault.status


def _as_fault(error: Exception) -> Fault:
    """An error nobody foresaw: one line that names the file with the traceback."""
    if isinstance(error, OSError) and error.strerror:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
    log = _write_traceback(error, error.__traceback__)
    return Fault(what, hint=f"the details are in {log}" if log else None)


def _write_traceback(error: BaseException, trace: TracebackType | None) -> Path | None:
    # Imported here: what goes wrong is rare, and each command line would pay for it.
    import traceback

    from cash.places import find_places

    try:
        folder = find_places(os.environ).state / "log"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
        path.write_text("".join(traceback.format_exception(type(error), error, trace)))
    except (OSError, Fault):
        return None
    return path


def run() -> NoReturn:
    """Ends the process with the command's exit code."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
