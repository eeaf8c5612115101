"""What was judged of late is found again where nothing of what it follows from has changed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cash.daemon.judged import Judged, LastJudged
from cash.keeper.faces import Face
from cash.policy.context import Context, Facts
from cash.policy.policy import Policy
from cash.policy.verdict import Decision, Level, Verdict
from cash.syntax.spelling import spell

_FACE = Face((b"git", b"told"), "git", "/usr/bin/git", (1, 2))
_POLICY = Policy(())
_CONTEXT = Context("alice", "agent/alice", cwd="/tree", facts=Facts(git_config={"a.b": "c"}))


def _judged(decision: Decision = Decision.ALLOW, context: Context = _CONTEXT) -> Judged:
    return Judged(_FACE, spell(["git", "told"]), Verdict(decision, ()), _POLICY, context)


def test_the_same_is_found() -> None:
    last = LastJudged()
    last.remember("git", _judged())
    found = last.find("git", _POLICY, replace(_CONTEXT, facts=Facts(git_config={"a.b": "c"})))
    assert found is not None
    assert found.verdict.decision is Decision.ALLOW


@pytest.mark.parametrize(
    "context",
    [
        replace(_CONTEXT, facts=Facts(git_config={"a.b": "d"})),
        replace(_CONTEXT, facts=replace(_CONTEXT.facts, lockfiles=frozenset(("uv.lock",)))),
        replace(_CONTEXT, cwd="/tree/other"),
        replace(_CONTEXT, agent="bob"),
        replace(_CONTEXT, level=Level.STRICT),
        replace(_CONTEXT, conflicts=frozenset(("a",))),
        replace(_CONTEXT, locks={"/tree/a": "bob"}),
    ],
)
def test_nothing_is_found_where_something_else_holds(context: Context) -> None:
    last = LastJudged()
    last.remember("git", _judged())
    assert last.find("git", _POLICY, context) is None
    assert last.find("git", Policy(()), _CONTEXT) is None
    assert last.find("other", _POLICY, _CONTEXT) is None


@pytest.mark.parametrize("decision", [Decision.ASK, Decision.DENY, Decision.REWRITE])
def test_what_was_not_plainly_allowed_is_judged_each_time(decision: Decision) -> None:
    last = LastJudged()
    last.remember("git", _judged(decision))
    assert last.find("git", _POLICY, _CONTEXT) is None


def test_what_others_hold_is_looked_at_each_time() -> None:
    """A context knows what is held as it is then, the one that is remembered too."""
    last, held = LastJudged(), replace(_CONTEXT, locks={"/tree/a": "bob"})
    last.remember("git", _judged(context=held))
    assert last.find("git", _POLICY, held) is None
    last.remember("git", _judged())
    changed = replace(_CONTEXT, locks=_CONTEXT.locks)
    changed.locks["/tree/a"] = "bob"  # type: ignore[index]
    assert last.find("git", _POLICY, changed) is None
    del changed.locks["/tree/a"]  # type: ignore[attr-defined]


def test_it_holds_no_more_than_it_should() -> None:
    last = LastJudged()
    last.remember("long", replace(_judged(), face=replace(_FACE, argv=(b"x" * 2000,))))
    assert last.find("long", _POLICY, _CONTEXT) is None
    for number in range(1000):
        last.remember(number, _judged())
    assert last.find(0, _POLICY, _CONTEXT) is None
    assert last.find(999, _POLICY, _CONTEXT) is not None
    assert sum(last.find(one, _POLICY, _CONTEXT) is not None for one in range(1000)) < 200
