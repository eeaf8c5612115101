"""Writes of tools, from outside, from inside and from Python: judged, locked, journaled, done by
the agent's own rights."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from desk import Desk, make_desk
from holding import locking
from installation import Installation, Ran
from running import kill_pids, until

from cash.guard.digest import hash_content

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all that look at files of their own."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    made = make_desk(installation)
    assert made.polis("agents", "add", "bob").status == 0
    yield made
    installation.stop()


def _write(desk: Desk, path: str, *words: str, text: bytes = b"", name: str = "alice") -> Ran:
    return desk.polis("write", name, path, *words, input=text)


def _inside(desk: Desk, *words: str, text: bytes = b"", name: str = "alice") -> Ran:
    return desk.polis("exec", name, "--", "polis", "write", *words, input=text)


def _wrote(desk: Desk, path: str) -> list[dict[str, Any]]:
    whole = str(desk.tree / path)
    return [one["body"] for one in desk.log("tool-wrote") if whole in one["body"]["paths"]]


def test_each_change_from_outside(shared: Desk) -> None:
    told = [
        _write(shared, "a.txt", text=b"one\n"),
        _write(shared, "a.txt", "--append", text=b"two\n"),
        _write(shared, "a.txt", "--replace", "two", "--with", "2"),
        _write(shared, "a.txt", "--move", "b.txt"),
    ]
    assert [(one.status, one.out, one.err) for one in told] == [
        (0, "written: a.txt\n", ""),
        (0, "appended to: a.txt\n", ""),
        (0, "replaced in: a.txt\n", ""),
        (0, "moved: a.txt is b.txt\n", ""),
    ]
    assert (shared.tree / "b.txt").read_text() == "one\n2\n"
    assert _write(shared, "b.txt", "--delete", "--json").status == 0
    assert not (shared.tree / "b.txt").exists()
    events = _wrote(shared, "a.txt")
    hashes = [None, *map(hash_content, (b"one\n", b"one\ntwo\n", b"one\n2\n"))]
    assert [(one["change"], one["before"], one["after"]) for one in events] == [
        ("write", None, hashes[1]),
        ("append", hashes[1], hashes[2]),
        ("replace", hashes[2], hashes[3]),
        ("move", hashes[3], hashes[3]),
    ]
    fences = [one["fence"] for one in events]
    assert fences == sorted(set(fences))


def test_each_change_from_inside(shared: Desk) -> None:
    ran = _inside(shared, "c.txt", text=b"one\0\xff\n")
    assert (ran.status, ran.err) == (0, "")
    assert json.loads(ran.out)["after"] == hash_content(b"one\0\xff\n")
    assert _inside(shared, "c.txt", "--append", text=b"two\n").status == 0
    assert _inside(shared, "c.txt", "--replace", "two", "--with", "").status == 0
    assert (shared.tree / "c.txt").read_bytes() == b"one\0\xff\n\n"
    assert _inside(shared, "c.txt", "--move", "d.txt").status == 0
    assert _inside(shared, "d.txt", "--delete").status == 0
    assert [one["change"] for one in _wrote(shared, "c.txt")] == [
        "write", "append", "replace", "move",
    ]  # fmt: skip
    line = "mkdir -p sub && cd sub && echo x | polis write ./y && polis write ../z <y && cat ../z"
    assert shared.line(line).out.endswith("x\n")


def test_from_python(shared: Desk) -> None:
    program = (
        "from cash.guard import ToolFileWriter, writer_of\n"
        "alice = writer_of('alice')\n"
        "assert isinstance(alice, ToolFileWriter)\n"
        "alice.write('p.txt', b'limit = 3\\n')\n"
        "done = alice.replace('p.txt', b'3', b'5')\n"
        "print(done.paths, done.kind, done.hashes.after)\n"
        "alice.delete('none')\n"
    )
    ran = shared.installation.run(sys.executable, "-c", program, cwd=shared.repository)
    after = hash_content(b"limit = 5\n")
    assert ran.out == f"('p.txt',) replace {after}\n"
    assert "UsageFault: none is not there" in ran.err


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "a file needs a name"),
        ("../x", "../x is outside the tree"),
        ("/etc/passwd", "/etc/passwd is outside the tree"),
        (".", ". is a folder"),
        (".git", ".git is git's own"),
        (".git/hooks/x", ".git/hooks/x is git's own"),
        ("way/passwd", "way/passwd leads out of the tree, to /etc"),
        ("round", "round leads in a circle: its links never end"),
        ("none/x\n\udcff", "none/x\\n\\udcff: there is no folder none"),
        ("README.md/x", "README.md/x: README.md is no folder"),
    ],
)
def test_bad_names_are_told_in_one_line_and_nothing_is_made(
    shared: Desk, path: str, said: str
) -> None:
    for name, target in (("way", "/etc"), ("round", "round")):
        if not (shared.tree / name).is_symlink():
            (shared.tree / name).symlink_to(target)
    before = sorted(os.listdir(shared.tree))
    outside = shared.polis("write", "alice", os.fsencode(path), input=b"x")
    assert (outside.status, outside.out) == (64, "")
    assert outside.err.splitlines()[0] == f"polis: {said}"
    inside = shared.polis("exec", "alice", "--", "polis", "write", os.fsencode(path), input=b"x")
    assert (inside.status, inside.out) == (64, "")
    assert inside.err.splitlines()[0] == f"polis: {said}"
    assert sorted(os.listdir(shared.tree)) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("x", "--append", "--delete"), "say one thing: --append, --replace, --delete or --move"),
        (("x", "--replace", "a"), "--replace and --with go together"),
        (("x", "--delete"), "x is not there"),
        (
            ("README.md", "--replace", "nowhere", "--with", ""),
            "the text does not stand in README.md",
        ),
        (("README.md", "--move", "../x"), "../x is outside the tree"),
        (("README.md", "--move", "README.md"), "README.md is there already"),
    ],
)
def test_bad_words_are_told_in_one_line(shared: Desk, words: tuple[str, ...], said: str) -> None:
    ran = shared.polis("write", "alice", *words)
    assert (ran.status, ran.out) == (64, "")
    assert ran.err.splitlines()[0] == f"polis: {said}"
    assert (shared.tree / "README.md").read_text() == "A small shop.\n"


def test_bad_words_inside(shared: Desk) -> None:
    for words in (("x", "y"), ("x", "--with", "a"), ("x", "--delete", "--append"), ("--delete",)):
        ran = _inside(shared, *words)
        assert (ran.status, ran.out) == (64, "")
        assert ran.err.startswith("polis: say which file, and one change of it\nhint: ")
    ran = _inside(shared, "x", text=b"x" * ((1 << 20) + 1))
    assert (ran.status, ran.err) == (64, "polis: from inside the walls a write has at most 1 MB\n")
    assert not (shared.tree / "x").exists()


def test_names_that_are_odd(shared: Desk) -> None:
    for name in (b"a\nb", b"\xff\xfe", b" ", b"x" * 255, b"Readme", b"README"):
        ran = shared.polis("write", "alice", name, input=b"1")
        assert ran.status == 0, ran.err
        ran = shared.polis("exec", "alice", "--", "polis", "write", name, "--append", input=b"2")
        assert ran.status == 0, ran.err
        assert (shared.tree / os.fsdecode(name)).read_bytes() == b"12"
        assert "\n" not in shared.polis("write", "alice", name, "--delete").out.rstrip("\n")


def test_a_rule_refuses_it_with_its_reason(shared: Desk) -> None:
    (shared.tree / ".polis").mkdir()
    for ran in (
        _write(shared, ".polis/policy.yaml", text=b"x"),
        _inside(shared, ".polis/policy.yaml", text=b"x"),
    ):
        assert ran.status == 126, ran.err
        assert ran.err.startswith("polis: denied by ")
    assert os.listdir(shared.tree / ".polis") == []


def test_a_question_is_asked_once_and_then_it_goes_through(desk: Desk) -> None:
    folder = desk.installation.home / ".config/polis/policies"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "version: 1\nrules:\n  - id: ask-the-lock-file\n    on: write\n    path: '**/lock.json'\n"
        "    decide: ask\n    reason: It is generated.\n"
        "    examples: {ask: ['echo x > lock.json'], pass: [ls]}\n"
    )
    assert "ask-the-lock-file" in desk.polis("policy", "list").out
    until(lambda: _write(desk, "lock.json", text=b"x").status == 124)
    ran = _write(desk, "lock.json", text=b"x")
    assert ran.status == 124
    assert ran.err == (
        "polis: asked by ask-the-lock-file: It is generated.\n"
        "hint: asked as q1; send it again when allowed (polis approvals allow q1)\n"
    )
    assert desk.polis("approvals", "allow", "q1").status == 0
    assert _write(desk, "lock.json", text=b"x").status == 0
    assert (desk.tree / "lock.json").read_text() == "x"
    assert _write(desk, "lock.json", text=b"y").status == 124


def test_what_is_written_is_the_agents(shared: Desk) -> None:
    assert _write(shared, "own.sh", text=b"#!/bin/sh\necho ran\n").status == 0
    line = (
        "test -O own.sh && chmod 750 own.sh && polis write own.sh --append </dev/null && ./own.sh"
    )
    assert shared.line(line).out.endswith("ran\n")


_HANDS = "for p in /proc/[0-9]*; do [ -e $p/fd/200 ] && kill -{} ${{p#/proc/}} && exit 0; done"


def test_a_hand_that_is_killed_leaves_nothing_behind(shared: Desk) -> None:
    """Its agent does it, in the middle of the draft."""
    assert _write(shared, "k.txt", text=b"one\n").status == 0
    seen = "n=0; until set -- k.txt.tmp.*; [ -e $1 ]; do n=$((n+1)); [ $n -lt 999999 ]; done; "
    killing = subprocess.Popen(
        ["polis", "shell", "alice", "-c", seen + _HANDS.format("KILL") + "; exit 1"],
        cwd=shared.repository,
        env=shared.installation.environment,
    )
    long = b"two\n" * 1_500_000
    lost: list[Ran] = []
    while killing.poll() is None and not lost:
        ran = _write(shared, "k.txt", text=long)
        lost += [ran] if ran.status else []
    assert killing.wait() == 0
    assert [one.status for one in lost] == [125]
    assert "was stopped or killed inside the walls" in lost[0].err
    assert [one for one in os.listdir(shared.tree) if one.startswith("k.txt")] == ["k.txt"]
    assert (shared.tree / "k.txt").read_bytes() in (b"one\n", long)
    assert json.loads(shared.polis("locks", "--json").out)["locks"] == []


def test_a_stopped_hand_loses_its_write_and_then_the_lock(shared: Desk) -> None:
    """SIGSTOP by its own agent: the file is as it was, and others get it in the end."""
    line = f"n=0; while [ $n -lt 3000 ]; do {_HANDS.format('STOP')}; n=$((n+1)); done; exit 1"
    assert _write(shared, "s.txt", text=b"").status == 0
    stopping = subprocess.Popen(
        ["polis", "shell", "alice", "-c", line],
        cwd=shared.repository,
        env=shared.installation.environment,
    )
    lost: list[Ran] = []
    while stopping.poll() is None:
        ran = _write(shared, "s.txt", "--append", text=b"x\n")
        lost += [ran] if ran.status else []
    assert stopping.returncode == 0
    assert [one.status for one in lost] in ([], [125])
    assert all("was stopped or killed inside the walls" in one.err for one in lost)
    before = (shared.tree / "s.txt").read_text()
    assert _write(shared, "s.txt", "--append", text=b"y\n").status == 0
    assert (shared.tree / "s.txt").read_text() == before + "y\n"


_ACKNOWLEDGED = """
import sys
from cash.faults import Fault
from cash.guard import writer_of
from cash.wire import ConnectionEnded
alice = writer_of("alice")
number = int(sys.argv[1])
try:
    while True:
        alice.append("acknowledged.txt", b"%d\\n" % number)
        print(number, flush=True)
        number += 1
