"""What is followed on the screen until Ctrl-C: shown again each time it has changed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn

from cash.cli.calls import here, places
from cash.cli.printing import flush_output, print_text
from cash.faults import Fault

# On a terminal what is shown is drawn anew: the screen is cleared, the cursor goes home.
_ANEW = "\x1b[2J\x1b[H"


def show_changes_of(
    verb: str,
    show: Callable[[Mapping[str, Any]], None],
    again: str,
    *,
    as_json: bool,
    **fields: Any,
) -> NoReturn:
    """Follows a verb of polisd's; as JSON a line each time. again: the command, for whoever sees
    polisd end. Fault then."""
    from cash.daemon.client import follow

    told: Iterator[dict[str, Any]] = follow(places(), verb, cwd=here(), **fields)
    for found in told:
        if as_json:
            print_text(json.dumps(found))
        else:
            if sys.stdout.isatty():
                sys.stdout.write(_ANEW)
            print_text(time.strftime("%H:%M:%S"))
            show(found)
        flush_output()
    raise Fault("polisd has ended", hint=again)
