"""What a keeper decides by itself: that an exec may go on.

Everything else (a question, a refusal, a rewriting, a shell's text, a program whose rules ask
about the tree) is polisd's to say. So a keeper needs no reader of bash, no journal and no people,
and the usual exec costs no trip to polisd.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from cash.keeper.faces import Face
from cash.keeper.messages import to_text
from cash.policy.action import WRITE_KINDS, Action, Exec, Write, WriteKind
from cash.policy.action_tests import Change, MoreThan
from cash.policy.actions import implied_actions
from cash.policy.certainty import NO
from cash.policy.clashes import Clash, clash_of
from cash.policy.context import Context
from cash.policy.paths import BoundPaths, Ground
from cash.policy.policy import Policy
from cash.policy.rule import Rule
from cash.policy.subject import Key
from cash.policy.verdict import Decision
from cash.syntax.command import Command
from cash.syntax.launch import Launch, Reads, Starts
from cash.syntax.launches import launches_of, starts_others
from cash.syntax.word import literal_word

# Of what is remembered, as text: it takes two to three times that.
_MOST_KNOWN, _LONGEST_KNOWN = 1 << 19, 4096
_ENDLESS: Final = 1 << 40
# Of paths of which it is remembered what rules say.
_MOST_PATHS, _LONGEST_PATH = 1024, 256
_NOBODY: Final = Exec(Command(()), None, None)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The policy in force with what judging an exec may know. informed: programs about which
    rules ask more than that (what lies in the tree, how git is configured)."""

    policy: Policy
    context: Context
    informed: frozenset[str] = frozenset()


