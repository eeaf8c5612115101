"""What was judged of execs of late: the same one, asked about again, gets the same word.

A git is asked about at every start, since its configuration decides too. What decides is looked at
anew each time; where none of it has changed, neither has the verdict, which follows from nothing
else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

from cash.keeper.faces import Face
from cash.policy.context import Context
from cash.policy.policy import Policy
from cash.policy.verdict import Decision, Verdict
from cash.syntax.command import Line

_MOST: Final = 128
# Of an argv, in bytes: longer ones seldom come again.
_LONGEST: Final = 1000


@dataclass(frozen=True, slots=True)
class Judged:
    """A face of an exec, read as a line, with the verdict and what it was judged by."""

    face: Face
    line: Line
    verdict: Verdict
    policy: Policy
    context: Context


class LastJudged:
    """Of one repository. Only what was plainly allowed, and where nobody held anything: of what
    others hold, a context knows no state that could be compared later."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, Judged] = OrderedDict()

    def find(self, key: Hashable, policy: Policy, context: Context) -> Judged | None:
        """What was judged by just this. key: all of the exec that its verdict follows from."""
        known = self._known.get(key)
        if known is None or known.policy is not policy or known.context != context:
            return None
        if context.locks:
            return None
        self._known.move_to_end(key)
        return known

    def remember(self, key: Hashable, judged: Judged) -> None:
        """It may be found from now on."""
        is_plain = judged.verdict.decision is Decision.ALLOW and not judged.context.locks
        if is_plain and sum(map(len, judged.face.argv)) <= _LONGEST:
            self._known[key] = judged
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
