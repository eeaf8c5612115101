from __future__ import annotations

import pytest

from cash.daemon.promises import Promise, Promises, promise_of
from cash.policy.glob import ANY
from cash.policy.verdict import Decision, Grant, Match, Verdict

HOST = ("Example.org", 443)
GRANT = Grant(("git", "push", "-f"), "/tree", "git")
ASKED = Match("no-force-push", Decision.ASK, "it rewrites what others have")
PROMISE = promise_of(Verdict(Decision.ASK, (ASKED,), grants=(GRANT,), hosts=(HOST,)))


def _reaches(promises: Promises) -> bool:
    return promises.covers("alice", "example.ORG", 443)


def test_a_host_is_covered_while_a_line_of_the_agent_runs_that_names_it() -> None:
    promises = Promises()
    promises.allow("a", "alice", PROMISE)
    promises.allow("b", "alice", PROMISE)
    assert _reaches(promises)
    assert not promises.covers("alice", "example.org", 80)
    assert not promises.covers("alice", "other.example.org", 443)
    assert not promises.covers("bob", "example.org", 443)
    promises.end("a")
    assert _reaches(promises)
    promises.end("b")
    assert not _reaches(promises)


def test_a_question_covers_nothing_before_its_yes() -> None:
    promises = Promises()
    for number, allowed in (("a", True), ("b", False)):
        promises.ask(number, "alice", PROMISE)
        assert not _reaches(promises)
        promises.settle(number, allowed=allowed)
        assert _reaches(promises) is allowed
        promises.end(number)
    promises.settle("never asked", allowed=True)
    assert not _reaches(promises)


def test_nothing_is_left_of_an_agent_of_which_nothing_runs() -> None:
    promises = Promises()
    promises.allow("a", "alice", PROMISE)
    promises.allow("c", "bob", PROMISE)
    promises.ask("b", "alice", PROMISE)
    promises.end_all("alice")
    promises.settle("b", allowed=True)
    assert not _reaches(promises)
    assert promises.covers("bob", *HOST)


def test_what_nobody_was_asked_about_promises_nothing() -> None:
    assert promise_of(Verdict(Decision.ALLOW, grants=(GRANT,), hosts=(HOST,))) == Promise()


def test_a_command_is_granted_by_its_words_directory_line_and_rules() -> None:
    promises = Promises()
    promises.allow("a", "alice", PROMISE)

    def granted(
        argv: tuple[str, ...] = ("git", "push", "-f"),
        cwd: str = "/tree",
        lines: tuple[str, ...] = ("a",),
        rules: tuple[str, ...] = ("no-force-push",),
        agent: str = "alice",
    ) -> bool:
        return promises.grants(agent, lines, argv, cwd, frozenset(rules))

    assert granted()
    assert granted(("/usr/bin/git", "push", "-f"))  # found along PATH
    assert not granted(("git", "push", "-f", "other"))
    assert not granted(cwd="/tree/below")
    assert not granted(lines=("b",))
    assert not granted(rules=("no-force-push", "new-host"))
    assert not granted(agent="bob")
    promises.end("a")
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
    promises = Promises()
    promise = Promise(rules=frozenset({"force-push"}), far=(("push", "origin", said),))
    promises.allow("1", "alice", promise)
    wanted = [("push", "origin", need)]
    rules = frozenset({"force-push"})
    assert promises.foretells("alice", wanted, rules) is covered
    assert not promises.foretells("bob", wanted, rules)
    assert not promises.foretells("alice", [("push", "other", need)], rules)
    assert not promises.foretells("alice", wanted, rules | {"delete-remote-branch"})
    promises.end("1")
    assert not promises.foretells("alice", wanted, rules)
