"""What is allowed in a policy and still wrong: rules nobody showed, advice that is refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cash.policy.actions.connects import TALKERS
from cash.policy.actions.writes import WRITERS
from cash.policy.defaults import BUILTIN_RULES
from cash.policy.examples import USUAL, Example, judge_example, read_here
from cash.policy.judge import judge_line
from cash.policy.load import Loaded
from cash.policy.policy import Policy, put_names_in
from cash.policy.programs import USAGES
from cash.policy.rule import Rule
from cash.policy.verdict import Decision
from cash.syntax.command import Line


@dataclass(frozen=True, slots=True)
class Remark:
    """rule: its id. line: from 1, in file. message: one line."""

    file: str
    line: int
    rule: str
    message: str


def lint(loaded: Loaded) -> list[Remark]:
    """Remarks in the order of the rules; empty: nothing to say."""
    found: list[Remark] = []
    # By place: what an untrusted layer tightened is another value than what its file says.
    shown = {rule.origin: examples for rule, examples in loaded.examples}
    # An override says what is different: what the rule lets pass was shown before.
    passing = {
        rule.id
        for rule, examples in loaded.examples
        if any(example.expected == "pass" for example in examples)
    }
    for rule in loaded.policy.rules:
        examples = shown.get(rule.origin, ())
        messages = [
            *_lint_examples(examples, shows_pass=rule.id in passing),
            *_lint_hint(rule, loaded.policy),
            *_lint_reach(rule, examples, loaded.policy),
        ]
        origin = rule.origin
        found += [Remark(origin.file, origin.line, rule.id, message) for message in messages]
    return found


def _lint_examples(examples: Sequence[Example], *, shows_pass: bool) -> Iterator[str]:
    outcomes = {example.expected for example in examples}
    if not outcomes - {"pass"}:
        yield "no example shows the rule at work"
    if not shows_pass:
        yield "no example shows what it lets `pass`"


def _lint_hint(rule: Rule, policy: Policy) -> Iterator[str]:
    """The advice must itself be allowed: a hint that is refused sends agents in circles."""
    if rule.hint is None:
        return
    names = {"agent": USUAL.agent, "branch": USUAL.branch}
    line = read_here(put_names_in(rule.hint, names))
    if not _is_command(line, policy):
        return
    verdict = judge_line(policy, line, USUAL, read=read_here)
    for match in verdict.matches:
        if match.decision >= Decision.ASK and match.rule not in BUILTIN_RULES:
            word = "denied" if match.decision is Decision.DENY else "asked about"
            yield f"its hint is itself {word} by {match.rule}: {line.text}"


def _is_command(line: Line, policy: Policy) -> bool:
    """Whether a hint is a command rather than a sentence."""
    if line.trouble is not None or not line.commands or line.commands[0].name is None:
        return False
    name = line.commands[0].name
    known = policy.programs
    return name in known or name in USAGES or name in WRITERS or name in TALKERS


def _lint_reach(rule: Rule, examples: Sequence[Example], policy: Policy) -> Iterator[str]:
    """A rule whose every example others decide as strictly changes nothing."""
    at_work = [example for example in examples if example.expected != "pass"]
    at = policy.rules.index(rule)
    # What overrides it is no reason to leave it out.
    others = [*policy.rules[:at], *(one for one in policy.rules[at:] if one.id != rule.id)]
    if not at_work or not others:
        return
    rest = Policy(others)
    deciders: set[str] = set()
    for example in at_work:
        matches = [
            one
            for one in judge_example(rest, example).matches
            if one.rule not in BUILTIN_RULES and one.decision >= rule.decision
        ]
        if not matches:
            return
        deciders.add(matches[0].rule)
    yield f"every example is decided as strictly by {', '.join(sorted(deciders))}"
