"""What commands print: JSON or aligned text on standard output, progress on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click

from cash.faults import Fault

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

# One colour for each decision, the same wherever a verdict is shown.
DECISION_COLOURS = {"allow": "green", "rewrite": "cyan", "ask": "yellow", "deny": "red"}


def print_json(value: Any) -> None:
    """One JSON value: on one line and in ASCII for programs (a line of an agent's may hold bytes
    that are no UTF-8), indented on a person's terminal."""
    print_text(json.dumps(value, indent=2 if sys.stdout.isatty() else None))


def print_text(text: str = "") -> None:
    """A line of text. Fault when it cannot be written; BrokenPipeError when nobody reads on."""
    with told_plainly():
        click.echo(text, color=shows_colour())


def write_raw(text: str) -> None:
    """Text as it is, colours and all. Fault when it cannot be written."""
    with told_plainly():
        sys.stdout.write(text)


def flush_output() -> None:
    """A full disk may show only here; it must not be lost in the interpreter's shutdown."""
    with told_plainly():
        sys.stdout.flush()


@contextlib.contextmanager
def told_plainly() -> Iterator[None]:
    """What writes to standard output raises Fault where that cannot be written."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as fault:
        raise Fault(f"standard output cannot be written: {fault.strerror}") from fault


def style(text: str, **how: Any) -> str:
    """`text` in a style, where standard output shows one."""
    return click.style(text, **how) if shows_colour() else text


def shows_colour() -> bool:
    """Colour is for terminals, and for those who did not say no (https://no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and sys.stdout.isatty()


def print_columns(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under their heads, aligned, two spaces apart; nothing at all for no rows."""
    if not rows:
        return
    widths = [max(len(row[place]) for row in (heads, *rows)) for place in range(len(heads))]
    for number, row in enumerate((heads, *rows)):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        line = "  ".join(cells).rstrip()
        print_text(style(line, bold=True) if number == 0 else line)


def one_line(text: str) -> str:
    """Text of others on one line, without what would move a terminal's cursor."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


@contextlib.contextmanager
def progress(doing: str | Callable[[], str]) -> Iterator[None]:
    """Says what is going on (asked anew each time, where it is a call), and since when, once it
    takes over a second; on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    done = threading.Event()
    teller = threading.Thread(target=_tell, args=(doing, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()


def _tell(doing: str | Callable[[], str], done: threading.Event) -> None:
    began = time.monotonic()
    told = False
    while not done.wait(1.0):
        told = True
        words = doing if isinstance(doing, str) else doing()
        sys.stderr.write(f"\r\x1b[K{words} … {time.monotonic() - began:.0f} s")
        sys.stderr.flush()
    if told:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
