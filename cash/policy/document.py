"""YAML as nodes that know where they stand, so that every mistake has a file and a line."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import yaml

from cash.faults import Fault

_LARGEST = 1 << 20
_DEEPEST = 24


class PolicyFault(Fault):
    """A policy that does not load. message: `FILE:LINE:COLUMN: what`; lines count from 1. more:
    the other mistakes in it."""

    more: tuple[PolicyFault, ...] = ()


@dataclass(slots=True)
class Mistakes:
    """Collects what is wrong, so that a person hears all of it at once."""

    found: dict[str, PolicyFault] = field(default_factory=dict)

    def add(self, fault: PolicyFault) -> None:
        """Once each: one may be found in two ways."""
        for one in (fault, *fault.more):
            self.found.setdefault(one.message, one)

    @contextlib.contextmanager
    def noted(self) -> Iterator[None]:
        """What is wrong in here is told later."""
        try:
            yield
        except PolicyFault as fault:
            self.add(fault)

    def tell(self) -> None:
        """Raises the first with all others, if there is any."""
        if self.found:
            first, *others = self.found.values()
            first.more = tuple([one for one in others if one is not first])
            raise first


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML value with its place. `on:` and `no` stay the text they are."""

    file: str
    raw: yaml.Node

    def fault(self, message: str, *, at: int = 0, hint: str | None = None) -> PolicyFault:
        """A fault at this node; at: characters behind its start, in a scalar's text."""
        mark = self.raw.start_mark
        quoted = isinstance(self.raw, yaml.ScalarNode) and self.raw.style in ("'", '"')
        column = mark.column + 1 + (at + quoted if at else 0)
        return PolicyFault(f"{self.file}:{mark.line + 1}:{column}: {message}", hint=hint)

    @property
    def line(self) -> int:
        """From 1."""
        return int(self.raw.start_mark.line) + 1

    @property
    def is_text(self) -> bool:
        """Whether it is a scalar."""
        return isinstance(self.raw, yaml.ScalarNode)

    @property
    def is_plain(self) -> bool:
        """Whether it is a scalar without quotes."""
        return isinstance(self.raw, yaml.ScalarNode) and not self.raw.style

    @property
    def is_list(self) -> bool:
        """Whether it is a sequence."""
        return isinstance(self.raw, yaml.SequenceNode)

    @property
    def is_map(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.raw, yaml.MappingNode)

    def text(self) -> str:
        """A scalar as it is written."""
        if not isinstance(self.raw, yaml.ScalarNode):
            raise self.fault(f"expected text, not {_kind(self.raw)}")
        return str(self.raw.value)

    def filled(self) -> str:
        """A scalar that says something."""
        text = self.text()
        if not text.strip():
            raise self.fault("expected text, not nothing")
        return text

    def truth(self) -> bool:
        """true or false."""
        if self.is_text and self.raw.value in ("true", "false"):
            return bool(self.raw.value == "true")
        raise self.fault("expected true or false")

    def number(self) -> int:
        """A whole number."""
        text = self.text()
        if not (text.isascii() and text.isdigit()):
            raise self.fault("expected a number")
        return int(text)

    def items(self) -> list[Node]:
        """The members of a sequence."""
        if not isinstance(self.raw, yaml.SequenceNode):
            raise self.fault(f"expected a list, not {_kind(self.raw)}")
        return [Node(self.file, one) for one in self.raw.value]

    def one_or_more(self) -> list[Node]:
        """A scalar as a list of one, or the members of a sequence that is not empty."""
        if self.is_text:
            return [self]
        found = self.items()
        if not found:
            raise self.fault("expected at least one entry")
        return found

    def entries(self) -> dict[str, tuple[Node, Node]]:
        """A mapping: key → (key, value). A key given twice is a fault."""
        if not isinstance(self.raw, yaml.MappingNode):
            raise self.fault(f"expected a mapping, not {_kind(self.raw)}")
        found: dict[str, tuple[Node, Node]] = {}
        for raw_key, raw_value in self.raw.value:
            key = Node(self.file, raw_key)
            name = key.text()
            if name in found:
                raise key.fault(f"{name} is given twice (first in line {found[name][0].line})")
            found[name] = key, Node(self.file, raw_value)
        return found

    def known_entries(self, known: Iterable[str]) -> dict[str, tuple[Node, Node]]:
        """entries() whose keys are all among known."""
        found = self.entries()
        names = list(known)
        mistakes = Mistakes()
        for name, (key, _) in found.items():
            if name not in names:
                mistakes.add(key.fault(f"unknown key {name!r}{nearest(name, names)}"))
        mistakes.tell()
        return found

    def choice(self, known: Iterable[str]) -> str:
        """A scalar among known."""
        text, names = self.text(), list(known)
        if text not in names:
            listed = ", ".join(names)
            raise self.fault(f"{text!r} is not one of {listed}{nearest(text, names)}")
        return text


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean …?)`, or nothing when nothing is near."""
    found = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


def read_document(data: bytes, file: str) -> Node:
    """The file's one document. Raises PolicyFault."""
    if len(data) > _LARGEST:
        raise PolicyFault(f"{file}: larger than 1 MB")
    try:
        root = yaml.compose(data, Loader=yaml.CBaseLoader)
    except yaml.MarkedYAMLError as error:
        raise PolicyFault(_describe(error, file)) from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise PolicyFault(f"{file}: is no YAML text: {first}") from None
    if root is None:
        raise PolicyFault(f"{file}: is empty", hint="a policy begins with `version: 1`")
    _check(root, file, set(), 0)
    return Node(file, root)


def _describe(error: yaml.MarkedYAMLError, file: str) -> str:
    mark = error.problem_mark or error.context_mark
    place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark is not None else file
    return f"{place}: {error.problem or error.context or 'is no YAML'}"


def _check(node: yaml.Node, file: str, seen: set[int], depth: int) -> None:
    """No aliases (a few lines of them are gigabytes) and no depths."""
    if id(node) in seen:
        hint = "name a list under `sets:` and use it as $name"
        raise Node(file, node).fault("YAML aliases are not read", hint=hint)
    seen.add(id(node))
    if depth > _DEEPEST:
        raise Node(file, node).fault("nested too deeply")
    if isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _check(one, file, seen, depth + 1)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _check(key, file, seen, depth + 1)
            _check(value, file, seen, depth + 1)


def _kind(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return "text"
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
