"""Verdicts for people and programs: the JSON of `polis policy explain`, and the two lines an agent
gets when it is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from cash.policy.context import Context
from cash.policy.judge import Read, judge_line
from cash.policy.policy import Policy
from cash.policy.verdict import Choice, Decision, Match, Verdict
from cash.policy.wording import plain
from cash.syntax.command import Line

_LONGEST_HINT = 500


def explain(verdict: Verdict, line: Line, context: Context) -> dict[str, Any]:
    """`{decision, rewritten, rules: [{id, reason, hint}], commands, readers, surprises}`, and
    more. decision is what the rules say, outcome what becomes of the line. rules are the
    strictest first, commands the argv of each command as written."""
    return {
        "decision": verdict.decision.word,
        "outcome": outcome(verdict, line).word,
        "rewritten": verdict.rewritten,
        "rules": [_rule(one) for one in unique(verdict.matches)],
        "commands": [list(argv) for argv in verdict.commands],
        "readers": dict(line.readers),
        "surprises": [],
        "level": context.level.value,
        "trouble": line.trouble,
        "broken": line.broken or None,
        "incomplete": line.incomplete,
    }


def outcome(verdict: Verdict, line: Line) -> Decision:
    """What becomes of it: nobody is asked about a line that bash itself cannot read."""
    unreadable = verdict.decision is Decision.ASK and bool(line.broken)
    return Decision.DENY if unreadable else verdict.decision


def _rule(match: Match) -> dict[str, Any]:
    return {
        "id": match.rule,
        "reason": match.reason,
        "hint": match.hint,
        "decision": match.decision.word,
        "words": match.words,
        "choices": [describe_choice(choice) for choice in match.choices],
    }


def describe_choice(choice: Choice) -> dict[str, str]:
    """The JSON of an answer besides yes and no."""
    return {
        "word": choice.word,
        "key": choice.key,
        "meaning": choice.meaning,
        "effect": choice.effect,
        "setting": choice.setting,
    }


def unique(matches: Iterable[Match]) -> list[Match]:
    """Each rule once with each of its answers: `rm a; rm b` is one reason, not two."""
    found: dict[tuple[str, Decision, str | None], Match] = {}
    for one in matches:
        found.setdefault((one.rule, one.decision, one.hint), one)
    return list(found.values())


def explain_batch(
    rows: Iterable[str | bytes],
    policy: Policy,
    context: Context,
    read: Read,
) -> Iterator[dict[str, Any]]:
    """JSON lines `{"id", "command"}` to `{"id", "decision", "rules", "commands"}`, in order. A bad
    row becomes `{"id", "error"}`; blank rows are left out."""
    for number, row in enumerate(rows, start=1):
        text = row.decode("utf-8", "replace") if isinstance(row, bytes) else row
        if text.strip():
            yield _explain_row(text, number, policy, context, read)


def _explain_row(
    text: str, number: int, policy: Policy, context: Context, read: Read
) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return {"id": None, "error": f"row {number} is not JSON"}
    if not isinstance(row, dict) or not isinstance(row.get("command"), str):
        known = row.get("id") if isinstance(row, dict) else None
        return {"id": known, "error": f"row {number} has no text under 'command'"}
    verdict = judge_line(policy, read(_encodable(row["command"])), context, read=read)
    return {
        "id": row.get("id"),
        "decision": verdict.decision.word,
        "rules": [one.rule for one in unique(verdict.matches)],
        "commands": [list(argv) for argv in verdict.commands],
    }


def _encodable(text: str) -> str:
    # JSON may hold halves of surrogate pairs, which no byte on a command line can be.
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")


def refusal_text(verdict: Verdict) -> str:
    """The two lines of a refusal, each ended by a newline; the hint's only where there is one."""
    match = strictest(verdict)
    if match is None:
        return "polis: denied\n"
    return f"polis: denied by {match.rule}: {plain(match.reason, _LONGEST_HINT)}\n" + _hint(match)


def question_text(verdict: Verdict) -> str:
    """What a person is asked: each rule that asks with its reason, and the rewritten line."""
    asking = [one for one in unique(verdict.matches) if one.decision is Decision.ASK]
    lines = [f"polis: {one.rule} asks: {plain(one.reason, _LONGEST_HINT)}" for one in asking]
    lines += [f"  about: {one.words}" for one in asking[:1] if one.words]
    if verdict.rewritten is not None:
        lines.append(f"  runs as: {plain(verdict.rewritten, _LONGEST_HINT)}")
    lines += [f"hint: {plain(one.hint, _LONGEST_HINT)}" for one in asking[:1] if one.hint]
    return "".join(f"{one}\n" for one in lines or ["polis: asks"])


def strictest(verdict: Verdict) -> Match | None:
    """The match that decided, one with a hint before one without."""
    deciding = [one for one in verdict.matches if one.decision is verdict.decision]
    with_hint = [one for one in deciding if one.hint]
    return next(iter(with_hint or deciding), None)


def _hint(match: Match) -> str:
    return f"hint: {plain(match.hint, _LONGEST_HINT)}\n" if match.hint else ""
