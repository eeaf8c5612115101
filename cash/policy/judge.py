"""Judging a whole line: rewrites in place, the rewritten line judged again, grants."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace

from cash.policy.action import Action, Start
from cash.policy.actions import stage
from cash.policy.context import Context
from cash.policy.defaults import REWRITE_LOOP, not_understood
from cash.policy.policy import Finding, Policy, make_verdict
from cash.policy.quoting import join_words
from cash.policy.scripts import Scripts
from cash.policy.splice import Edit, can_precede, splice
from cash.policy.subject import Scene
from cash.policy.verdict import Decision, Grant, Match, Verdict
from cash.policy.wording import plain
from cash.syntax.command import Line

__all__ = ["Policy", "Read", "judge_line", "judging"]

Read = Callable[[str], Line]
_MOST_ROUNDS = 5
_MOST_COMMANDS = 1000
_MOST_SCRIPTS = 50


def judge_line(
    policy: Policy,
    line: Line,
    context: Context,
    *,
    read: Read | None = None,
    surprise: bool = False,
) -> Verdict:
    """The verdict on a line. read: how a rewritten line is read (default: cash.syntax.read).
    surprise: the line was predicted by nothing. Never raises for any line."""
    if read is None:
        from cash.syntax import read as default

        read = default
    steps = judging(policy, line, context, surprise=surprise)
    try:
        text = next(steps)
        while True:
            text = steps.send(read(text))
    except StopIteration as ended:
        verdict: Verdict = ended.value
        return verdict


def judging(
    policy: Policy,
    line: Line,
    context: Context,
    *,
    surprise: bool = False,
    start: Start | None = None,
) -> Generator[str, Line, Verdict]:
    """judge_line for callers that read elsewhere: yields each text that judging meets (a line
    as rewritten, what git hands to a shell), wants its Line. start: the line is an exec that is
    under way now."""
    findings: list[Finding] = []
    known: dict[str, Line] = {}
    rewritten: str | None = None
    for _ in range(_MOST_ROUNDS):
        if len(line.commands) > _MOST_COMMANDS:
            line = replace(line, commands=(), trouble="the line has too many commands")
        actions, scene = yield from _understand(
            line, context, known, surprise=surprise, start=start
        )
        here = policy.find(actions, scene)
        if line.trouble is not None:
            here.insert(0, Finding(not_understood(line.trouble, plain(line.entry or line.text))))
        if not any([one.argv for one in here]):
            # The usual line: no rule rewrites any of it.
            findings.extend(here)
            return _verdict(findings, actions, scene, line, rewritten)
        edits, refused = _plan(here, line.text)
        if context.enforced:
            # What has no place in this line is rewritten where it starts.
            here, refused = [one for one in here if id(one.match) not in refused], {}
        findings.extend(_settled(here, refused))
        text = splice(line.text, edits)
        if text == line.text or line.trouble is not None:
            return _verdict(findings, actions, scene, line, rewritten)
        rewritten, start = text, None
        line = yield text
    reason = "rules rewrite each other's commands without end"
    findings.append(Finding(Match(REWRITE_LOOP, Decision.DENY, reason, None, plain(line.text))))
    actions, scene = yield from _understand(line, context, known, surprise=surprise, start=start)
    return _verdict(findings, actions, scene, line, None)


def _understand(
    line: Line,
    context: Context,
    known: dict[str, Line],
    *,
    surprise: bool,
    start: Start | None,
) -> Generator[str, Line, tuple[tuple[Action, ...], Scene]]:
    """What the line does, once the scripts in it are read. known: those read before; more than
    _MOST_SCRIPTS are not read, and so asked about."""
    while True:
        scripts = Scripts(known)
        actions, scene = stage(line, context, surprise=surprise, scripts=scripts, start=start)
        if not scripts.unread or len(known) + len(scripts.unread) > _MOST_SCRIPTS:
            return actions, scene
        for text in scripts.unread:
            known[text] = yield text


def _plan(findings: Sequence[Finding], text: str) -> tuple[list[Edit], dict[int, str]]:
    """The edits of all rewrites, and for those without a place in the line what to send."""
    edits: list[Edit] = []
    refused: dict[int, str] = {}
    seen: set[int] = set()
    for one in findings:
        if one.argv is None or one.action is None or id(one.action) in seen:
            continue
        command = getattr(one.action, "command", None)
        if command is None:
            continue
        seen.add(id(one.action))
        if command.span is None or any(word.span is None for word in command.argv):
            refused[id(one.match)] = f"send it as: {plain(one.rewritten)}"
        elif one.before and not can_precede(text, command):
            refused[id(one.match)] = f"send it again after: {plain(join_words(one.before))}"
        else:
            edits.append(Edit(command, one.argv, one.before))
    return edits, refused


def _settled(findings: Sequence[Finding], refused: dict[int, str]) -> Iterator[Finding]:
    """A rewrite that cannot be made in place is a refusal that names the new form."""
    for one in findings:
        hint = refused.get(id(one.match))
        if hint is None:
            yield one
        else:
            match = replace(one.match, decision=Decision.DENY, hint=hint)
            yield Finding(match, one.action)


def _verdict(
    findings: list[Finding],
    actions: Sequence[Action],
    scene: Scene,
    line: Line,
    rewritten: str | None,
) -> Verdict:
    if len(findings) > 1:
        findings.sort(key=lambda one: (-one.match.decision, one.match.rule))
    denied = any([one.match.decision is Decision.DENY for one in findings])
    return make_verdict(
        findings,
        actions,
        scene.context,
        rewritten=rewritten,
        grants=() if denied else _grants(scene),
        readers=line.readers,
    )


def _grants(scene: Scene) -> tuple[Grant, ...]:
    """The commands whose words are known: the others are judged when they run."""
    found = []
    for one in scene.execs:
        values = scene.subject(one).values
        if values and one.command.remote is None:
            for value in values:
                if value.holes or value.assumed:
                    break
            else:
                argv = tuple([value.text for value in values])
                found.append(Grant(argv, one.cwd, one.program))
    return tuple(found)
