"""Layers of files into one Policy; a mistake names its file and line, and nothing is loaded."""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cash.policy.clashes import CLASHES, ClashRule
from cash.policy.compile_rule import RULE_KEYS, RawRule, compile_rule
from cash.policy.compile_values import Entry, Scope, compile_path_patterns
from cash.policy.defaults import BUILTIN_RULES
from cash.policy.document import Mistakes, Node, PolicyFault, nearest, read_document
from cash.policy.examples import Example, check_examples, read_examples, read_here
from cash.policy.judge import Read
from cash.policy.layers import Layer
from cash.policy.pattern import NAMES, PLACES, names_in
from cash.policy.policy import Policy
from cash.policy.programs import SETS
from cash.policy.rule import Rule
from cash.policy.usage import Usage, make_usage
from cash.policy.verdict import Decision

__all__ = ["Layer", "Loaded", "PolicyFault", "load_policy", "read_policy"]

_FILE_KEYS = ("version", "description", "sets", "programs", "locks", "rules")
_LOCKS_KEYS = ("paths", "clash")
_PROGRAM_KEYS = ("values", "aliases", "bundles")
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_SET_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_LONGEST_ID = 64


@dataclass(slots=True)
class _Loading:
    """What has been read so far, in order. broken: the ids of rules that could not be."""

    rules: dict[str, RawRule] = field(default_factory=dict)
    compiled: dict[str, Rule] = field(default_factory=dict)
    beside: list[Rule] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    clashes: list[ClashRule] = field(default_factory=list)
    checks: list[tuple[Rule, tuple[Example, ...]]] = field(default_factory=list)
    mistakes: Mistakes = field(default_factory=Mistakes)
    broken: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A policy with the examples of its rules, as far as they are in force."""

    policy: Policy
    examples: tuple[tuple[Rule, tuple[Example, ...]], ...]


def load_policy(
    layers: Sequence[Layer], *, examples: bool = True, read: Read = read_here
) -> Policy:
    """The policy of all layers. Raises PolicyFault with every mistake, with every example that
    fails, and when there is no rule at all. examples: False skips judging them (for bytes that
    have been checked before). read: how their lines are read."""
    loaded = read_policy(layers)
    if examples:
        mistakes = Mistakes()
        for rule, shown in loaded.examples:
            with mistakes.noted():
                check_examples(rule, shown, read)
        mistakes.tell()
    return loaded.policy


def read_policy(layers: Sequence[Layer]) -> Loaded:
    """The same with its examples, which are not judged."""
    loading = _Loading()
    digest = hashlib.sha256()
    for layer in layers:
        for path in layer.paths:
            with loading.mistakes.noted():
                data = _read(path)
                tag = f"{layer.name}\0{layer.tighten_only}\0{path.name}\0{len(data)}\0"
                digest.update(tag.encode("utf-8", "surrogateescape") + data)
                _add_file(read_document(data, str(path)), layer, loading)
    loading.mistakes.tell()
    rules = [*loading.compiled.values(), *loading.beside]
    if not rules:
        raise PolicyFault(
            "no policy has any rule", hint="polis never runs without one; restore policies/"
        )
    policy = Policy(rules, digest.hexdigest(), loading.notes, loading.clashes)
    return Loaded(policy, tuple(loading.checks))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = (error.strerror or "unreadable").lower()
        raise PolicyFault(f"{path}: cannot be read: {reason}") from None


def _add_file(root: Node, layer: Layer, loading: _Loading) -> None:
    entries = root.known_entries(_FILE_KEYS)
    if "version" not in entries:
        raise root.fault("no version", hint="a policy begins with `version: 1`")
    if entries["version"][1].text() != "1":
        raise entries["version"][1].fault("only version 1 is known")
    if "rules" not in entries and "locks" not in entries:
        raise root.fault("no rules")
    if "description" in entries:
        entries["description"][1].text()
    sets = _sets(entries["sets"][1]) if "sets" in entries else {}
    usages = _usages(entries["programs"][1]) if "programs" in entries else {}
    scope = Scope({**SETS, **sets}, usages)
    for node in entries["locks"][1].items() if "locks" in entries else ():
        with loading.mistakes.noted():
            _add_clash(node, scope, layer, loading)
    for node in entries["rules"][1].items() if "rules" in entries else ():
        try:
            _add_rule(node, scope, layer, loading)
        except PolicyFault as fault:
            loading.mistakes.add(fault)
            loading.broken.update(_ids_of(node))


def _add_clash(node: Node, scope: Scope, layer: Layer, loading: _Loading) -> None:
    entries = {name: value for name, (_, value) in node.known_entries(_LOCKS_KEYS).items()}
    for name in _LOCKS_KEYS:
        if name not in entries:
            raise node.fault(f"an entry of `locks` without {name}")
    clash = CLASHES[CLASHES.index(entries["clash"].choice(CLASHES))]
    paths = compile_path_patterns(entries["paths"], scope)
    if layer.tighten_only and clash != "lock":
        loading.notes.append(f"{node.file}:{node.line}: not trusted, so {clash} does nothing")
    else:
        loading.clashes.append(ClashRule(paths, clash))


def _ids_of(node: Node) -> set[str]:
    """The rule's id, if it can be read: what overrides it is not wrong because of it."""
    with contextlib.suppress(PolicyFault):
        return {value.text() for name, (_, value) in node.entries().items() if name == "id"}
    return set()


