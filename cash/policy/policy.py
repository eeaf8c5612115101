"""A policy: rules, indexed by what they speak of, and the one function that judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cash.policy import defaults
from cash.policy.action import Action, Connect, Exec, GitOp, Write
from cash.policy.builtins import BUILTINS
from cash.policy.certainty import NO, YES
from cash.policy.clashes import ClashRule
from cash.policy.context import Context
from cash.policy.features import PIPED
from cash.policy.identity import Naming
from cash.policy.pattern import Pattern
from cash.policy.pipe import Pipe, can_feed
from cash.policy.programs import USAGES
from cash.policy.quoting import join_words
from cash.policy.rewriters.result import Rewritten, Unchanged, Unclear
from cash.policy.rewriting import rewrite_command
from cash.policy.rule import Rule
from cash.policy.sieve import Sieve, make_sieve
from cash.policy.subject import KINDS, Key, Scene, Subject
from cash.policy.verdict import Decision, Grant, Level, Match, Verdict
from cash.policy.wording import words_of
from cash.syntax.command import Word

_MOST_KEYS = 1024
_NO_READERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Finding:
    """A match with the action it is about; argv: what a rewriting rule makes of the command;
    before: what has to succeed before that runs."""

    match: Match
    action: Action | None = None
    argv: tuple[Word, ...] | None = None
    before: tuple[Word, ...] = ()

    @property
    def rewritten(self) -> str:
        """What runs instead, as bash."""
        return " && ".join(join_words(words) for words in (self.before, self.argv) if words)


class _Index:
    """The rules of one kind of action, by program."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._named: dict[str, list[tuple[int, Rule]]] = {}
        self._others: list[tuple[int, Rule]] = []
        self._seen: tuple[dict[Key, Sieve], dict[Key, Sieve]] = ({}, {})
        self._spoken, self._patterns = _names_spoken_of(rules)
        for place, rule in enumerate(rules):
            pattern = rule.body.program
            if pattern is None or pattern.globs or pattern.regexes:
                self._others.append((place, rule))
            else:
                for name in pattern.exact:
                    self._named.setdefault(name, []).append((place, rule))

    def rules(self, key: Key, fed: bool) -> Sieve:
        """The rules that may speak of an action with this key, narrowed to it. fed: the line has
        a command that may feed another."""
        seen = self._seen[fed]
        known = seen.get(key)
        if known is None:
            if len(seen) >= _MOST_KEYS:  # names come from agents: no end of them
                seen.clear()
            usual = self._without_unspoken(key)
            known = seen[key] = seen[usual] = seen.get(usual) or self._narrow(usual, fed)
        return known

    def _narrow(self, key: Key, fed: bool) -> Sieve:
        whole = key._replace(features=key.features | (PIPED if fed else 0))
        found = {place: rule for name in key.names for place, rule in self._named.get(name, ())}
        found.update(self._others)
        narrowed = [found[place].narrow(whole) for place in sorted(found)]
        return make_sieve([one for one in narrowed if one is not None], key)

    def _without_unspoken(self, key: Key) -> Key:
        """The key of all programs that nothing distinguishes from this one: what is narrowed to a
        key takes 20 kB, and a build starts programs of a hundred names that no rule knows."""
        names = ["" if self._is_unspoken(one) else one for one in key.names]
        return key._replace(names=tuple(names))

    def _is_unspoken(self, name: str) -> bool:
        return (
            name not in self._spoken
            and name not in USAGES
            and not any([one.named or one.test(name) != NO for one in self._patterns])
        )


class Policy:
    """Rules in force. Immutable; judging it is pure (the caches hold no decisions)."""

    def __init__(
        self,
        rules: Sequence[Rule],
        version: str = "",
        notes: Sequence[str] = (),
        clashes: Sequence[ClashRule] = (),
    ) -> None:
        """version: a hash of the bytes it was made from. notes: what was not honoured, and why.
        clashes: what becomes of writes to what somebody else holds."""
        self.rules = tuple(rules)
        self.version = version
        self.notes = tuple(notes)
        self.clashes = tuple(clashes)
        self._index = {
            kind: _Index([rule for rule in self.rules if kind in rule.kinds]) for kind in KINDS
        }
        self._feeders = _feeders_of(self.rules)

    @property
    def programs(self) -> frozenset[str]:
        """The program names the rules use: what `find_identities` should look up."""
        # Of exceptions too: a name that is not looked up is anybody's who bears it.
        bodies = [one for rule in self.rules for one in rule.matchers()]
        return frozenset(name for one in bodies if one.program for name in one.program.exact)

    def judge(self, actions: Sequence[Action], context: Context) -> Verdict:
        """The strictest of all matches and defaults. Pure; never raises for any actions.

        A rewriting match carries its command in `rewritten`, quoted for bash, when there is just
        one: lines are rewritten in place by cash.policy.judge."""
        findings = self.find(actions, Scene(actions, context))
        return make_verdict(findings, actions, context, rewritten=_sole_rewrite(findings))

    def sieve(self, key: Key) -> Sieve:
        """The rules that may speak of an action with this key, as they are asked."""
        return self._index[key.kind].rules(key, False)

    def judge_write(self, write: Write, launch: Exec, context: Context) -> Verdict:
        """The rules' word on a write under way; launch: the program that makes it, of which
        nothing else is judged. That no rule names the file is nobody's business by now."""
        scene = Scene((launch, write), context)
        findings = [
            one for one in self.find((write,), scene) if one.match.rule != defaults.UNNAMED_WRITE
        ]
        return make_verdict(findings, (write,), context)

    def find(self, actions: Sequence[Action], scene: Scene) -> list[Finding]:
        """Every match and default, strictest first. scene: built from these actions."""
        found: list[Finding] = []
        named: set[int] = set()
        # In a line of several commands of which none can feed another, or none is a source that a
        # `pipe` rule speaks of, none is fed.
        fed = self._feeds(scene)
        subjects = [scene.subject(action) for action in actions]
        for subject in subjects:
            here = self._match(subject, fed)
            if here:
                found.extend(here)
                named.add(id(subject.action))
                if subject.command is not None:
                    named.add(id(subject.command))
        for subject in subjects:
            default = defaults.default_match(subject, named)
            if default is not None:
                found.append(Finding(default, subject.action))
        if len(found) > 1:
            found.sort(key=lambda one: (-one.match.decision, one.match.rule))
        return found

    def _feeds(self, scene: Scene) -> bool:
        if len(scene.execs) < 2:
            return False
        feeders = self._feeders
        if feeders is None:
            return True
        return any(
            [name in feeders and can_feed(scene.execs[at].command) for name, at in scene.programs]
        )

    def _match(self, subject: Subject, fed: bool) -> list[Finding]:
        found: list[Finding] = []
        context = subject.scene.context
        for narrow in self._index[subject.kind].rules(subject.key, fed).rules(subject):
            certainty, naming = narrow.match(subject)
            if certainty == NO:
                continue
            rule = narrow.rule
            enforced = context.enforced and _is_judged_again(subject)
            decision = rule.decide(certainty, context.level, enforced=enforced)
            if decision is None:
                continue
            if decision is Decision.REWRITE:
                finding = _rewrite(rule, subject, naming) if certainty == YES else None
            else:
                finding = Finding(make_match(rule, decision, subject), subject.action)
            if finding is not None:
                found.append(finding)
        return found


