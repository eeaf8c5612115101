"""polis doctor: what this machine enforces now, proved by live probes."""

from __future__ import annotations

from cash.cli.printing import json_option, print_json, print_text, progress, style
from cash.cli.table import command as make_command
from cash.faults import UNAVAILABLE


@make_command("polis doctor", "polis doctor --json", name="doctor")
@json_option
def command(as_json: bool) -> int:
    """Show what this machine enforces now, and how to add what is missing.

    Each line was tried just now, not guessed. Exits 69 when something is missing.
    """
    from cash.walls.probe import probe_machine

    with progress("probing"):
        findings = probe_machine()
    if as_json:
        print_json(
            [
                {"name": found.name, "holds": found.holds, "detail": found.detail}
                | ({"mend": found.mend} if found.mend else {})
                for found in findings
            ]
        )
    else:
        for found in findings:
            mark = style("yes", fg="green") if found.holds else style("no ", fg="red")
            print_text(f"{mark}  {found.name}: {found.detail}")
            if found.mend and not found.holds:
                print_text(f"     hint: {found.mend}")
    return 0 if all(found.holds for found in findings) else UNAVAILABLE
