"""What each agent of one repository is doing: what was heard of it, and what polisd sees itself."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cash.daemon.inhabitants import Inside
from cash.sessions.signal import Signal, Source, Status
from cash.sessions.state import Ended, Facts, Heard, Open, State, Weighed, carry, weigh
from cash.store.redaction import redact_text
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# A program that polis has just started need not be seen yet.
_STARTING = 5.0
# How often agents are looked at of which something was heard: their programs end unheard.
_LOOK_SECONDS = 5.0


@dataclass(slots=True)
class _Known:
    """What is remembered of one agent. began, headless, ended: of the program that polis last
    started. worked: it was seen at work. fell: when its walls did. told: what the journal was told
    last."""

    heard: dict[Source, Heard] = field(default_factory=dict)
    began: float = 0.0
    headless: bool = False
    ended: Ended | None = None
    worked: bool = False
    paused: bool = False
    paused_since: float = 0.0
    fell: float = 0.0
    state: State | None = None
    told: Status | None = None


class States:
    """By incarnation: a later agent of the same name has said nothing yet."""

    def __init__(self, hosted: Hosted) -> None:
        self._hosted = hosted
        self._known: dict[str, _Known] = {}
        self._change = asyncio.Event()

    # What is heard

    def hear(self, agent: Agent, signal: Signal) -> None:
        """A hook, a protocol or a look at its screen told something. Older than what the same
        source said last: it came late, and is dropped."""
        known = self._of(agent)
        before = known.heard.get(signal.source)
        if before is not None and signal.at < before.signal.at:
            return
        said = replace(signal, reason=redact_text(signal.reason))
        known.worked = known.worked or said.status == "running"
        known.heard[said.source] = before.then(said) if before else Heard(said, said.at)
        # Whoever speaks may have been started since the last look.
        inside = self.inside(agent)
        self._settle(agent, anew=inside is not None and not inside.alive)

    def begin_program(self, agent: Agent, *, headless: bool) -> None:
        """polis starts the provider's own program inside; what was heard before is of another
        run."""
        known = self._of(agent)
        known.began, known.headless, known.ended = time.time(), headless, None
        known.worked = False
        known.heard.clear()
        self._settle(agent)

    def end_program(self, agent: Agent, code: int, status: Status) -> None:
        """It ended with `code`, which means `status` by its manifest."""
        self._of(agent).ended = Ended(code, status, time.time())
        self._settle(agent, anew=True)

    def pause(self, agent: Agent, *, paused: bool) -> None:
        """All of its processes stand still, or go on."""
        known = self._of(agent)
        known.paused, known.paused_since = paused, time.time()
        self._settle(agent)

    def fall(self, agent: Agent) -> None:
        """Its walls do not stand any more, and nothing that was heard holds."""
        told = self._of(agent).told
        self._known[agent.incarnation] = _Known(fell=time.time(), told=told)
        self._settle(agent)

    def forget(self, agent: Agent) -> None:
        """The agent is gone."""
        self._known.pop(agent.incarnation, None)

    # What follows from it

    def state_of(self, agent: Agent) -> State:
        """What it is doing now."""
        return self.explain(agent).state

    def status_at_work(self, agent: Agent) -> Status:
        """What it is doing, but for questions on which nothing waits: a person may answer them,
        and the agent goes on, or rests, without."""
        known, questions = self._of(agent), self._questions(agent)
        facts = self._facts(agent, known, self.inside(agent))
        held = [one for one in questions if one.held]
        return weigh(known.heard.values(), facts, held).state.status

    def has_worked(self, agent: Agent) -> bool:
        """Whether the program that polis last started was seen at work."""
        return self._of(agent).worked

    def explain(self, agent: Agent) -> Weighed:
        """The same, with all that was said of it and why some of it was not believed."""
        known = self._of(agent)
        facts = self._facts(agent, known, self.inside(agent))
        weighed = weigh(known.heard.values(), facts, self._questions(agent))
        known.state = carry(known.state, weighed.state)
        return Weighed(known.state, weighed.opinions, weighed.change)

    def inside(self, agent: Agent, *, anew: bool = False) -> Inside | None:
        """What runs inside; None where no walls stand."""
        keeping = self._hosted.keeping
        household = keeping.standing(self._hosted.key_of(agent))
        roots = household.roots if household is not None else ()
        if not roots:
            return None
        return keeping.inhabitants.look(roots, self._programs(agent), anew=anew)

    async def wait_change(self, seconds: float) -> None:
        """Returns when something was heard of some agent, or after that time."""
        change = self._change
        try:
            await asyncio.wait_for(change.wait(), seconds)
        except TimeoutError:
            return

    async def live(self) -> None:
        """Tells the journal what changes without being told: programs end, words grow old."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for agent in self._hosted.agents():
                if self._is_spoken_of(self._known.get(agent.incarnation)):
                    self._settle(agent)

    # Inside

    def _of(self, agent: Agent) -> _Known:
        return self._known.setdefault(agent.incarnation, _Known())

    def _settle(self, agent: Agent, *, anew: bool = False) -> None:
        """Journals a change, wakes who waits for one. What polis' own commands do stands in the
        journal already."""
        if anew:
            self.inside(agent, anew=True)
        known, state = self._of(agent), self.state_of(agent)
        self._change.set()
        self._change = asyncio.Event()
        if state.status == known.told or not (known.told or self._is_spoken_of(known)):
            return
        body = {"status": state.status, "was": known.told, "source": state.source.name.lower()}
        known.told = state.status
        more = {"reason": state.reason, "call": state.call}
        self._hosted.note(agent, uuid.uuid4().hex, "state", body | more)

    def _is_spoken_of(self, known: _Known | None) -> bool:
        return known is not None and bool(known.heard or known.began)

    def _facts(self, agent: Agent, known: _Known, inside: Inside | None) -> Facts:
        now = time.time()
        household = self._hosted.keeping.standing(self._hosted.key_of(agent))
        if household is None:
            return Facts(now, "down", since=known.fell)
        starting = known.ended is None and now - known.began < _STARTING
        return Facts(
            at=now,
            walls="standing" if household.ready.done() else "rising",
            since=household.since,
            alive=starting or (inside is not None and inside.alive),
            began=known.began,
            headless=known.headless,
            ended=known.ended,
            commands=len(household.running),
            paused=known.paused,
            paused_since=known.paused_since,
            doing=inside.kind if inside is not None else "",
        )

    def _questions(self, agent: Agent) -> list[Open]:
        """What the agent waits for: what a program of its has asked that has ended since is of
        the past, unless something still holds it."""
        questions, known = self._hosted.answering.questions, self._of(agent)
        past = max(known.began, known.ended.at if known.ended else 0.0)
        return [
            Open(one.id, one.asked, one.shown.line, held=questions.holds(one))
            for one in questions.waiting()
            if one.agent == agent.name and (one.asked > past or questions.holds(one))
        ]

    def _programs(self, agent: Agent) -> tuple[str, ...]:
        """Names of the provider's own program. A plain shell is one only where polis started it:
        every command is below some shell."""
        manifest = self._hosted.manifests.get(agent.provider)
        if manifest is None or not (manifest.typed or self._of(agent).began):
            return ()
        return manifest.programs


def describe_state(state: State, now: float) -> dict[str, object]:
    """The JSON of a state. since, age: null where it held before polisd came."""
    since = state.since or None
    return {
        "status": state.status,
        "source": state.source.name.lower(),
        "since": since,
        "age_seconds": None if since is None else round(max(now - since, 0.0), 1),
        "reason": state.reason,
        "call": state.call,
    }