def _is_judged_again(subject: Subject) -> bool:
    """Whether a keeper meets it with its real words: a program when it starts, a file when it is
    opened; what bash does itself, never."""
    return subject.kind == "write" or subject.first is None or subject.first.name not in BUILTINS


def _names_spoken_of(rules: Sequence[Rule]) -> tuple[frozenset[str], list[Pattern]]:
    """The names of programs that rules know, and the patterns that may know others."""
    spoken: set[str] = set()
    patterns: list[Pattern] = []
    for matcher in (matcher for rule in rules for matcher in rule.matchers()):
        spoken.update(matcher.usages)
        if matcher.program is not None:
            spoken |= matcher.program.exact
            if matcher.program.globs or matcher.program.regexes or matcher.program.named:
                patterns.append(matcher.program)
    return frozenset(spoken), patterns


def _feeders_of(rules: Sequence[Rule]) -> frozenset[str] | None:
    """The programs that `pipe` rules take for a source; None when a pattern tells."""
    found: set[str] = set()
    pipes = (test for rule in rules for test in rule.tests() if isinstance(test, Pipe))
    for source in (one.source for one in pipes):
        if source.globs or source.named or source.regexes:
            return None
        found |= source.exact
    return frozenset(found)


def _rewrite(rule: Rule, subject: Subject, naming: Naming | None) -> Finding | None:
    if subject.command is None or rule.rewrite is None or not isinstance(subject.action, Exec):
        return None
    match rewrite_command(rule, subject, naming):
        case Rewritten(argv, before):
            match = make_match(rule, Decision.REWRITE, subject)
            return Finding(match, subject.action, argv, before)
        case Unclear(reason, hint, decision, choices):
            match = Match(rule.id, decision, reason, hint, words_of(subject), choices)
            return Finding(match, subject.action)
        case Unchanged():
            return None


def make_match(rule: Rule, decision: Decision, subject: Subject) -> Match:
    """The rule's word on a subject, `$agent` and `$branch` put into reason and hint."""
    names = subject.scene.names
    hint = None if rule.hint is None else put_names_in(rule.hint, names)
    return Match(rule.id, decision, put_names_in(rule.reason, names), hint, words_of(subject))


def put_names_in(text: str, names: object) -> str:
    """text with `$agent` and `$branch` replaced; by AGENT and BRANCH where nobody is asked about,
    for "agent/" is no branch to type."""
    if "$" not in text or not isinstance(names, dict):
        return text
    for name, value in names.items():
        shown = value or name.upper()
        text = text.replace(f"${{{name}}}", shown).replace(f"${name}", shown)
    return text


def make_verdict(
    findings: Sequence[Finding],
    actions: Sequence[Action],
    context: Context,
    *,
    rewritten: str | None = None,
    grants: tuple[Grant, ...] = (),
    readers: Mapping[str, str] = _NO_READERS,
) -> Verdict:
    """The verdict over findings (strictest first)."""
    matches: tuple[Match, ...] = ()
    decision = Decision.ALLOW
    if findings:
        matches = tuple(dict.fromkeys([one.match for one in findings]))
        decision = max([one.decision for one in matches])
    if context.level is Level.OBSERVE:
        decision, rewritten = Decision.ALLOW, None
    commands: list[tuple[str, ...]] = []
    hosts: list[tuple[str, int]] = []
    far: list[tuple[str, str, str]] = []
    for one in actions:
        if isinstance(one, Exec):
            if one.command.argv:
                commands.append(tuple([word.text for word in one.command.argv]))
        elif isinstance(one, Connect):
            hosts.append((one.host, one.port))
        elif isinstance(one, GitOp) and one.remote is not None:
            remote = one.remote
            far += [(one.operation, remote, refspec) for refspec in one.refspecs or ("",)]
    return Verdict(
        decision, matches, rewritten, grants, tuple(commands), tuple(hosts), readers, tuple(far)
    )


def _sole_rewrite(findings: Sequence[Finding]) -> str | None:
    made = {id(one.action): one.rewritten for one in findings if one.argv is not None}
    return next(iter(made.values())) if len(made) == 1 else None
