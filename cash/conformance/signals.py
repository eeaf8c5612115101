"""What a trace tells, signal by signal, and which of them another one has lost. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cash.conformance.traces import Trace
from cash.providers.manifest import Manifest
from cash.sessions.screens import read_screen
from cash.sessions.streams.reading import read_line

# By the name of the signal, for example `hook PreToolUse`: all that polis reads from it.
Signals = Mapping[str, frozenset[str]]

_NAMES = {str: "text", bool: "yes or no", int: "number", float: "number", dict: "mapping"}


@dataclass(frozen=True, slots=True)
class Broken:
    """A signal that is not told any more as it was. came: what is told in its place."""

    signal: str
    expected: tuple[str, ...]
    came: tuple[str, ...]

    def describe(self) -> dict[str, Any]:
        """Its JSON."""
        return {"signal": self.signal, "expected": list(self.expected), "came": list(self.came)}


def read_signals(trace: Trace, manifest: Manifest, output: str) -> Signals:
    """What polis reads from a trace. output: the format of its stream."""
    found: dict[str, set[str]] = {}
    for name, fact in (*_of_stream(trace, output), *_of_screens(trace, manifest)):
        found.setdefault(name, set()).add(fact)
    return {name: frozenset(facts) for name, facts in found.items()} | _of_hooks(trace)


def compare(expected: Signals, came: Signals) -> tuple[Broken, ...]:
    """Those that have lost something. What is told beyond is no loss."""
    found = []
    for name, facts in sorted(expected.items()):
        told = came.get(name, frozenset())
        if lost := facts - told:
            found.append(Broken(name, tuple(sorted(lost)), tuple(sorted(told - facts))))
    return tuple(found)


def _of_stream(trace: Trace, output: str) -> Iterator[tuple[str, str]]:
    for event in trace.stream:
        signal = read_line(output, json.dumps(event), 0.0)
        if signal is not None:
            of_call = " of a call" if signal.call else ""
            yield f"stream {_kind(event)}", f"{signal.status}{of_call}: {signal.reason}"


def _kind(event: Mapping[str, Any]) -> str:
    """Which event it is: by its type and that of what it carries."""
    words = [event.get("type"), event.get("subtype"), event.get("role")]
    match event:
        case {"item": {"type": kind}} | {"message": {"content": [*_, {"type": kind}]}}:
            words.append(kind)
        case _:
            pass
    return " ".join(str(word) for word in words if word)


def _of_screens(trace: Trace, manifest: Manifest) -> Iterator[tuple[str, str]]:
    for shown in trace.screens:
        signal = read_screen(manifest, shown["text"], 0.0)
        yield f"screen {shown['screen']}", signal.status if signal else "unknown"


def _of_hooks(trace: Trace) -> dict[str, frozenset[str]]:
    """The fields that every event of a name has, and what they are."""
    found: dict[str, frozenset[str]] = {}
    for event in trace.hooks:
        name, fields = f"hook {event.get('hook_event_name')}", frozenset(_fields(event))
        found[name] = found[name] & fields if name in found else fields
    return found


def _fields(event: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in event.items():
        yield f"{above}{key}: {_NAMES.get(type(value), 'list or nothing')}"
        if key == "tool_input" and isinstance(value, dict):
            yield from _fields(value, f"{key}.")