except (Fault, ConnectionEnded) as fault:
    sys.exit(str(fault))
"""


@pytest.mark.parametrize("victim", ["polisd", "keeper"])
def test_killed_in_the_middle_nothing_acknowledged_is_lost(desk: Desk, victim: str) -> None:
    file = desk.tree / "acknowledged.txt"
    assert _write(desk, "acknowledged.txt").status == 0
    number = 0
    for round in range(4):
        writing = subprocess.Popen(
            [sys.executable, "-c", _ACKNOWLEDGED, str(number)],
            cwd=desk.repository,
            env=desk.installation.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert writing.stdout is not None
        until(lambda before=number: len(file.read_text().splitlines()) > before)  # type: ignore[misc]
        time.sleep(0.02 * round)
        kill_pids([desk.keeper] if victim == "keeper" else desk.pids("-m cash.daemon"))
        time.sleep(0.3)
        writing.kill()
        out, _ = writing.communicate()
        acknowledged = [int(line) for line in out.split()]
        # polisd is there again; what it had begun is done, or it is not.
        ran = _write(desk, "acknowledged.txt", "--append", text=b"")
        assert ran.status == 0, ran.err
        lines = [int(line) for line in file.read_text().splitlines()]
        assert lines == list(range(len(lines)))
        assert len(lines) - 1 - acknowledged[-1] in (0, 1)
        number = len(lines)
    assert sorted(os.listdir(desk.tree)) == [".git", "README.md", "acknowledged.txt"]
    assert json.loads(desk.polis("locks", "--json").out)["locks"] == []
    assert desk.polis("log", "verify").status == 0


# Who holds a file


_APPENDING = """
import json, sys, threading
from cash.faults import Fault
from cash.guard import writer_of
wrong = []
def work(agent, tool):
    for number in range(int(sys.argv[1])):
        try:
            writer_of(agent).append("log.txt", f"{agent} {tool} {number}\\n".encode())
        except Fault as fault:
            wrong.append(fault.message)
