"""What an agent's own program tells at a hook, and what it is told back, whatever its protocol."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal[
    "session-begins",
    "prompted",
    "tool-begins",
    "tool-ends",
    "asks-permission",
    "waits-for-input",
    "turn-ends",
    "session-ends",
    "failed",
    "other",
]
_LONGEST_NOTE = 500
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One thing told. name: the event's own name. call: the provider's id of a tool call, or one
    made from it; "" for none. line: what a shell tool is to run. intent: what the model says it is
    for. writes: the files a tool is to change, as named. note: for people, one line. can_ask: its
    program sits at a terminal with a person, and can show a question of ours."""

    kind: Kind
    name: str
    session: str = ""
    tool: str = ""
    call: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    line: str | None = None
    intent: str = ""
    writes: tuple[str, ...] = ()
    cwd: str = ""
    note: str = ""
    can_ask: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """What polis says: nothing, let your person confirm this, or do not. text: why, and how it can
    be done. There is no "allow": a hook never makes a program ask less than it would."""

    decision: Literal["none", "ask", "deny"] = "none"
    text: str = ""


NO_OPINION = Ruling()


@dataclass(frozen=True, slots=True)
class Told:
    """How the hook's process ends: status, and what it prints on standard output."""

    status: int = 0
    out: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A hook's input. values: the JSON. event: the event's name where the installed command says
    it ("" else). entry: how the program was started, in its own words ("" for unknown)."""

    values: Mapping[str, Any]
    event: str = ""
    entry: str = ""

    def text(self, *names: str) -> str:
        """The first of these that is a text; "" for none."""
        found = (self.values.get(name) for name in names)
        return next((one for one in found if isinstance(one, str)), "")

    def identifier(self, *names: str) -> str:
        """The same for what is remembered, and no longer than such ids are."""
        return self.text(*names)[:_LONGEST_ID]


@dataclass(frozen=True, slots=True)
class Protocol:
    """One provider's hooks. read: its input. tell: a ruling in its words. place: the settings
    file, from the home. template: the same, among hooks/. skill: where its program looks for
    skills, from the home; "" for nowhere."""

    read: Callable[[Asked], HookEvent]
    tell: Callable[[HookEvent, Ruling], Told]
    place: str
    template: str
    skill: str = ""


def read_input(payload: bytes) -> Mapping[str, Any]:
    """The JSON object of a hook's input. ValueError when it is none."""
    try:
        values = json.loads(payload)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(values, dict):
        raise ValueError("no JSON object")  # noqa: TRY004
    return values


def texts_of(values: object) -> dict[str, str]:
    """A tool's arguments as texts, which is what rules compare; what is none, as JSON."""
    if isinstance(values, str):  # Cursor's and Copilot's are JSON in a text
        try:
            return texts_of(read_input(values.encode("utf-8", "surrogatepass")))
        except ValueError:
            return {"input": values}
    if not isinstance(values, Mapping):
        return {}
    return {str(name): _as_text(value) for name, value in values.items()}


def name_call(provider: str, session: str, tool: str, arguments: Mapping[str, str]) -> str:
    """An id for a call of a program that gives it none: the same before and after. Of two equal
    calls at once nobody can tell which has ended."""
    called = json.dumps([session, tool, sorted(arguments.items())]).encode()
    return f"{provider}-{hashlib.blake2b(called, digest_size=8).hexdigest()}" if tool else ""


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def shorten(text: str) -> str:
    """A text from elsewhere as one line for people."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_NOTE else f"{line[:_LONGEST_NOTE]}…"
