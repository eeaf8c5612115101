from __future__ import annotations

import pytest

from cash.daemon.foreseen import Foreseen, Promise, promise_of
from cash.policy.glob import ANY
from cash.policy.verdict import Decision, Grant, Match, Verdict

HOST = ("Example.org", 443)
GRANT = Grant(("git", "push", "-f"), "/tree", "git")
ASKED = Match("no-force-push", Decision.ASK, "it rewrites what others have")
PROMISE = promise_of(Verdict(Decision.ASK, (ASKED,), grants=(GRANT,), hosts=(HOST,)))


def _reaches(foreseen: Foreseen) -> bool:
    return foreseen.covers("alice", "example.ORG", 443)


def test_a_host_is_covered_while_a_line_of_the_agent_runs_that_names_it() -> None:
    foreseen = Foreseen()
    foreseen.allow("a", "alice", PROMISE)
    foreseen.allow("b", "alice", PROMISE)
    assert _reaches(foreseen)
    assert not foreseen.covers("alice", "example.org", 80)
    assert not foreseen.covers("alice", "other.example.org", 443)
    assert not foreseen.covers("bob", "example.org", 443)
    foreseen.end("a")
    assert _reaches(foreseen)
    foreseen.end("b")
    assert not _reaches(foreseen)


def test_a_question_covers_nothing_before_its_yes() -> None:
    foreseen = Foreseen()
    for number, allowed in (("a", True), ("b", False)):
        foreseen.ask(number, "alice", PROMISE)
        assert not _reaches(foreseen)
        foreseen.settle(number, allowed=allowed)
        assert _reaches(foreseen) is allowed
        foreseen.end(number)
    foreseen.settle("never asked", allowed=True)
    assert not _reaches(foreseen)


def test_nothing_is_left_of_an_agent_of_which_nothing_runs() -> None:
    foreseen = Foreseen()
    foreseen.allow("a", "alice", PROMISE)
    foreseen.allow("c", "bob", PROMISE)
    foreseen.ask("b", "alice", PROMISE)
    foreseen.end_all("alice")
    foreseen.settle("b", allowed=True)
    assert not _reaches(foreseen)
    assert foreseen.covers("bob", *HOST)


def test_what_nobody_was_asked_about_promises_nothing() -> None:
    assert promise_of(Verdict(Decision.ALLOW, grants=(GRANT,), hosts=(HOST,))) == Promise()


def test_a_command_is_granted_by_its_words_directory_line_and_rules() -> None:
    foreseen = Foreseen()
    foreseen.allow("a", "alice", PROMISE)

    def granted(
        argv: tuple[str, ...] = ("git", "push", "-f"),
        cwd: str = "/tree",
        lines: tuple[str, ...] = ("a",),
        rules: tuple[str, ...] = ("no-force-push",),
        agent: str = "alice",
    ) -> bool:
        return foreseen.grants(agent, lines, argv, cwd, frozenset(rules))

    assert granted()
    assert granted(("/usr/bin/git", "push", "-f"))  # found along PATH
    assert not granted(("git", "push", "-f", "other"))
    assert not granted(cwd="/tree/below")
    assert not granted(lines=("b",))
    assert not granted(rules=("no-force-push", "new-host"))
    assert not granted(agent="bob")
    foreseen.end("a")
    assert not granted()


@pytest.mark.parametrize(
    ("said", "need", "covered"),
    [
        ("+topic:refs/heads/topic", "+refs/heads/topic:refs/heads/topic", True),
        ("+topic:refs/heads/topic", "refs/heads/topic:refs/heads/topic", True),
        ("topic:refs/heads/topic", "+topic:refs/heads/topic", False),
        ("+topic:refs/heads/topic", "+topic:refs/heads/main", False),
        ("+topic:refs/heads/topic", ":refs/heads/topic", False),
        (":refs/heads/topic", ":refs/heads/topic", True),
        (":refs/heads/topic", "+x:refs/heads/topic", False),
        (f"+{ANY}:{ANY}", ":refs/heads/topic", True),
        (f"+refs/heads/{ANY}:refs/heads/{ANY}", "+x:refs/heads/y", True),
        (f"+refs/heads/{ANY}:refs/heads/{ANY}", "+x:refs/tags/y", False),
        (f"+refs/heads/{ANY}:refs/heads/{ANY}", ":refs/heads/y", False),
    ],
)
def test_a_push_is_foretold_by_no_more_than_was_allowed(
    said: str, need: str, covered: bool
) -> None:
    foreseen = Foreseen()
    promise = Promise(rules=frozenset({"force-push"}), far=(("push", "origin", said),))
    foreseen.allow("1", "alice", promise)
    wanted = [("push", "origin", need)]
    rules = frozenset({"force-push"})
    assert foreseen.foretells("alice", wanted, rules) is covered
    assert not foreseen.foretells("bob", wanted, rules)
    assert not foreseen.foretells("alice", [("push", "other", need)], rules)
    assert not foreseen.foretells("alice", wanted, rules | {"delete-remote-branch"})
    foreseen.end("1")
    assert not foreseen.foretells("alice", wanted, rules)