threads = [threading.Thread(target=work, args=(a, t)) for a in ("alice", "bob") for t in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps(wrong))
"""


def test_two_agents_are_never_at_one_file_at_once(desk: Desk) -> None:
    """By the journal: each write lies from its `since` to its own time, and between the taking and
    the giving back of its lock. Each tree has all that was appended to it."""
    assert desk.polis("agents", "add", "bob").status == 0
    each = 12
    ran = desk.installation.run(
        sys.executable, "-c", _APPENDING, str(each), cwd=desk.repository, timeout=120
    )
    assert (ran.out, ran.err) == ("[]\n", "")
    for name in ("alice", "bob"):
        lines = (desk.folder_of(name) / "volume/tree/log.txt").read_text().splitlines()
        assert sorted(lines) == sorted(f"{name} {t} {n}" for t in range(2) for n in range(each))
    entries = [one for one in desk.log() if one["body"].get("change") or "lock" in one["kind"]]
    wrote = [one for one in entries if one["kind"] == "tool-wrote"]
    assert len(wrote) == 4 * each
    by_time = sorted(wrote, key=lambda one: one["body"]["since"])
    for one, other in itertools.pairwise(by_time):
        assert one["time"] <= other["body"]["since"]
        assert one["body"]["fence"] < other["body"]["fence"]
    held: int | None = None
    for one in entries:
        match one["kind"]:
            case "lock-taken":
                assert held is None
                held = one["body"]["fence"]
            case "lock-released":
                assert held == one["body"]["fence"]
                held = None
            case _:
                assert held == one["body"]["fence"]


def test_a_file_that_another_holds_is_an_error_that_says_who(shared: Desk) -> None:
    where = (shared.installation, shared.repository)
    with locking(*where, "held.txt", agent="bob", why="an edit"):
        for ran in (
            _write(shared, "held.txt", text=b"x"),
            _inside(shared, "held.txt", text=b"x"),
            _write(shared, "README.md", "--move", "held.txt"),
        ):
            assert (ran.status, ran.out) == (126, "")
            first, hint = ran.err.splitlines()
            assert re.fullmatch(r"polis: held\.txt is held by bob since \d\d:\d\d: an edit", first)
            assert hint.startswith("hint: ")
        assert _write(shared, "free.txt", text=b"x").status == 0
    assert not (shared.tree / "held.txt").exists()
    assert (shared.tree / "README.md").exists()
    assert _write(shared, "held.txt", text=b"x").status == 0


def test_a_link_does_not_lead_around_a_lock(shared: Desk) -> None:
    (shared.tree / "aka.txt").symlink_to("held.txt")
    with locking(shared.installation, shared.repository, "held.txt", agent="bob"):
        ran = _write(shared, "aka.txt", text=b"x")
        assert ran.status == 126
        assert ran.err.startswith("polis: held.txt is held by bob")


def test_where_a_person_stands_in_their_checkout_is_where_it_is_in_the_tree(shared: Desk) -> None:
    for folder in (shared.repository / "lib", shared.tree / "lib"):
        folder.mkdir()
    ran = shared.installation.polis(
        "write", "alice", "x.txt", cwd=shared.repository / "lib", input=b"x"
    )
    assert (ran.status, ran.out) == (0, "written: lib/x.txt\n")
    ran = shared.installation.polis("write", "alice", "y", cwd=shared.tree / "lib", input=b"x")
    assert (ran.status, ran.out) == (0, "written: lib/y\n")


# What agents' own tools write


def _hook(desk: Desk, event: str, path: str, call: str, name: str = "alice") -> str:
    tree = desk.folder_of(name) / "volume/tree"
    told = {
        "hook_event_name": event,
        "session_id": "s1",
        "tool_name": "Edit",
        "tool_use_id": call,
        "cwd": str(tree),
        "tool_input": {"file_path": f"{tree}/{path}"},
    }
    ran = desk.polis(
        *("exec", name, "--", "/run/polis/bin/polis", "hook", "claude"),
        input=json.dumps(told).encode(),
    )
    assert (ran.status, ran.err) == (0, "")
    return ran.out


def test_a_tool_has_its_file_to_itself_until_its_call_has_ended(desk: Desk) -> None:
    assert desk.polis("agents", "add", "bob").status == 0
    assert _write(desk, "t.txt", text=b"one").status == 0
    assert _hook(desk, "PreToolUse", "t.txt", "call1") == ""
    said = json.loads(_hook(desk, "PreToolUse", "t.txt", "call2", "bob"))
    decision = said["hookSpecificOutput"]
    assert decision["permissionDecision"] == "deny"
    assert decision["permissionDecisionReason"].startswith("polis: t.txt is held by alice since ")
    assert _write(desk, "t.txt", text=b"x", name="bob").status == 126
    desk.line("echo two >t.txt")
    _hook(desk, "PostToolUse", "t.txt", "call1")
    assert _hook(desk, "PreToolUse", "t.txt", "call2", "bob") == ""
    (told,) = [one["body"] for one in desk.log("tool-wrote") if one["body"].get("call") == "call1"]
    assert (told["before"], told["after"]) == (hash_content(b"one"), hash_content(b"two\n"))
    assert told["tool"] == "Edit"


def test_calls_that_nobody_ends_end_with_their_turn(desk: Desk) -> None:
    assert desk.polis("agents", "add", "bob").status == 0
    assert _hook(desk, "PreToolUse", "t.txt", "call1") == ""
    assert _hook(desk, "PreToolUse", "t.txt", "call2") == ""  # two of its own, on one file
    assert _hook(desk, "PostToolUse", "t.txt", "call2") == ""
    assert _hook(desk, "PreToolUse", "t.txt", "call3", "bob") != ""
    _hook(desk, "Stop", "", "")
    assert _hook(desk, "PreToolUse", "t.txt", "call3", "bob") == ""
    assert desk.polis("agents", "stop", "bob").status == 0
    assert _hook(desk, "PreToolUse", "t.txt", "call4") == ""
    assert desk.log("tool-wrote") == []
