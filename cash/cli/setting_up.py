"""Making an agent's tree ready: shown, agreed to once, then files and commands."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import click

from cash.cli.asking import answers_yes, can_ask
from cash.cli.calls import ask
from cash.cli.measures import size
from cash.cli.printing import one_line
from cash.cli.work import counted, tell
from cash.faults import Fault

_MOST_FILES = 20


def set_up(name: str, *, yes: bool) -> dict[str, Any] | None:
    """What was done: {copied, skipped, ran}; None when nobody has agreed to it, which is told.
    yes: the user agrees. Raises Fault with a failed command's status; the agent stays."""
    found = ask("reading the setup", "setup.look")
    if not found["commands"] and not found["files"]:
        return {"copied": [], "skipped": {}, "ran": 0}
    if not found["consented"]:
        _show(found)
        asked = not yes and can_ask()
        if not (yes or (asked and answers_yes(f"Set up new agents like {name} so?"))):
            tell(f"{name} is not set up: nobody has agreed to that yet")
            click.echo(f"hint: polis agents setup {name} --yes", err=True)
            return None
        ask("agreeing", "setup.consent", sha256=found["sha256"])
    begun = ask("copying files", "setup.begin", agent=name, sha256=found["sha256"])
    _tell_copied(found, begun)
    ran = _run(name, begun["commands"])
    return {"copied": begun["copied"], "skipped": begun["skipped"], "ran": ran}


def _show(found: dict[str, Any]) -> None:
    if found["files"]:
        click.echo("files that an agent's tree gets (.worktreeinclude):", err=True)
        for file in found["files"][:_MOST_FILES]:
            mark = "  may hold secrets" if file["secret"] else ""
            click.echo(f"  {one_line(file['path'])}  {size(file['bytes'])}{mark}", err=True)
        if len(found["files"]) > _MOST_FILES:
            click.echo(f"  … {len(found['files']) - _MOST_FILES} more files", err=True)
    if found["commands"]:
        click.echo("commands that are run in it, inside its walls (setup):", err=True)
        for line in found["commands"]:
            click.echo(f"  {one_line(line)}", err=True)


def _tell_copied(found: dict[str, Any], begun: dict[str, Any]) -> None:
    secret = {file["path"] for file in found["files"] if file["secret"]}
    copied = [one_line(path) for path in begun["copied"]]
    if copied:
        told = [f"{path} (may hold secrets)" for path in copied if path in secret]
        rest = len(copied) - len(told)
        told += [counted(rest, "other file" if told else "file")] if rest else []
        tell(f"copied: {', '.join(told)}")
    for path, why in begun["skipped"].items():
        tell(f"not copied: {one_line(path)}: {one_line(why)}")


def _run(name: str, commands: list[str]) -> int:
    """How many commands ran. What they print goes to standard error: standard output is for the
    answer."""
    for number, line in enumerate(commands, 1):
        tell(f"{name}: {one_line(line)}")
        words = [sys.executable, "-I", "-m", "cash.cli", "shell", name, "-c", line]
        status = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode
        if status:
            ask("telling the journal", "setup.ended", agent=name, status=status, ran=number)
            fault = Fault(
                f"the setup of {name} failed: {one_line(line)} ended with {status}; {name} stays",
                hint=f"mend it, then: polis agents setup {name}",
            )
            fault.status = status if status > 0 else 128 - status
            raise fault
    ask("telling the journal", "setup.ended", agent=name, status=0, ran=len(commands))
    return len(commands)
