"""polis log verify: prove that nothing in the journal was changed or cut."""

from __future__ import annotations

from cash.cli.calls import ask
from cash.cli.printing import json_option, print_json, print_text
from cash.cli.table import command as make_command
from cash.faults import FAILED_CLOSED


@make_command("polis log verify", name="verify")
@json_option
def command(as_json: bool) -> int:
    """Check the journal's chain from end to end. Exits 125 when it is broken."""
    report = ask("verifying", "log.verify")
    if as_json:
        print_json(report)
    elif report["ok"]:
        print_text(f"the journal is as it was written: {report['count']} events")
    else:
        print_text(f"the journal is NOT as it was written: {report['text']}")
    return 0 if report["ok"] else FAILED_CLOSED
