"""polis and cash inside the walls: their agent's lines just run, and the rest is for outside."""

from __future__ import annotations

import pytest
from desk import Desk

from cash.daemon.inside_calls import INSIDE

pytestmark = pytest.mark.kernel

_OUTSIDE = (
    "hint: polis is run outside: leave with Ctrl-D, or use another terminal; "
    "polis --help: what works in here\n"
)


@pytest.fixture
def desk(next_desk: Desk) -> Desk:
    return next_desk


@pytest.mark.parametrize(
    ("line", "status", "out"),
    [
        ("cash -c 'echo hi; exit 3'", 3, "hi\n"),
        ("echo in | cash -c 'cat; echo $0 $1' a b", 0, "in\na b\n"),
        ("echo 'echo from a script; exit 4' >s; cash s", 4, "from a script\n"),
        ("cash -c 'kill -TERM $$'", 143, ""),
        ("polis exec alice -- sh -c 'echo \"$0 $1\"; exit 7' a 'b  c'", 7, "a b  c\n"),
        ("polis exec alice true", 0, ""),
        ("echo in | polis exec alice -- cat", 0, "in\n"),
        ("polis shell alice -c 'echo hi; exit 5'", 5, "hi\n"),
        ("echo 'echo typed; exit 6' | polis shell alice", 6, "typed\n"),
        ("env -u POLIS_INSIDE -u POLIS_AGENT polis exec alice -- echo hi", 0, "hi\n"),
        ("env -u POLIS_INSIDE cash -c 'exit 9'", 9, ""),
    ],
)
def test_its_own_agents_lines_just_run(desk: Desk, line: str, status: int, out: str) -> None:
    ran = desk.line(line)
    assert (ran.status, ran.out, ran.err) == (status, out, "")


@pytest.mark.parametrize(
    "line",
    [
        "cash -c 'rm -rf ~/..'",
        "polis exec alice -- rm -rf /",
        "polis shell alice -c 'true; rm -rf ~/..'",
        "polis exec alice -- sh -c 'cash -c \"rm -rf /\"'",
    ],
)
def test_they_are_judged_as_all_is(desk: Desk, line: str) -> None:
    (desk.tree / "run.sh").write_text(line)
    ran = desk.line("sh run.sh")
    assert ran.status == 126
    assert ran.err.startswith("polis: denied by no-recursive-delete-above: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("status", "you are inside the walls of alice"),
        ("agents list", "you are inside the walls of alice"),
        ("log --json", "you are inside the walls of alice"),
        ("exec bob -- true", "you are inside the walls of alice; bob is out of reach"),
        ("shell bob -c true", "you are inside the walls of alice; bob is out of reach"),
        ("shell -c true alice", "you are inside the walls of alice"),
    ],
)
def test_what_is_for_outside_says_so(desk: Desk, words: str, said: str) -> None:
    ran = desk.line(f"polis {words}")
    assert (ran.status, ran.out, ran.err) == (64, "", f"polis: {said}\n{_OUTSIDE}")


def test_what_is_not_there(desk: Desk) -> None:
    ran = desk.line("polis exec alice -- nowhere")
    assert (ran.status, ran.err) == (127, "polis: alice: nowhere: command not found\n")
    assert ran.err == desk.polis("exec", "alice", "--", "nowhere").err
    ran = desk.line("polis exec alice --")
    assert (ran.status, ran.err) == (
        64,
        "polis: there is no command behind alice\nhint: polis exec alice -- npm test\n",
    )


def test_what_works_inside_is_listed_there_and_does(desk: Desk) -> None:
    told = {desk.line(line).out for line in ("polis", "polis --help", "polis help", "polis -h")}
    (text,) = told
    assert text.startswith("polis, inside the walls of alice:\n")
    verbs = {row.split()[1] for row in text.splitlines() if row.startswith("  polis ")}
    own = {"whoami", "explain", "refusals", "appeal", "locks", "reserve", "release", "write", "mcp"}
    assert verbs == own == {*INSIDE, "mcp"} - {"hook"}
    assert desk.line("polis reserve --help").out == text
    ran = desk.line("polis frobnicate")
    assert (ran.status, ran.out) == (64, "")
    assert ran.err == f"polis: you are inside the walls of alice\n{_OUTSIDE}"
