"""polis write: change one file of an agent's tree as a tool does, under the file's lock."""

from __future__ import annotations

import sys
from typing import Any

import click

from cash.cli.calls import agent_argument, ask
from cash.cli.printing import json_option, one_line, print_json, print_text
from cash.cli.table import command as make_command
from cash.faults import UsageFault

_DONE = {
    "write": "written",
    "append": "appended to",
    "replace": "replaced in",
    "delete": "deleted",
    "move": "moved",
}


@make_command(
    "polis write alice notes.txt <notes.txt",
    "date | polis write alice log.txt --append",
    "polis write alice src/cart.py --replace 'limit = 3' --with 'limit = 5'",
    "polis write alice src/cart.py --move src/basket.py",
    "polis write alice src/basket.py --delete",
    name="write",
)
@agent_argument
@click.argument("path", metavar="PATH")
@click.option("--append", is_flag=True, help="Put standard input behind what is there.")
@click.option("--replace", metavar="OLD", help="Put the text of --with where OLD stands, once.")
@click.option("--with", "new", metavar="NEW", help="What stands there instead.")
@click.option("--delete", is_flag=True, help="Delete the file.")
@click.option("--move", metavar="TO", help="Give the file another name, one that nothing has.")
@json_option
def command(
    name: str,
    path: str,
    append: bool,
    replace: str | None,
    new: str | None,
    delete: bool,
    move: str | None,
    as_json: bool,
) -> None:
    """Change the file PATH in the tree of the agent NAME, as one step and under the file's lock.

    PATH is from where you stand, in that tree or in your own checkout. Without an option the file
    gets what is on standard input. The rules judge it as any write of the agent's.
    """
    from cash.guard.by_polisd import pack_call
    from cash.guard.change import Order

    change = read_change(append=append, replace=replace, new=new, delete=delete, move=move)
    done = ask("writing", "files.write", agent=name, **pack_call(Order(path, change)))
    if as_json:
        print_json(done)
    else:
        print_text(_tell(done))


def read_change(
    *, append: bool, replace: str | None, new: str | None, delete: bool, move: str | None
) -> Any:
    """The change that the options ask for. UsageFault when that is not one."""
    from cash.guard import change

    if sum((append, replace is not None, delete, move is not None)) > 1:
        raise UsageFault("say one thing: --append, --replace, --delete or --move")
    if (replace is None) != (new is None):
        raise UsageFault("--replace and --with go together")
    if replace is not None and new is not None:
        return change.Replace(_encode(replace), _encode(new))
    if delete:
        return change.Delete()
    if move is not None:
        return change.Move(move)
    content = _read_input()
    return change.Append(content) if append else change.Write(content)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _read_input() -> bytes:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageFault(
            "there is nothing on standard input", hint="polis write alice notes.txt <notes.txt"
        )
    return sys.stdin.buffer.read()


def _tell(done: dict[str, Any]) -> str:
    path, word = one_line(done["path"]), _DONE[done["change"]]
    if done["from"] is not None:
        return f"{word}: {one_line(done['from'])} is {path}"
    if done["before"] == done["after"]:
        return f"{path} is as it was"
    return f"{word}: {path}"
