"""The tool calls that hooks have told of: what runs meanwhile can be told to belong to one.

By an agent's own word, so it is a note beside an event, never a reason to let anything through.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

# Of one agent; what is never ended is forgotten in this order.
_MOST_OPEN = 64
# Execs and writes are told of once a second: a call that has just ended may be meant.
_LINGERS = 2.0


@dataclass(slots=True)
class _Call:
    subjects: tuple[str, ...]
    step: str
    ended: float | None = None


@dataclass(slots=True)
class ToolCalls:
    """The calls of one repository's agents. subjects of a call: the line a shell tool runs, or the
    files a tool writes."""

    clock: Callable[[], float] = time.monotonic
    _calls: dict[str, dict[str, _Call]] = field(default_factory=dict)

    def begin(self, agent: str, call: str, subjects: tuple[str, ...], step: str = "") -> None:
        """A call is about to run. step: to which what is changed meanwhile belongs."""
        own = self._calls.setdefault(agent, {})
        own.pop(call, None)
        own[call] = _Call(subjects, step)
        while len(own) > _MOST_OPEN:
            del own[next(iter(own))]

    def end(self, agent: str, call: str) -> None:
        """It has its result."""
        found = self._calls.get(agent, {}).get(call)
        if found is not None:
            found.ended = self.clock()

    def end_all(self, agent: str) -> None:
        """The turn is over, or the program."""
        self._calls.pop(agent, None)

    def steps(self, agent: str) -> dict[str, None]:
        """Those of the calls that run, the one that began last at the end."""
        open_ = (one for one in self._calls.get(agent, {}).values() if one.ended is None)
        return {one.step: None for one in open_ if one.step}

    def recent(self, agent: str) -> list[str]:
        """The calls that run, or did a moment ago; the oldest first."""
        own = self._calls.get(agent)
        if not own:
            return []
        for call, one in list(own.items()):
            if one.ended is not None and self.clock() - one.ended > _LINGERS:
                del own[call]
        return list(own)

    def call_of(self, agent: str, subject: str) -> str:
        """The call that names this line or file; without one, the only one that runs. "" when
        that does not tell."""
        open_ = {call: one for call, one in self._calls.get(agent, {}).items() if one.ended is None}
        named = [call for call, one in open_.items() if subject in one.subjects]
        found = named or list(open_)
        return found[-1] if named or len(found) == 1 else ""
