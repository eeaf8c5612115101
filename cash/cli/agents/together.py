"""What becomes of a batch, told as it happens."""

from __future__ import annotations

import sys
from typing import Any

from cash.cli.calls import here, places
from cash.cli.log.show import print_json_line
from cash.cli.printing import flush_output, print_text


def follow_batch(verb: str, *, as_json: bool, **fields: Any) -> None:
    """Calls a verb that begins a batch, and shows its news. Fault when it was taken back."""
    from cash.daemon.client import follow

    for news in follow(places(), verb, cwd=here(), **fields):
        if as_json:
            print_json_line(news)
            continue
        for note in news.get("notes", ()):
            print(f"polis: {news['agent']}: {note}", file=sys.stderr)
        print_text(_describe(news))
        flush_output()


def _describe(news: dict[str, Any]) -> str:
    match news["event"]:
        case "begun":
            names = " ".join(news["agents"])
            return f"batch {news['batch']} is at work; polis agents watch {names}"
        case "started":
            return f"{news['agent']} is at work"
        case "stopped":
            return f"{news['agent']} is stopped again: {news['reason']}"
        case event:
            return f"{news['agent']} is {event}"
