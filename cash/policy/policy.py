"""A policy: rules, indexed by what they speak of, and the one function that judges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cash.policy import defaults
from cash.policy.action import Action, Exec, GitOp
from cash.policy.certainty import YES
from cash.policy.context import Context
from cash.policy.identity import Naming
from cash.policy.pattern import Pattern
from cash.policy.quoting import join_words
from cash.policy.rewriters.result import Rewritten, Unchanged, Unclear
from cash.policy.rewriting import rewrite_command
from cash.policy.rule import Rule
from cash.policy.subject import KINDS, Scene, Subject
from cash.policy.verdict import Decision, Level, Match, Verdict
from cash.policy.wording import words_of
from cash.syntax.command import Word

_MOST_NAMES = 4096


@dataclass(frozen=True, slots=True)
class Finding:
    """A match with the action it is about; argv: what a rewriting rule makes of the command."""

    match: Match
    action: Action | None = None
    argv: tuple[Word, ...] | None = None


@dataclass(slots=True)
class _Index:
    """The rules of one kind of action, by program (for git: by operation)."""

    named: dict[str, list[Rule]] = field(default_factory=dict)
    patterned: list[tuple[Pattern, Rule]] = field(default_factory=list)
    others: list[Rule] = field(default_factory=list)
    seen: dict[str, tuple[Rule, ...]] = field(default_factory=dict)

    def add(self, rule: Rule, pattern: Pattern | None) -> None:
        """pattern: the names the rule is about; None: any."""
        if pattern is None:
            self.others.append(rule)
            return
        for name in pattern.exact:
            self.named.setdefault(name, []).append(rule)
        if pattern.globs or pattern.regexes:
            self.patterned.append((pattern, rule))

    def rules(self, names: Iterable[str]) -> list[Rule]:
        """The rules that may speak of an action with these names."""
        found: dict[int, Rule] = {}
        for name in names:
            for rule in self._of(name):
                found[id(rule)] = rule
        return [*found.values(), *self.others]

    def _of(self, name: str) -> tuple[Rule, ...]:
        known = self.seen.get(name)
        if known is None:
            matching = (rule for pattern, rule in self.patterned if pattern.test(name))
            known = (*self.named.get(name, ()), *matching)
            if len(self.seen) > _MOST_NAMES:  # names come from agents: no end of them
                self.seen.clear()
            self.seen[name] = known
        return known


class Policy:
    """Rules in force. Immutable; judging it is pure (the caches hold no decisions)."""

    def __init__(self, rules: Sequence[Rule], version: str = "", notes: Sequence[str] = ()) -> None:
        """version: a hash of the bytes it was made from. notes: what was not honoured, and why."""
        self.rules = tuple(rules)
        self.version = version
        self.notes = tuple(notes)
        self._index = {kind: _Index() for kind in KINDS}
        for rule in self.rules:
            for kind in rule.kinds:
                self._index[kind].add(rule, index_pattern(rule, kind))

    @property
    def programs(self) -> frozenset[str]:
        """The program names the rules use: what `find_identities` should look up."""
        return frozenset(
            name
            for rule in self.rules
            if (pattern := index_pattern(rule, "exec")) is not None
            for name in pattern.exact
        )

    def judge(self, actions: Sequence[Action], context: Context) -> Verdict:
        """The strictest of all matches and defaults. Pure; never raises for any actions.

        A rewriting match carries its command in `rewritten`, quoted for bash, when there is just
        one: lines are rewritten in place by cash.policy.judge."""
        findings = self.find(actions, context)
        return make_verdict(findings, actions, context, rewritten=_sole_rewrite(findings))

    def find(self, actions: Sequence[Action], context: Context) -> list[Finding]:
        """Every match and default, strictest first."""
        scene = Scene(actions, context)
        found: list[Finding] = []
        named: set[int] = set()
        for action in actions:
            subject = scene.subject(action)
            here = list(self._match(subject))
            if here and subject.command is not None:
                named.add(id(subject.command))
            found.extend(here)
            if here:
                named.add(id(action))
        for action in actions:
            default = defaults.default_match(scene.subject(action), named)
            if default is not None:
                found.append(Finding(default, action))
        found.sort(key=lambda one: (-one.match.decision, one.match.rule))
        return found

    def _match(self, subject: Subject) -> Iterator[Finding]:
        context = subject.scene.context
        for rule in self._index[subject.kind].rules(_names(subject)):
            certainty, naming = rule.match(subject)
            decision = rule.decide(certainty, context.level, enforced=context.enforced)
            if decision is None:
                continue
            if decision is Decision.REWRITE:
                finding = _rewrite(rule, subject, naming) if certainty == YES else None
            else:
                finding = Finding(make_match(rule, decision, subject), subject.action)
            if finding is not None:
                yield finding


def _names(subject: Subject) -> list[str]:
    action = subject.action
    names = [naming.name for naming in subject.namings]
    if isinstance(action, GitOp):
        names.append(f"git {action.operation}")
    return names


def index_pattern(rule: Rule, kind: str) -> Pattern | None:
    """The program names a rule needs, or None when it may speak of any program."""
    if kind not in ("exec", "git"):
        return None
    if rule.body.program is not None:
        return rule.body.program
    choices = [one.program for one in rule.body.choices]
    if not choices or any(one is None for one in choices):
        return None
    known = [one for one in choices if one is not None]
    return Pattern(
        frozenset().union(*(one.exact for one in known)),
        tuple(glob for one in known for glob in one.globs),
        (),
        tuple(regex for one in known for regex in one.regexes),
    )


def _rewrite(rule: Rule, subject: Subject, naming: Naming | None) -> Finding | None:
    if subject.command is None or rule.rewrite is None or not isinstance(subject.action, Exec):
        return None
    match rewrite_command(rule, subject, naming):
        case Rewritten(argv):
            return Finding(make_match(rule, Decision.REWRITE, subject), subject.action, argv)
        case Unclear(reason, hint, decision):
            match = Match(rule.id, decision, reason, hint, words_of(subject))
            return Finding(match, subject.action)
        case Unchanged():
            return None


def make_match(rule: Rule, decision: Decision, subject: Subject) -> Match:
    """The rule's word on a subject, `$agent` and `$branch` put into reason and hint."""
    names = subject.scene.names
    hint = None if rule.hint is None else put_names_in(rule.hint, names)
    return Match(rule.id, decision, put_names_in(rule.reason, names), hint, words_of(subject))


def put_names_in(text: str, names: object) -> str:
    """text with `$agent` and `$branch` replaced."""
    if "$" not in text or not isinstance(names, dict):
        return text
    for name, value in names.items():
        text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
    return text


def make_verdict(
    findings: Sequence[Finding],
    actions: Sequence[Action],
    context: Context,
    *,
    rewritten: str | None = None,
) -> Verdict:
    """The verdict over findings (strictest first)."""
    matches = tuple(dict.fromkeys(one.match for one in findings))
    decision = max((one.decision for one in matches), default=Decision.ALLOW)
    if context.level is Level.OBSERVE:
        decision, rewritten = Decision.ALLOW, None
    commands = tuple(
        tuple(word.text for word in one.command.argv)
        for one in actions
        if isinstance(one, Exec) and one.command.argv
    )
    return Verdict(decision, matches, rewritten, (), commands)


def _sole_rewrite(findings: Sequence[Finding]) -> str | None:
    argvs = list({id(one.action): one.argv for one in findings if one.argv is not None}.values())
    return join_words(argvs[0]) if len(argvs) == 1 and argvs[0] is not None else None
