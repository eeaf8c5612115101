"""From the mapping of one rule to a Rule."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from cash.policy.compile_keys import (
    KEYS,
    MATCHER_KEYS,
    compile_circumstance,
    compile_condition,
    compile_matcher,
)
from cash.policy.compile_values import Entry, Scope
from cash.policy.document import Mistakes, Node, PolicyFault, nearest
from cash.policy.matcher import Matcher
from cash.policy.rewriters import REWRITERS
from cash.policy.rewriters.result import Rewriter
from cash.policy.rule import Origin, Rule
from cash.policy.subject import KINDS
from cash.policy.template import ARGS, REST, Template
from cash.policy.verdict import Decision, Level

DECISIONS: Final = {
    "allow": Decision.ALLOW,
    "ask": Decision.ASK,
    "deny": Decision.DENY,
}
# Keys that are no tests of their own, with the kinds they can speak of.
_WIDE_KEYS: Final = {
    "program": frozenset(("exec", "write", "git", "connect")),
    "operation": frozenset(("git",)),
    "any": frozenset(KINDS),
}
_LEVELS = ("relaxed", "balanced", "strict")
RULE_KEYS: Final = (
    *("id", "override", "off", "locked", "on"),
    *MATCHER_KEYS,
    *("when", "unless", "while", "unknown", "decide", "rewrite", "level", "reason", "hint"),
    "examples",
)


@dataclass(frozen=True, slots=True)
class RawRule:
    """A rule as written, after overrides: each key with the file it comes from."""

    id: str
    node: Node
    entries: Mapping[str, Entry]
    layer: str

    def origin(self) -> Origin:
        """Where it stands."""
        return Origin(self.layer, self.node.file, self.node.line)


def compile_rule(raw: RawRule) -> Rule:
    """Raises PolicyFault with every mistake that can be told apart."""
    try:
        return _compile(raw)
    except PolicyFault as fault:
        mistakes = Mistakes()
        mistakes.add(fault)
        for part in _parts(raw):
            with mistakes.noted():
                part()
        mistakes.tell()
        raise


def _parts(raw: RawRule) -> tuple[Callable[[], object], ...]:
    """What can be wrong whatever else is."""
    entries = raw.entries
    texts = [entries[name].value for name in ("reason", "hint") if name in entries]
    matchers = {name: one for name, one in entries.items() if name in MATCHER_KEYS}
    return (
        lambda: _kinds(entries.get("on")),
        lambda: compile_matcher(matchers, condition=False),
        lambda: _effect(raw),
        *(text.filled for text in texts),
        lambda: _levels(entries.get("level")),
        lambda: _unknown(entries.get("unknown")),
        lambda: _when(entries),
        lambda: _locks(entries),
        lambda: _unless(entries.get("unless")),
    )


def _compile(raw: RawRule) -> Rule:
    entries = raw.entries
    kinds = _kinds(entries.get("on"))
    body = compile_matcher(
        {name: one for name, one in entries.items() if name in MATCHER_KEYS}, condition=False
    )
    _check_kinds(raw, body, kinds)
    decision, rewrite = _effect(raw)
    if "reason" not in entries:
        raise raw.node.fault(f"rule {raw.id} has no reason")
    if decision is Decision.REWRITE and kinds != {"exec"}:
        raise entries["rewrite"].value.fault("only `on: exec` can be rewritten")
    locks = _locks(entries)
    when = _when(entries)
    return Rule(
        id=raw.id,
        kinds=kinds,
        body=body,
        decision=decision,
        reason=" ".join(entries["reason"].value.filled().split()),
        hint=" ".join(entries["hint"].value.filled().split()) if "hint" in entries else None,
        rewrite=rewrite,
        levels=_levels(entries.get("level")),
        unknown=_unknown(entries.get("unknown")),
        when=_both(when, locks),
        unless=_unless(entries.get("unless")),
        locked="locked" in entries and entries["locked"].value.truth(),
        origin=raw.origin(),
    )


def _kinds(entry: Entry | None) -> frozenset[str]:
    if entry is None:
        return frozenset(("exec",))
    return frozenset(one.choice(KINDS) for one in entry.value.one_or_more())


def _check_kinds(raw: RawRule, body: Matcher, kinds: frozenset[str]) -> None:
    """A key that can speak of none of the rule's kinds is a mistake, not an empty wish; and a kind
    without a key, where others have one, would mean every action of that kind."""
    entries = raw.entries
    speaking = {
        name: test.kinds
        for name, test in zip((name for name in KEYS if name in entries), body.tests, strict=True)
    }
    speaking |= {name: found for name, found in _WIDE_KEYS.items() if name in entries}
    for name, found in speaking.items():
        if not found & kinds:
            wanted = " or ".join(kind for kind in KINDS if kind in found)
            raise entries[name].key.fault(f"`{name}` needs `on: {wanted}`")
    silent = kinds.difference(*speaking.values())
    if silent and speaking:
        kind = next(kind for kind in KINDS if kind in silent)
        raise entries["on"].value.fault(f"no key says which {kind} is meant: it would be every one")


def _effect(raw: RawRule) -> tuple[Decision, Rewriter | Template | None]:
    decide, rewrite = raw.entries.get("decide"), raw.entries.get("rewrite")
    if decide is not None and rewrite is not None:
        raise rewrite.key.fault(f"rule {raw.id} has both `decide` and `rewrite`")
    if decide is not None:
        return DECISIONS[decide.value.choice(DECISIONS)], None
    if rewrite is None:
        raise raw.node.fault(f"rule {raw.id} has neither `decide` nor `rewrite`")
    return Decision.REWRITE, _rewriter(rewrite.value)


def _rewriter(node: Node) -> Rewriter | Template:
    text = node.filled().strip()
    if len(text.split()) == 1 and "$" not in text:
        if text not in REWRITERS:
            known = nearest(text, REWRITERS)
            hint = "a template has several words: `rewrite: rg $args`"
            raise node.fault(f"no rewriter is called {text!r}{known}", hint=hint)
        return REWRITERS[text]
    try:
        words = tuple(shlex.split(text))
    except ValueError as error:
        raise node.fault(f"bad template: {str(error).lower()}") from None
    for word in words:
        if "$" in word and word not in (ARGS, REST):
            raise node.fault(f"a template knows $args and $rest, not {word!r}")
    return Template(words)


def _levels(entry: Entry | None) -> dict[Level, Decision | None]:
    if entry is None:
        return {}
    found: dict[Level, Decision | None] = {}
    for name, (_, value) in entry.value.known_entries(_LEVELS).items():
        found[Level(name)] = DECISIONS.get(value.choice((*DECISIONS, "pass")))
    return found


def _unknown(entry: Entry | None) -> Decision | None:
    return None if entry is None else DECISIONS.get(entry.value.choice(("pass", "ask", "deny")))


def _when(entries: Mapping[str, Entry]) -> Matcher | None:
    entry = entries.get("when")
    return None if entry is None else compile_condition(entry.value, entry.scope)


def _locks(entries: Mapping[str, Entry]) -> Matcher | None:
    entry = entries.get("while")
    return None if entry is None else compile_circumstance(entry.value)


def _both(when: Matcher | None, locks: Matcher | None) -> Matcher | None:
    if when is None or locks is None:
        return when or locks
    return replace(when, tests=(*when.tests, *locks.tests))


def _unless(entry: Entry | None) -> tuple[Matcher, ...]:
    if entry is None:
        return ()
    scope = Scope(entry.scope.sets, entry.scope.usages, all_by_default=True)
    nodes = entry.value.items() if entry.value.is_list else [entry.value]
    if not nodes:
        raise entry.value.fault("expected at least one condition")
    return tuple([compile_condition(node, scope) for node in nodes])
