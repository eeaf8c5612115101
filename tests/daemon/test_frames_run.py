"""Shells that an agent's CLI starts, with its frame and without: one line is one question."""

from __future__ import annotations

import json

import pytest
from desk import Desk
from frames import claude, codex, early_codex, gemini
from installation import Ran

LINE = "git tag -d old || echo 'it''s $x'"


def start(desk: Desk, *argv: str) -> Ran:
    """As a CLI does: a program that no line named starts a shell."""
    script = "import json, subprocess, sys; sys.exit(subprocess.call(json.load(sys.stdin)))"
    words = ("exec", "alice", "--", "python3", "-c", script)
    return desk.polis(*words, input=json.dumps(argv).encode())


@pytest.mark.parametrize("frame", [claude, codex, early_codex, gemini, str])
def test_a_line_that_is_allowed_is_asked_about_once_in_any_frame(frame: object, desk: Desk) -> None:
    assert callable(frame)
    asked = start(desk, "/bin/bash", "-lc", LINE)
    assert (asked.status, asked.out) == (124, "")
    assert "hint: asked as q1; send it again when allowed" in asked.err
    assert desk.polis("approvals").out.count(LINE) >= 1
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = start(desk, "/bin/bash", "-c", frame(LINE))
    assert "it''s" not in ran.out
    assert "polis:" not in ran.err, ran.err
    assert "its $x" in ran.out
    assert len(desk.log("asked")) == 1
    bodies = [one["body"] for one in desk.log("exec")]
    assert [one["approval"] for one in bodies] == ["unanswered", "earlier answer"]


@pytest.mark.parametrize("frame", [claude, codex, early_codex, gemini])
def test_a_refused_line_is_refused_whole_and_journaled_once(frame: object, desk: Desk) -> None:
    assert callable(frame)
    ran = start(desk, "/bin/bash", "-c", frame("echo first; mkfs.ext4 /dev/x"))
    assert (ran.status, ran.out) == (126, "")
    assert ran.err.count("polis: denied by no-disk-tools") == 1
    assert len(desk.log("exec")) == 1


def test_a_look_alike_frame_hides_nothing(desk: Desk) -> None:
    text = codex("echo ok").replace("then :;", "then mkfs.ext4 /dev/x;")
    ran = start(desk, "/bin/bash", "-c", text)
    assert (ran.status, ran.out) == (126, "")
