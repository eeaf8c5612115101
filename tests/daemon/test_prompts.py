"""What is told to agents' programs in their windows arrives whole, or not at all."""

from __future__ import annotations

import office as offices
import pytest
from office import Office, wait_until

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(bool(offices.reason_to_skip()), reason="tmux is not installed"),
]


@pytest.fixture
def office(next_office: Office) -> Office:
    return next_office


ODD = b'it\'s "q" `$HOME` \\ #{x};\n\n\ttab\r\x01\x03\x04\x07\x08\x1a\x1b[A\x7f\xff\xc3\xa9 end'


def test_a_prompt_arrives_byte_for_byte(office: Office) -> None:
    office.begin()
    said = office.told("agents", "prompt", "alice", "-", input=ODD + b"\n")
    assert said == "alice has it\n"
    assert office.heard() == b"\x1b[200~" + ODD + b"\x1b[201~" + b"\r"
    assert office.log("prompt")[0]["body"]["bytes"] == len(ODD)


def test_a_prompt_of_a_megabyte_arrives_and_a_longer_one_is_refused(office: Office) -> None:
    office.begin()
    text = (b"0123456789abcde\n" * 65536)[:1_000_000] + b"\nthe-end"
    office.told("agents", "prompt", "alice", "-", input=text, timeout=100)
    assert office.heard() == b"\x1b[200~" + text + b"\x1b[201~" + b"\r"
    (event,) = office.log("prompt")
    assert event["body"]["bytes"] == len(text)
    assert len(event["body"]["text"]) == 4000
    ran = office.polis("agents", "prompt", "alice", "-", input=text * 2)
    assert ran.status == 64
    assert "a prompt has at most 1 MB" in ran.err


def test_what_would_act_as_keys_is_refused(office: Office) -> None:
    office.begin()
    ran = office.polis("agents", "prompt", "alice", "-", input=b"x\x1b[201~exit 7\r")
    assert ran.status == 64
    assert "the sequence that ends a paste" in ran.err
    assert office.heard() == b""


def test_nothing_is_pasted_into_a_shell(office: Office) -> None:
    office.begin()
    office.told("agents", "prompt", "alice", "shell")
    wait_until(lambda: "bash-" in office.logs() or "$" in office.logs(), "the shell")
    ran = office.polis("agents", "prompt", "alice", "touch pasted")
    assert ran.status == 64
    assert "a shell (bash) is in front in alice's window: it would run the text" in ran.err
    assert "hint: polis shell alice -c LINE runs a line" in ran.err
    assert not (office.tree / "pasted").exists()


def test_a_plain_shell_agent_takes_no_prompt(office: Office) -> None:
    office.told("agents", "add", "carol", "--provider", "shell")
    ran = office.polis("agents", "run", "carol", "touch pasted")
    assert ran.status == 64
    assert ran.err == (
        "polis: an agent of provider shell takes no prompt\n"
        "hint: polis agents add carol-echoing --provider echoing, and give it the task\n"
    )
    office.told("agents", "start", "carol")
    ran = office.polis("agents", "prompt", "carol", "touch pasted")
    assert "a shell (bash) is in front" in ran.err
    ran = office.polis("agents", "broadcast", "touch pasted")
    assert ran.status == 125
    assert "carol has it not: a shell (bash)" in ran.out


def test_a_program_that_takes_no_pastes_or_asks_something_is_not_prompted(office: Office) -> None:
    office.begin()
    office.told("agents", "prompt", "alice", "deaf")
    ran = office.polis("agents", "prompt", "alice", "hello there")
    assert (ran.status, ran.out) == (125, "")
    assert "alice: the prompt stands in its input, but it was not taken" in ran.err
    assert "hint: polis agents attach alice" in ran.err
    assert office.heard().endswith(b"\x1b[200~hello there\x1b[201~\r\r")  # tried once again


def test_a_program_that_hangs_at_start_is_told_nothing(office: Office) -> None:
    office.told("agents", "run", "alice", "hang")
    ran = office.polis("agents", "prompt", "alice", "hello")
    assert ran.status == 64
    assert "alice's program does not take pasted text now" in ran.err
    office.told("agents", "stop", "alice")


def test_nobody_is_prompted_who_is_not_at_work(office: Office) -> None:
    ran = office.polis("agents", "prompt", "alice", "hello")
    assert ran.status == 64
    assert ran.err == "polis: alice is not at work\nhint: polis agents run alice TASK\n"
    office.begin()
    office.told("agents", "prompt", "alice", "exit 0")
    wait_until(lambda: office.log("session-ended"), "the end")
    assert "alice is not at work" in office.polis("agents", "prompt", "alice", "hello").err
    assert office.polis("agents", "broadcast", "hello").status == 64


def test_a_second_task_goes_to_the_program_that_lives(office: Office) -> None:
    office.begin()
    said = office.told("agents", "run", "alice", "and the tests")
    assert said.startswith("alice was at work already, and has the task as a prompt")
    assert b"and the tests" in office.heard()
    for more in ("--headless", "--resume"):
        ran = office.polis("agents", "run", "alice", "x", more)
        assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: alice is at work already")
    assert office.polis("agents", "start", "alice").status == 64
    assert len(office.log("session")) == 1