class Judging:
    """Judges by one snapshot. Immutable but for what it remembers."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._allowed: set[tuple[object, ...]] = set()
        self._size = 0
        usual, self._bulk = _by_counting(snapshot.policy)
        self._usual = usual
        # Whether there are files at all that one agent writes at a time.
        self.has_sessions = any(one.clash == "lock" for one in snapshot.policy.clashes)
        self._counted_kinds = _kinds_spoken_of(self._bulk)
        self._spoken_of = _paths_spoken_of(usual, snapshot.context)
        # A path's verdict follows from its words and this snapshot alone, whatever lies there.
        self._free: dict[tuple[str, WriteKind], bool] = {}
        self._counted: dict[tuple[str, WriteKind], bool] = {}

    def is_known(self, key: tuple[object, ...]) -> bool:
        """Whether just this was allowed before."""
        return key in self._allowed

    def remember(self, key: tuple[object, ...]) -> None:
        """It may go on, now and whenever it comes again."""
        size = len(repr(key))
        if size > _LONGEST_KNOWN:
            return  # thousands of long ones would fill the memory; they seldom come again
        self._size += size
        if self._size > _MOST_KNOWN:
            self._allowed.clear()
            self._size = size
        self._allowed.add(key)

    def allows(self, faces: Sequence[Face], cwd: str, *, surprise: bool) -> bool:
        """Whether the policy plainly lets it run; False: ask polisd."""
        return all(self._allows(face, cwd, surprise=surprise) for face in faces)

    def allows_write(self, path: str, kind: WriteKind) -> bool:
        """Whether the policy plainly lets this file change, whatever else its command changes.
        That no rule names a file is asked with the command, not here."""
        known = self._free.get((path, kind))
        if known is None:
            # One look at all rules' paths: nearly always none speaks of this one.
            is_unspoken = self._spoken_of is not None and self._spoken_of.test(path) == NO
            known = is_unspoken or self._allows_write(self._usual, path, kind, 0)
            _keep(self._free, (path, kind), known)
        return known

    def clash(self, path: str) -> Clash | None:
        """What policy says of a write to a path of the tree that somebody else holds."""
        context = self.snapshot.context
        ground = Ground(context.tree, context.home, context.agent, context.branch)
        return clash_of(self.snapshot.policy.clashes, path, ground)

    def is_counted(self, path: str, kind: WriteKind) -> bool:
        """Whether a rule speaks of such a file once a command has changed too many of them."""
        if self._bulk is None or kind not in self._counted_kinds:
            return False
        known = self._counted.get((path, kind))
        if known is None:
            known = not self._allows_write(self._bulk, path, kind, _ENDLESS)
            _keep(self._counted, (path, kind), known)
        return known

    def allows_so_many(self, path: str, kind: WriteKind, count: int) -> bool:
        """Whether a command that has changed so many of the files that are counted may go on."""
        return self._bulk is None or self._allows_write(self._bulk, path, kind, count)

    def _allows_write(self, policy: Policy, path: str, kind: WriteKind, count: int) -> bool:
        write = Write(literal_word(path), kind, None, None, count)
        verdict = policy.judge_write(write, _NOBODY, self.snapshot.context)
        return verdict.decision is Decision.ALLOW

    def _allows(self, face: Face, cwd: str, *, surprise: bool) -> bool:
        action = exec_of(face, cwd, surprise=surprise)
        names = {action.program or "", face.resolved.rpartition("/")[2]}
        identities = self.snapshot.context.identities
        if face.identity is not None:
            names |= identities.names.get(face.identity, frozenset())
        if any(one in self.snapshot.informed or reads_text(one, action.command) for one in names):
            return False
        context = replace(self.snapshot.context, cwd=cwd)
        actions: tuple[Action, ...] = (action, *implied_actions((action,), context))
        verdict = self.snapshot.policy.judge(actions, context)
        return verdict.decision is Decision.ALLOW


def _keep(known: dict[tuple[str, WriteKind], bool], key: tuple[str, WriteKind], said: bool) -> None:
    """Those that come again are soon known again."""
    if len(known) >= _MOST_PATHS:
        known.clear()
    if len(key[0]) <= _LONGEST_PATH:
        known[key] = said


def counts(rule: Rule) -> bool:
    """Whether a rule asks how many files a command changes."""
    return any(isinstance(test, MoreThan) for test in rule.tests())


def _by_counting(policy: Policy) -> tuple[Policy, Policy | None]:
    """The rules that do, apart from all others."""
    counting = [rule for rule in policy.rules if counts(rule)]
    others = [rule for rule in policy.rules if not counts(rule)]
    return Policy(others), Policy(counting) if counting else None


def _kinds_spoken_of(policy: Policy | None) -> frozenset[str]:
    """How files change of which the rules speak: a rule that does not say, speaks of all."""
    found: set[str] = set()
    for rule in policy.rules if policy else ():
        asked = [test.asked for test in rule.body.tests if isinstance(test, Change)]
        found |= frozenset(WRITE_KINDS).intersection(*asked)
    return frozenset(found)


def _paths_spoken_of(policy: Policy, context: Context) -> BoundPaths | None:
    """What rules about writes speak of, whoever writes; None: some rule asks for more than that."""
    sieve = policy.sieve(Key("write", (), "", 0))
    if sieve.asked or sieve.paths is None:
        return None
    ground = Ground(context.tree, context.home, context.agent, context.branch)
    return sieve.paths.bind(ground, None)


def exec_of(face: Face, cwd: str, *, surprise: bool) -> Exec:
    """A face as the action that rules speak of."""
    words = tuple([literal_word(to_text(word)) for word in face.argv])
    return Exec(Command(words), face.program, cwd, face.resolved or None, face.identity, surprise)


def reads_text(name: str, command: Command) -> bool:
    """Whether the program, by this name, is given shell text in its words, or starts something on
    another host, where no keeper sees it. What it starts here is judged when it starts."""
    if not starts_others(name):
        return False
    called = replace(command, argv=(literal_word(name), *command.argv[1:]))
    return any(isinstance(one, Reads) or _is_away(one) for one in launches_of(called))


def _is_away(launch: Launch) -> bool:
    return isinstance(launch, Starts) and launch.remote is not None
