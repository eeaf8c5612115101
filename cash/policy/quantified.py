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
    asked: Quantified[T], elements: Sequence[str], bind: Callable[[T], Callable[[str], Certainty]]
) -> Certainty:
    """How sure it is that the elements are as asked. `all` of nothing is NO: a rule or an excuse
    that speaks of paths needs one. bind: makes a pattern ready to be compared with elements."""
    found = YES
    if asked.any is not None:
        found = _best(bind(asked.any), elements) if elements else NO
    if asked.all is not None and found:
        test = bind(asked.all)
        found = min(found, min([test(one) for one in elements], default=NO))
    if asked.none is not None and found and elements:
        found = min(found, YES - _best(bind(asked.none), elements))
    return found


def _best(test: Callable[[str], Certainty], elements: Sequence[str]) -> Certainty:
    best = NO
    for one in elements:
        here = test(one)
        if here == YES:
            return YES
        best = max(best, here)
    return best
