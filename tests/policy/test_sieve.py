"""What is not asked of an action would have said nothing of it."""

from __future__ import annotations

import pytest
from hidden_commands import BASH, HARMLESS
from packs import load_packs, read_nested, shown_lines

from cash.policy.actions import stage
from cash.policy.examples import USUAL
from cash.policy.policy import Finding, Policy
from cash.policy.sieve import Sieve
from cash.policy.subject import Scene, Subject

CONTEXT = USUAL


class _AskingAll(Policy):
    """A policy that takes no short cut."""

    def _feeds(self, scene: Scene) -> bool:
        return True


def _every_rule(self: Sieve, subject: Subject) -> tuple[object, ...]:
    return (*self.asked, *self.choosy, *[rule for gate in self.gates for rule in gate.rules])


def _told(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return sorted((one.match.rule, one.match.decision.word, one.match.words) for one in findings)


def test_sieved_rules_say_what_all_rules_say(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = load_packs()
    scenes = []
    for text in [*(shown.line for shown in shown_lines()), *BASH, *HARMLESS]:
        actions, scene = stage(read_nested(text), CONTEXT)
        scenes.append((text, actions, scene, _told(policy.find(actions, scene))))
    asking_all = _AskingAll(policy.rules)
    monkeypatch.setattr(Sieve, "rules", _every_rule)
    differing = [
        text
        for text, actions, scene, told in scenes
        if _told(asking_all.find(actions, scene)) != told
    ]
    assert differing == []
    assert len(scenes) > 1000


def test_most_rules_are_not_asked() -> None:
    policy = load_packs()
    actions, scene = stage(read_nested("ls -la src"), CONTEXT)
    subject = scene.subject(actions[0])
    sieve = policy._index["exec"].rules(subject.key, False)
    assert sieve.choosy
    assert sieve.rules(subject) == sieve.asked
