"""polis doctor: what this machine enforces now, proved by live probes."""

from __future__ import annotations

from pathlib import Path

from cash.cli.calls import places
from cash.cli.printing import json_option, one_line, print_json, print_text, progress, style
from cash.cli.table import command as make_command
from cash.faults import UNAVAILABLE


@make_command("polis doctor", "polis doctor --json | jq -r '.[].name'", name="doctor")
@json_option
def command(as_json: bool) -> int:
    """Show what this machine enforces now, and how to add what is missing.

    Each line was tried just now, some of them from inside walls raised for it. Exits 69 when
    something is missing that agents cannot do without.
    """
    from cash.walls.probe import probe_machine

    with progress("probing"):
        findings = probe_machine(_nearest_folder(places().state))
    if as_json:
        print_json(
            [
                {
                    "name": found.name,
                    "holds": found.holds,
                    "detail": found.detail,
                    "mend": found.mend,
                    "needed": found.needed,
                }
                for found in findings
            ]
        )
    else:
        for found in findings:
            print_text(
                f"{_mark(found.holds, found.needed)}  {found.name}: {one_line(found.detail)}"
            )
            if found.mend and not found.holds:
                print_text(f"     hint: {found.mend}")
    return 0 if all(found.holds or not found.needed for found in findings) else UNAVAILABLE


def _mark(holds: bool, needed: bool) -> str:
    if holds:
        return style("yes", fg="green")
    return style("no ", fg="red") if needed else style("-- ", fg="yellow")


def _nearest_folder(path: Path) -> Path:
    """The first folder above that is there: agents' trees will lie in its file system."""
    return next(folder for folder in (path, *path.parents) if folder.is_dir())
