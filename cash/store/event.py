"""What is journaled: events, and the entries they become once they have an id."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from cash.faults import Fault
from cash.store.body import JSON, canonical_json, shorten
from cash.store.redaction import redact_body

# Any word will do, so that an older program reads what a newer one journaled. "pruned" and
# "broken" are the journal's own, about itself.
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_LONGEST_NAME = 200

# A line of 64 kB is asked about anyway; what is longer is kept up to here, and says so.
_LONGEST_TEXT = 64 * 1024
# Cut before redacting too (redaction takes time in proportion), but far behind the final cut,
# so that no half of a secret that straddles this one is kept.
_LONGEST_READ = 2 * _LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    key: idempotency; a second event of the same key is not journaled again. time: Unix seconds.
    agent: its name, or "" for what concerns none. kind: lower case and dashes. body: JSON.
    """

    key: str
    time: float
    agent: str
    kind: str
    body: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Entry:
    """A journaled event, redacted. Ids start at 1, have no gaps and are in commit order."""

    id: int
    event: Event


@dataclass(frozen=True, slots=True)
class Encoded:
    """An event as it is stored: body is canonical JSON, secrets already redacted."""

    key: str
    time: float
    agent: str
    kind: str
    body: str

    def entry(self, number: int) -> Entry:
        """The entry this becomes under an id."""
        body = json.loads(self.body)
        return Entry(number, Event(self.key, self.time, self.agent, self.kind, body))


def encode_event(event: Event) -> Encoded:
    """The stored form. Raises Fault for what cannot be stored (NaN, a kind with blanks, …)."""
    for name, value in (("key", event.key), ("agent", event.agent)):
        if len(value) > _LONGEST_NAME or not value.isprintable():
            raise Fault(f"an event's {name} must be printable and short: {value[:40]!r}")
    if not event.key:
        raise Fault("an event needs a key")
    if not _KIND.fullmatch(event.kind):
        raise Fault(f"an event's kind must be a lower-case word: {event.kind[:40]!r}")
    if not math.isfinite(event.time):
        raise Fault(f"an event's time must be a finite number: {event.time!r}")
    try:
        shortened = shorten(event.body, _LONGEST_READ)
        body = canonical_json(shorten(redact_body(shortened), _LONGEST_TEXT))
    except (TypeError, ValueError, RecursionError) as fault:
        raise Fault(f"an event's body must be JSON: {fault}") from fault
    return Encoded(event.key, float(event.time), event.agent, event.kind, body)
