"""`any`, `all`, `none`: keys that compare several things of an action."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from cash.policy.certainty import NO, YES, Certainty

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Quantified(Generic[T]):
    """Patterns for any, all and none of an action's elements; None where not asked."""

    any: T | None = None
    all: T | None = None
    none: T | None = None

    def map(self, bind: Callable[[T], T]) -> Quantified[T]:
        """The same with every pattern replaced."""
        return Quantified(
            None if self.any is None else bind(self.any),
            None if self.all is None else bind(self.all),
            None if self.none is None else bind(self.none),
        )


def quantify(
    asked: Quantified[T], elements: Sequence[str], test: Callable[[T, str], Certainty]
) -> Certainty:
    """How sure it is that the elements are as asked. `all` of nothing is NO: a rule or an excuse
    that speaks of paths needs one."""
    found = YES
    if asked.any is not None:
        pattern = asked.any
        found = max((test(pattern, one) for one in elements), default=NO)
    if asked.all is not None and found:
        every = asked.all
        found = min(found, min((test(every, one) for one in elements), default=NO))
    if asked.none is not None and found:
        never = asked.none
        found = min(found, YES - max((test(never, one) for one in elements), default=NO))
    return found
