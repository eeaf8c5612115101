"""Rules sorted so that most are never asked: those that need a certain path are asked together.

Whatever the program, a dozen rules want to know whether it reads a key file or a device, and
whatever is written, whether that is a hook, a policy, a start-up file. One look at all their
patterns at once says that it is none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cash.policy.action_tests import Target
from cash.policy.certainty import NO
from cash.policy.command_tests import Paths
from cash.policy.matcher import Narrow
from cash.policy.paths import PathPattern, join_patterns
from cash.policy.rule import NarrowRule
from cash.policy.subject import Key, Subject


@dataclass(frozen=True, slots=True)
class Sieve:
    """The rules for one key. asked: of every action. choosy: of those alone that change (a write)
    or may read (a command) one of `paths`."""

    asked: tuple[NarrowRule, ...]
    choosy: tuple[NarrowRule, ...] = ()
    paths: PathPattern | None = None

    def rules(self, subject: Subject) -> tuple[NarrowRule, ...]:
        """The rules that may speak of the subject."""
        if self.paths is None or _touches(subject, self.paths):
            return self.asked + self.choosy
        return self.asked


def _touches(subject: Subject, paths: PathPattern) -> bool:
    if subject.kind == "write":
        found = subject.targets
    elif subject.command is not None:
        found = subject.reads(subject.first, {})
    else:
        return False
    bound = paths.bind(subject.scene.ground, subject.cwd)
    return bound.best([value.text for value in found]) != NO


def make_sieve(rules: Sequence[NarrowRule], key: Key) -> Sieve:
    """rules: narrowed to this key."""
    needed = [(rule, _paths_needed(rule.body, key)) for rule in rules]
    patterns = [paths for _, paths in needed if paths is not None]
    if len(patterns) < 2:
        return Sieve(tuple(rules))
    return Sieve(
        tuple([rule for rule, paths in needed if paths is None]),
        tuple([rule for rule, paths in needed if paths is not None]),
        join_patterns(patterns),
    )


def _paths_needed(body: Narrow, key: Key) -> PathPattern | None:
    """Patterns of which one must fit what is read or written for the body to hold; None: the
    body does not hang on that alone."""
    if body.names is not None or any(name in body.usages for name in key.names):
        return None  # a file that says how the program reads its flags has words of its own
    for key_of_rule in (getattr(test, "__self__", None) for test in body.tests):
        match key_of_rule:
            case Paths(source="reads", asked=asked) if key.kind != "write":
                pass
            case Target(asked=asked):
                pass
            case _:
                continue
        if asked.any is not None and asked.all is None and asked.none is None:
            return asked.any
    return None
