"""Examples: every rule shows what it does, and is held to it when it is loaded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from cash.policy.action import Action, Connect, ToolCall, Write
from cash.policy.compile_keys import KINDS_OF_WRITE
from cash.policy.compile_values import Entry
from cash.policy.context import Context, Facts
from cash.policy.defaults import BUILTIN_RULES
from cash.policy.document import Mistakes, Node
from cash.policy.judge import Read, judge_line
from cash.policy.policy import Policy
from cash.policy.rule import Rule
from cash.policy.verdict import Decision, Level, Verdict
from cash.syntax import read
from cash.syntax.command import Line, Word

OUTCOMES: Final = ("allow", "rewrite", "ask", "deny", "pass")
USUAL: Final = Context(
    agent="alice",
    branch="agent/alice",
    tree="/home/user/project",
    home="/home/user",
    cwd="/home/user/project",
    facts=Facts(
        lockfiles=frozenset(("pnpm-lock.yaml",)),
        programs=frozenset(("node", "npm", "npx", "pnpm", "yarn")),
    ),
)
_CASE_KEYS = ("line", "host", "port", "write", "kind", "count", "tool", "arguments")


@dataclass(frozen=True, slots=True)
class Example:
    """subject: a line, or an action of another kind. becomes: the rewritten line."""

    node: Node
    subject: str | Action
    expected: str
    becomes: str | None = None
    context: Context = field(default_factory=Context)
    surprise: bool = False


def read_examples(entry: Entry) -> tuple[Example, ...]:
    """The examples of a rule. Raises PolicyFault."""
    entries = entry.value.known_entries((*OUTCOMES, "given", "cases"))
    given = entries.get("given")
    context, surprise = (USUAL, False) if given is None else _given(given[1], USUAL)
    found = [
        replace(example, context=context, surprise=surprise)
        for name in OUTCOMES
        if name in entries
        for example in _of_outcome(name, entries[name][1])
    ]
    if "cases" in entries:
        found += [_case(node, context, surprise) for node in entries["cases"][1].items()]
    return tuple(found)


def _of_outcome(name: str, node: Node) -> Iterator[Example]:
    if name == "rewrite" and node.is_map:
        for key, value in node.entries().values():
            yield Example(key, key.text(), name, value.text())
        return
    for one in node.one_or_more():
        yield Example(one, one.text(), name)


def _case(node: Node, context: Context, surprise: bool) -> Example:
    entries = node.known_entries((*_CASE_KEYS, "given", "expect", "becomes"))
    values = {name: value for name, (_, value) in entries.items()}
    if "expect" not in values:
        raise node.fault("a case says what it is to `expect`")
    if "given" in values:
        context, surprise = _given(values["given"], context)
    becomes = values["becomes"].text() if "becomes" in values else None
    expected = values["expect"].choice(OUTCOMES)
    return Example(node, _case_subject(node, values), expected, becomes, context, surprise)


def _case_subject(node: Node, values: Mapping[str, Node]) -> str | Action:
    match [name for name in ("line", "host", "write", "tool") if name in values]:
        case ["line"]:
            return values["line"].text()
        case ["host"]:
            return Connect(
                values["host"].filled(), values["port"].number() if "port" in values else 443
            )
        case ["write"]:
            text = values["write"].filled()
            kind = values["kind"].choice(KINDS_OF_WRITE) if "kind" in values else "overwrite"
            count = values["count"].number() if "count" in values else 0
            return Write(Word((text,), text), kind, count=count)  # type: ignore[arg-type]
        case ["tool"]:
            pairs = values["arguments"].entries().values() if "arguments" in values else ()
            return ToolCall(
                values["tool"].filled(), {key.text(): value.text() for key, value in pairs}
            )
        case _:
            raise node.fault("a case is one of line, host, write or tool")


_GIVEN = (
    *("agent", "branch", "level", "cwd", "enforced", "surprise", "lockfiles", "programs"),
    *("adopted", "git_config"),
)


def _given(node: Node, context: Context) -> tuple[Context, bool]:
    values = {name: value for name, (_, value) in node.known_entries(_GIVEN).items()}
    facts = context.facts
    if "lockfiles" in values:
        facts = replace(facts, lockfiles=_names(values["lockfiles"]))
    if "programs" in values:
        facts = replace(facts, programs=_names(values["programs"]))
    if "adopted" in values:
        facts = replace(facts, adopted=values["adopted"].text())
    if "git_config" in values:
        pairs = values["git_config"].entries().values()
        facts = replace(facts, git_config={key.text().lower(): one.text() for key, one in pairs})
    context = replace(context, facts=facts)
    if "agent" in values:
        context = replace(context, agent=values["agent"].text())
    if "branch" in values:
        context = replace(context, branch=values["branch"].text())
    if "level" in values:
        level = Level(values["level"].choice([one.value for one in Level]))
        context = replace(context, level=level)
    if "cwd" in values:
        folder = values["cwd"].filled()
        cwd = folder if folder.startswith("/") else f"{context.tree}/{folder}"
        context = replace(context, cwd=cwd)
    if "enforced" in values:
        context = replace(context, enforced=values["enforced"].truth())
    return context, "surprise" in values and values["surprise"].truth()


def _names(node: Node) -> frozenset[str]:
    return frozenset(one.text() for one in node.items())


def read_here(text: str) -> Line:
    """An example's line, read by one reader in this process."""
    return read(text, entry=False)


def check_examples(rule: Rule, examples: Sequence[Example], read: Read = read_here) -> None:
    """Judges each example by the rule alone. Raises PolicyFault with all that fail."""
    alone, mistakes = Policy((rule,)), Mistakes()
    for example in examples:
        with mistakes.noted():
            _check_example(alone, rule, example, read)
    mistakes.tell()


def _check_example(alone: Policy, rule: Rule, example: Example, read: Read) -> None:
    outcome, rewritten = _outcome_of(judge_example(alone, example, read), rule)
    if outcome != example.expected:
        raise example.node.fault(
            f"rule {rule.id}: {_shown(example)} {_said(outcome)}, not {example.expected!r}"
        )
    if example.becomes is not None and rewritten != example.becomes:
        raise example.node.fault(
            f"rule {rule.id}: {_shown(example)} becomes {rewritten!r}, not {example.becomes!r}"
        )


def judge_example(policy: Policy, example: Example, read: Read = read_here) -> Verdict:
    """The verdict on an example. Raises PolicyFault when its line cannot be read."""
    if not isinstance(example.subject, str):
        return policy.judge((example.subject,), example.context)
    line = read(example.subject)
    if line.trouble is not None:
        raise example.node.fault(f"the example cannot be read: {line.trouble}")
    return judge_line(policy, line, example.context, read=read, surprise=example.surprise)


def _outcome_of(verdict: Verdict, rule: Rule) -> tuple[str, str | None]:
    own = [one.decision for one in verdict.matches if one.rule not in BUILTIN_RULES]
    if not own:
        return "pass", None
    strictest = max(own)
    if strictest is Decision.REWRITE and rule.decision is not Decision.REWRITE:
        return "pass", None
    return strictest.word, verdict.rewritten


def _shown(example: Example) -> str:
    match example.subject:
        case str() as text:
            return f"example {text!r}"
        case Connect(host=host, port=port):
            return f"example host {host}:{port}"
        case Write(path=path, kind=kind):
            return f"example write {path.text} ({kind})"
        case ToolCall(tool=tool):
            return f"example tool {tool}"
        case _:
            return "an example"


def _said(outcome: str) -> str:
    return "is not matched" if outcome == "pass" else f"gives {outcome!r}"