def _sets(node: Node) -> Mapping[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for name, (key, value) in node.entries().items():
        if not _SET_NAME.match(name) or name in SETS or name in NAMES or name in PLACES:
            raise key.fault(f"{name!r} cannot name a set")
        members = [one.filled() for one in value.one_or_more()]
        # Only sets that stand before it: so there are no circles.
        for member in members:
            for known, _ in names_in(member):
                if known not in (*SETS, *found, *NAMES, *PLACES):
                    raise value.fault(f"unknown set ${known}")
        found[name] = [one for member in members for one in _members(member, found)]
    return found


def _members(member: str, known: Mapping[str, Sequence[str]]) -> Sequence[str]:
    return known.get(member[1:], (member,)) if member.startswith("$") else (member,)


def _usages(node: Node) -> Mapping[str, Usage]:
    found: dict[str, Usage] = {}
    for name, (_, value) in node.entries().items():
        entries = {key: one for key, (_, one) in value.known_entries(_PROGRAM_KEYS).items()}
        values = [one.filled() for one in entries["values"].items()] if "values" in entries else []
        groups = entries["aliases"].items() if "aliases" in entries else []
        aliases = [" ".join(one.filled() for one in group.items()) for group in groups]
        bundles = entries["bundles"].truth() if "bundles" in entries else True
        found[name] = make_usage(" ".join(values), ",".join(aliases), bundles=bundles)
    return found


def _add_rule(node: Node, scope: Scope, layer: Layer, loading: _Loading) -> None:
    entries = {
        name: Entry(key, value, scope)
        for name, (key, value) in node.known_entries(RULE_KEYS).items()
    }
    if "override" in entries:
        _add_override(node, entries, layer, loading)
        return
    if "id" not in entries:
        raise node.fault("a rule without an id")
    name = _rule_id(entries["id"].value, loading)
    if "off" in entries:
        raise entries["off"].key.fault("`off` goes with `override`")
    if "examples" not in entries:
        raise node.fault(f"rule {name} has no examples")
    _add(RawRule(name, node, entries, layer.name), layer, loading)


def _rule_id(node: Node, loading: _Loading) -> str:
    name = node.text()
    if not _ID.match(name) or len(name) > _LONGEST_ID:
        raise node.fault(f"{name!r} is no id: lower-case words with dashes")
    if name in BUILTIN_RULES:
        raise node.fault(f"{name} is a rule of polis itself")
    if name in loading.rules:
        first = loading.rules[name].origin()
        hint = f"to change that rule: `override: {name}`"
        raise node.fault(f"rule {name} stands in {first.file}:{first.line} already", hint=hint)
    return name


def _add_override(
    node: Node, entries: Mapping[str, Entry], layer: Layer, loading: _Loading
) -> None:
    target = entries["override"].value
    name = target.text()
    if name in BUILTIN_RULES:
        hint = (
            f"add a rule of your own: the strictest counts, and {name} goes by `polis policy level`"
        )
        raise target.fault(f"{name} is a rule of polis itself, which no file changes", hint=hint)
    if name not in loading.rules and name in loading.broken:
        return
    if name not in loading.rules:
        raise target.fault(f"no earlier rule is called {name!r}{nearest(name, loading.rules)}")
    if "id" in entries:
        raise entries["id"].key.fault("an override has the id of the rule it changes")
    if "reason" not in entries:
        raise node.fault(f"the override of {name} has no reason")
    base = loading.rules[name]
    if "locked" in base.entries and base.entries["locked"].value.truth():
        origin = base.origin()
        raise target.fault(f"rule {name} is locked ({origin.file}:{origin.line})")
    if "off" in entries and entries["off"].value.truth():
        if layer.tighten_only:
            loading.notes.append(f"{node.file}:{node.line}: not trusted, so {name} stays on")
        else:
            loading.compiled.pop(name, None)
        return
    kept = {key: one for key, one in base.entries.items() if key not in _replaced(entries)}
    changed = {key: one for key, one in entries.items() if key not in ("override", "off")}
    _add(RawRule(name, node, {**kept, **changed}, layer.name), layer, loading, override=True)


def _replaced(entries: Mapping[str, Entry]) -> set[str]:
    """Keys of the old rule that do not stay: its examples, and the other kind of effect."""
    found = {"examples", *entries}
    if "decide" in entries:
        found.add("rewrite")
    if "rewrite" in entries:
        found.add("decide")
    return found


def _add(raw: RawRule, layer: Layer, loading: _Loading, *, override: bool = False) -> None:
    rule = compile_rule(raw)
    if "examples" in raw.entries:
        examples = read_examples(raw.entries["examples"])
        if not examples:
            raise raw.entries["examples"].value.fault(f"rule {raw.id} has no examples")
        loading.checks.append((rule, examples))
    if layer.tighten_only:
        tight = _tightened(rule, loading)
        if not override:
            loading.rules[raw.id] = raw
        if tight is not None:
            loading.beside.append(tight)
        return
    loading.rules[raw.id] = raw
    loading.compiled[raw.id] = rule


def _tightened(rule: Rule, loading: _Loading) -> Rule | None:
    """What an untrusted layer's rule may do: ask and deny."""
    place = f"{rule.origin.file}:{rule.origin.line}"
    if rule.decision is Decision.ALLOW:
        loading.notes.append(f"{place}: not trusted, so {rule.id} allows nothing")
        return None
    levels = {
        level: decision
        for level, decision in rule.levels.items()
        if decision is None or decision >= Decision.ASK
    }
    if rule.decision is Decision.REWRITE:
        loading.notes.append(f"{place}: not trusted, so {rule.id} asks instead of rewriting")
        return replace(rule, decision=Decision.ASK, rewrite=None, levels=levels)
    return replace(rule, levels=levels)
