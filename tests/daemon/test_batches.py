"""Several agents begun, told and held back together."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import office as offices
import pytest
from installation import Installation
from office import Office, make_office, wait_until

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(offices.reason_to_skip()), reason="tmux is not installed"),
]


def test_a_batch_begins_whole_or_not_at_all(pair: Office) -> None:
    said = pair.told("agents", "multi", "alice:one task", "bob:another: with a colon")
    assert sorted(said.splitlines()[:2]) == ["alice is at work", "bob is at work"]
    batch = said.splitlines()[2].split()[1]
    assert said.splitlines()[2] == f"batch {batch} is at work; polis agents watch alice bob"
    tasks = {one["agent"]: one["body"] for one in pair.log("task")}
    assert tasks["bob"]["text"] == "another: with a colon"
    assert {one["batch"] for one in tasks.values()} == {batch}
    busy = pair.polis("agents", "multi", "alice:again", "bob:again")
    assert (busy.status, busy.err.splitlines()[0]) == (64, "polis: alice is at work already")
    for name in ("alice", "bob"):
        pair.told("agents", "stop", name)
    ran = pair.polis("agents", "multi", "alice:fine", "bob:exit 7", timeout=100)
    assert ran.status == 125
    assert "none of the batch was left running: bob did not start" in ran.err
    assert "alice is stopped again: another of its batch did not start" in ran.out
    assert pair.pids("echoing") == []
    assert pair.polis("agents", "multi", "alice:x", "nobody:y").status == 64
    assert pair.polis("agents", "multi", "alice").status == 64
    assert pair.polis("agents", "multi", "alice:x", "alice:y").status == 64


def test_twenty_agents_are_started_at_once(office: Office) -> None:
    began = time.monotonic()
    said = office.told(
        *("agents", "fanout", "20", "count the files", "--prefix", "many"),
        *("--provider", "echoing"),
        timeout=110,
    )
    taken = time.monotonic() - began
    names = [f"many-{number}" for number in range(1, 21)]
    assert said.splitlines()[-1].endswith("polis agents watch " + " ".join(names))
    assert {one["agent"] for one in office.log("task")} == set(names)
    for name in names:
        wait_until(lambda name=name: "task: count the files" in office.logs(name), name)
    told = office.told("agents", "broadcast", "stop now please", timeout=60)
    assert sorted(told.splitlines()) == sorted(f"{name} has it" for name in names)
    assert taken < 60, taken


def test_a_fanout_that_cannot_begin_leaves_no_agent(office: Office) -> None:
    ran = office.polis("agents", "fanout", "3", "exit 7", "--provider", "echoing", timeout=100)
    assert ran.status == 125
    assert "none of the batch was left running" in ran.err
    names = [one["name"] for one in json.loads(office.told("agents", "list", "--json"))]
    assert names == ["alice"]
    assert "agent/agent" not in office.installation.git(office.repository, "branch")
    assert ran.out.endswith("agent-1 is removed\nagent-2 is removed\nagent-3 is removed\n")
    assert office.polis("agents", "fanout", "0", "x").status == 64
    assert office.polis("agents", "fanout", "2", " ").status == 64


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """An office in which nothing is ever begun."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    try:
        yield make_office(installation)
    finally:
        installation.stop()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--provider", "ecoing"), 64, "there is no provider 'ecoing'"),
        (("--provider", "shell"), 64, "an agent of provider shell takes no prompt"),
        (("--provider", "antigravity"), 69, "Google Antigravity CLI is not installed"),
        (("--from", "nowhere"), 64, "'nowhere' names no commit"),
        (("--prefix", "Many"), 64, "'Many-1' cannot be an agent's name"),
    ],
)
def test_what_a_fanout_can_know_it_knows_before_it_adds_anyone(
    untouched: Office, words: tuple[str, ...], status: int, said: str
) -> None:
    given = ("--provider", "echoing", *words)
    ran = untouched.polis("agents", "fanout", "3", "a task", *given)
    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err.splitlines()[0]
    assert untouched.log("agent-added")[1:] == []  # alice


def test_a_fanout_has_as_many_as_there_may_be_and_takes_no_branch_of_yours(office: Office) -> None:
    office.told("config", "set", "max-agents", "2")
    ran = office.polis("agents", "fanout", "2", "a task", "--provider", "echoing")
    assert (ran.status, ran.out) == (64, "")
    assert "3 agents would be more than the setting max-agents, 2" in ran.err
    office.installation.git(office.repository, "branch", "agent/agent-1")
    said = office.told("agents", "fanout", "1", "a task", "--provider", "echoing")
    assert said.startswith("agent-2 is added\n")


def test_only_people_broadcast(office: Office) -> None:
    office.begin()
    ran = office.line("polis agents broadcast 'do as I say'")
    assert (ran.status, ran.err.splitlines()[0][:49]) == (
        126,
        "polis: denied by polis-is-the-operators: These co",
    )
    script = (
        "import glob, socket; print(glob.glob('/run/user/*/polis*'), glob.glob('/run/polis/*'))"
    )
    ran = office.polis("exec", "alice", "--", "python3", "-c", script)
    assert "polisd.sock" not in ran.out
    assert "tmux" not in ran.out
    assert office.heard() == b""


def test_the_others_of_an_account_that_is_used_up_are_held_back(pair: Office) -> None:
    pair.begin("alice")
    pair.told("agents", "prompt", "alice", "quota")
    wait_until(lambda: pair.log("quota"), "the words are read", 20)
    says = "polis: the echoing account is used up for now: alice was told so 0 min ago"
    for words in (
        ("run", "bob", "a task"),
        ("prompt", "alice", "again"),
        ("multi", "bob:a task"),
        ("fanout", "2", "a task", "--provider", "echoing"),
    ):
        ran = pair.polis("agents", *words)
        assert (ran.status, ran.err.splitlines()[0]) == (125, says), words
    assert len(pair.log("session")) == 1
    names = [one["name"] for one in json.loads(pair.told("agents", "list", "--json"))]
    assert names == ["alice", "bob"]
    pair.told("agents", "add", "carol", "--provider", "shell")
    pair.told("agents", "start", "carol")  # another account's
    pair.told("agents", "run", "bob", "a task", "--anyway")
    assert pair.told("agents", "prompt", "bob", "again") == "bob has it\n"


def test_what_an_agent_only_reads_holds_nobody_back(pair: Office) -> None:
    pair.begin("alice")
    pair.told("agents", "prompt", "alice", "mend: usage limit reached")
    pair.told("agents", "prompt", "alice", "spam 30")
    time.sleep(4)
    assert pair.log("quota") == []
    pair.told("agents", "run", "bob", "a task")
