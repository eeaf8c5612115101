"""Walls with a policy in force at every exec, judged in this process as polisd would.

    with governing(kind, POLICY) as governed:
        governed.walled.run(…)
        governed.refused  # what was asked about and denied, in order

A shell's text is let pass: what is tried is the exec itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from route import PATH
from walled import Walled, stand_up, tear_down, wait_gone

from cash.keeper.faces import Face, unpack_face
from cash.keeper.judging import exec_of
from cash.keeper.link import ExecVerdict, Snapshot
from cash.policy.action import Start
from cash.policy.context import Context
from cash.policy.explain import refusal_text
from cash.policy.identity import find_identities
from cash.policy.judge import judging
from cash.policy.load import Layer, load_policy
from cash.policy.policy import Policy
from cash.policy.verdict import Decision, Level, Verdict
from cash.syntax.command import Line

Question = Mapping[str, Any]
DENIED = 126


def forbidding_shred(*asked: str) -> str:
    """A policy that forbids one program and asks about others."""
    names = ", ".join(asked)
    return f"""\
version: 1
rules:
  - id: no-shredding
    program: shred
    decide: deny
    reason: What is shredded cannot come back.
    examples: {{deny: [shred x]}}
  - id: about-these
    program: [{names}]
    decide: ask
    reason: Who knows.
    examples: {{ask: [{asked[0]}]}}
"""


def read_policy(text: str) -> Policy:
    """A policy of one YAML file."""
    handle, name = tempfile.mkstemp(suffix=".yaml")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    try:
        return load_policy([Layer("test", (Path(name),))])
    finally:
        os.unlink(name)


def snapshot_for(walled: Walled, policy: Policy) -> Snapshot:
    """What the keeper of these walls judges by."""
    view = walled.view
    context = Context(
        agent=view.agent,
        level=Level.BALANCED,
        tree=str(view.tree),
        home=str(view.home_inside),
        cwd=str(view.tree),
        identities=find_identities(policy.programs, PATH),
    )
    return Snapshot(policy, context)


def verdict_on(snapshot: Snapshot, question: Question) -> Verdict:
    """The strictest verdict on any face of an exec."""
    faces = [unpack_face(face) for face in question["faces"]]
    found = [_verdict_on(snapshot, face, question) for face in faces]
    return max(found, key=lambda one: one.decision)


def _verdict_on(snapshot: Snapshot, face: Face, question: Question) -> Verdict:
    surprise = bool(question["surprise"])
    action = exec_of(face, question["cwd"], surprise=surprise)
    words = " ".join(word.text for word in action.command.argv)
    line = Line(words, (action.command,), entry=words)
    start = Start(face.program, face.resolved or None, face.identity, surprise)
    context = replace(snapshot.context, cwd=question["cwd"])
    steps = judging(snapshot.policy, line, context, start=start)
    try:
        next(steps)
        while True:
            steps.send(Line("", ()))  # texts are let pass
    except StopIteration as ended:
        verdict: Verdict = ended.value
        return verdict


@dataclass
class Governed:
    """A judge for Walled.judge. refused: the questions it denied. settle: an answer of a test's
    own to what is not denied; None: allowed."""

    walled: Walled
    snapshot: Snapshot
    refused: list[Question] = field(default_factory=list)
    settle: Callable[[Question], ExecVerdict | None] | None = None

    def judge(self, question: Question) -> ExecVerdict | None:
        verdict = verdict_on(self.snapshot, question)
        if verdict.decision is Decision.DENY:
            self.refused.append(question)
            return ExecVerdict("refuse", refusal_text(verdict), DENIED)
        return self.settle(question) if self.settle else ExecVerdict("allow")

    def kill_keeper(self) -> None:
        """As the kernel would, short of memory."""
        os.kill(self.walled.ready.keeper, signal.SIGKILL)
        wait_gone(self.walled.ready.keeper)

    def enforce(self, policy: str) -> None:
        """Another policy from now on."""
        self.snapshot = snapshot_for(self.walled, read_policy(policy))
        self.walled.link.enforce(self.snapshot)


@contextlib.contextmanager
def governing(kind: str, policy: str, *, debug: bool = False) -> Iterator[Governed]:
    """Walls of this kind with a policy in force, taken down at the end."""
    walled = stand_up(kind, debug=debug)
    try:
        governed = Governed(walled, snapshot_for(walled, read_policy(policy)))
        walled.judge = governed.judge
        walled.link.enforce(governed.snapshot)
        yield governed
    finally:
        tear_down(walled)
