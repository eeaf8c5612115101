from __future__ import annotations

from cash.daemon.foreseen import Foreseen

HOST = ("Example.org", 443)


def _reaches(foreseen: Foreseen) -> bool:
    return foreseen.covers("alice", "example.ORG", 443)


def test_a_host_is_covered_while_a_line_of_the_agent_runs_that_names_it() -> None:
    foreseen = Foreseen()
    foreseen.allow("a", "alice", [HOST])
    foreseen.allow("b", "alice", [HOST])
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
        foreseen.ask(number, "alice", [HOST])
        assert not _reaches(foreseen)
        foreseen.settle(number, allowed=allowed)
        assert _reaches(foreseen) is allowed
        foreseen.end(number)
    foreseen.settle("never asked", allowed=True)
    assert not _reaches(foreseen)


def test_nothing_is_left_of_an_agent_of_which_nothing_runs() -> None:
    foreseen = Foreseen()
    foreseen.allow("a", "alice", [HOST])
    foreseen.allow("c", "bob", [HOST])
    foreseen.ask("b", "alice", [HOST])
    foreseen.end_all("alice")
    foreseen.settle("b", allowed=True)
    assert not _reaches(foreseen)
    assert foreseen.covers("bob", *HOST)
