"""What an agent is doing, decided from everything that was heard of it. Pure.

Protocol > hook > process > screen. One that is too old, or that a lower one proves wrong, is not
believed, and where nothing is left the answer is unknown: a wrong word costs more than none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cash.sessions.signal import Signal, Source, Status

Walls = Literal["down", "rising", "standing"]

# How long a word is believed that nothing renews, in seconds. What ends only by an event that is
# told (idle, waiting, completed, error) does not age while its program lives. A hook tells the
# start of a tool call, and the longest that the CLIs allow is ten minutes; a protocol tells every
# step. A screen is looked at again and again, so an old look is none.
_BELIEVED: Mapping[tuple[Source, Status], float] = {
    (Source.PROTOCOL, "running"): 1800.0,
    (Source.HOOK, "running"): 900.0,
    **{
        (Source.SCREEN, status): 30.0
        for status in ("running", "idle", "waiting_input", "waiting_approval", "error")
    },
}
# No CLI tells by its hooks that a person pressed Esc (claude-code #9516, codex #22858), at work or
# at a question, but all show their prompt then. They show it for a moment between two steps too.
_SETTLED = 5.0
_DISPROVED_BY: Mapping[Status, tuple[Status, ...]] = {
    "running": ("idle", "waiting_input", "waiting_approval", "error"),
    "waiting_approval": ("idle", "running", "error"),
    "waiting_input": ("idle", "running", "error"),
}
# What may be true of a program that has ended.
_FINAL: tuple[Status, ...] = ("completed", "error", "stopped")


@dataclass(frozen=True, slots=True)
class Heard:
    """The last word of one source, and since when it has said the same."""

    signal: Signal
    since: float

    def then(self, signal: Signal) -> Heard:
        """What is known after the next word of the same source."""
        same = signal.status == self.signal.status
        return Heard(signal, self.since if same else signal.at)


@dataclass(frozen=True, slots=True)
class Ended:
    """The provider's own program ended with `code`, as a shell gives it, which by its manifest
    means `status`."""

    code: int
    status: Status
    at: float


@dataclass(frozen=True, slots=True)
class Facts:
    """What polisd itself sees. alive: the provider's own program runs inside. began: when it was
    started by polis, 0 for by somebody else or never. headless: to do one task and end. ended:
    how the last one ended, unless another has begun since. commands: how many that polis was
    asked to run do. doing: what kind of program runs, "" for none."""

    at: float
    walls: Walls
    since: float = 0.0
    alive: bool = False
    began: float = 0.0
    headless: bool = False
    ended: Ended | None = None
    commands: int = 0
    paused: bool = False
    paused_since: float = 0.0
    doing: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """A question of this agent that nobody has answered. shown: what it is about. held: something
    waits for the answer; else its asker was told to send it again."""

    id: str
    asked: float
    shown: str
    held: bool = True


@dataclass(frozen=True, slots=True)
class State:
    """status, and who says so. since: seconds since the epoch. call: see Signal."""

    status: Status
    source: Source
    since: float
    reason: str
    call: str = ""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one source says, and why it was not believed; "" for believed or not asked."""

    heard: Heard
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A state, and all that was said. change: what would make it another one, for people."""

    state: State
    opinions: tuple[Opinion, ...]
    change: str


def decide_state(heard: Iterable[Heard], facts: Facts, questions: Sequence[Open]) -> State:
    """What to show. heard: the last of each source."""
    return weigh(heard, facts, questions).state


def weigh(heard: Iterable[Heard], facts: Facts, questions: Sequence[Open]) -> Weighed:
    """The state and the way to it."""
    seen = read_facts(facts)
    said = [one for one in heard if one.signal.source is not Source.PROCESS]
    every = sorted([*said, *([seen] if seen else [])], key=lambda one: -one.signal.source)
    opinions = tuple(Opinion(one, _doubt(one, every, facts)) for one in every)
    believed = _first_believed(opinions)
    if believed and _goes_on(believed) and not any(one.held for one in questions):
        questions = ()
    state = _own_word(facts, questions) or believed or _nothing(opinions, facts)
    return Weighed(state, opinions, _CHANGE[state.status])


def read_facts(facts: Facts) -> Heard | None:
    """What the processes alone say; None where they prove nothing: a terminal program that waits
    for its person looks like one that waits for its model."""

    def say(status: Status, reason: str, since: float) -> Heard:
        return Heard(Signal(Source.PROCESS, status, reason, facts.at), since)

    if facts.walls != "standing":
        return None
    if facts.alive:
        return say("running", "its task has not ended", facts.began) if facts.headless else None
    if facts.ended is not None:
        return _read_end(facts.ended)
    if facts.commands:
        what = f": {facts.doing}" if facts.doing else ""
        return say("running", f"a command has not ended{what}", facts.since)
    if facts.began:
        return None  # it is gone, and nobody saw how
    return say("idle", "nothing runs inside", facts.since)


def _read_end(ended: Ended) -> Heard:
    reason = f"its program ended with {ended.code}"
    signal = Signal(Source.PROCESS, ended.status, reason, ended.at)
    return Heard(signal, ended.at)


def _goes_on(state: State) -> bool:
    """Whether the agent's own program says that it waits for no answer of polis' any more: it does
    something else, or has failed."""
    return state.source is not Source.PROCESS and state.status != "idle"


def _own_word(facts: Facts, questions: Sequence[Open]) -> State | None:
    """What polis need not be told by anybody."""
    if questions:
        first = min(questions, key=lambda one: one.asked)
        more = f" and {len(questions) - 1} more" if len(questions) > 1 else ""
        words = f"asks {first.id}{more}: {first.shown}"
        return State("waiting_approval", Source.PROTOCOL, first.asked, words)
    match facts.walls:
        case "down":
            return State("stopped", Source.PROCESS, facts.since, "its walls do not stand")
        case "rising":
            return State("creating", Source.PROCESS, facts.since, "its walls are being raised")
        case "standing":
            pass
    if facts.paused:
        return State("paused", Source.PROCESS, facts.paused_since or facts.since, "it is paused")
    return None


def _first_believed(opinions: Iterable[Opinion]) -> State | None:
    for opinion in opinions:
        if not opinion.doubt:
            signal = opinion.heard.signal
            return State(
                signal.status, signal.source, opinion.heard.since, signal.reason, signal.call
            )
    return None


def _nothing(opinions: Sequence[Opinion], facts: Facts) -> State:
    if facts.alive:
        reason = "nothing was heard of it" if not opinions else "what was heard of it is not so"
    else:
        reason = "its program is gone, and how it ended was not seen"
    return State("unknown", Source.PROCESS, facts.since, reason)


def _doubt(one: Heard, every: Sequence[Heard], facts: Facts) -> str:
    """Why this is not believed, whatever its rank; "" when nothing speaks against it."""
    signal = one.signal
    if signal.source is Source.PROCESS:
        return ""
    if signal.at < facts.began:
        return "it is of an earlier run"
    if not facts.alive and signal.status not in _FINAL:
        return "its program is gone"
    if facts.alive and signal.status == "completed" and not facts.headless:
        return "its program has not ended"
    if facts.alive and facts.headless and signal.status == "idle":
        return "its task has not ended"  # a session that starts calls itself idle
    if signal.status in ("idle", "error") and any(_bars(other, facts) for other in every):
        # Its own screen says it better, and a program that has just started calls itself idle.
        return "" if signal.bars else "its program wants to be logged in"
    age = facts.at - signal.at
    if age > _BELIEVED.get((signal.source, signal.status), age):
        return f"nothing has renewed it for {age:.0f} s"
    return _contradiction(one, every, facts)


def _bars(one: Heard, facts: Facts) -> bool:
    signal = one.signal
    return signal.bars and facts.alive and facts.began <= signal.at and _is_fresh(signal, facts)


def _is_fresh(signal: Signal, facts: Facts) -> bool:
    return facts.at - signal.at <= _BELIEVED[Source.SCREEN, signal.status]


def _contradiction(one: Heard, every: Sequence[Heard], facts: Facts) -> str:
    """What a lower source has seen since that cannot be while this is so."""
    if one.signal.source is Source.SCREEN:
        return ""
    disproof = _DISPROVED_BY.get(one.signal.status, ())
    for other in every:
        if other.signal.source is not Source.SCREEN or other.signal.status not in disproof:
            continue
        held = facts.at - other.since
        if _is_fresh(other.signal, facts) and other.since > one.signal.at and held >= _SETTLED:
            return f"its screen has shown {other.signal.status} for {held:.0f} s since"
    return ""


def carry(before: State | None, now: State) -> State:
    """The state with the time since which its status has held, whoever said so."""
    if before is None or before.status != now.status:
        return now
    return replace(now, since=min(before.since, now.since))


_CHANGE: Mapping[Status, str] = {
    "creating": "it is idle as soon as its walls stand",
    "running": "its next hook, the end of what it does, or its prompt on the screen",
    "waiting_approval": "an answer: polis approvals list",
    "waiting_input": "a prompt of yours, or an answer in its own terminal",
    "idle": "a prompt, a command, or a line in its shell",
    "completed": "its next task",
    "error": "its next task; what it printed says what went wrong",
    "stopped": "the next command, line or task raises its walls",
    "paused": "polis agents resume NAME",
    "unknown": "its next hook, a look at its screen, or its end",
}
