"""What the prompt says."""

from __future__ import annotations

import os
from pathlib import Path

import pyte
import pytest

from cash.shell.appearance import Appearance, fresh_line, read_branch, shorten

TREE = "/home/ada/.local/state/polis/shop-1a2b3c/agents/alice/tree"


@pytest.mark.parametrize(
    ("directory", "shown"),
    [
        ("/home/ada", "~"),
        ("/home/ada/x", "~/x"),
        ("/home/adam", "/home/adam"),
        ("/tmp", "/tmp"),
        (TREE, "~/…/tree"),
        (f"{TREE}/src/a", "~/…/tree/src/a"),
        (f"{TREE}s", "~/.local/state/polis/shop-1a2b3c/agents/alice/trees"),
        ("/x\x1b[2Jy", "/x^[[2Jy"),
        ("/a\nb", "/a?  b"),
    ],
)
def test_the_directory_is_short_and_harmless(directory: str, shown: str) -> None:
    assert shorten(directory, home="/home/ada", tree=TREE) == shown


def test_the_whole_prompt(tmp_path: Path) -> None:
    appearance = Appearance(
        "alice", "agent/alice", "full", TREE, "/home/ada", os.fspath(tmp_path), TREE, 2
    )
    text = "".join(fragment for _, fragment, *_ in appearance.describe())
    assert text == "alice agent/alice full ~/…/tree [2] $ "
    (tmp_path / "HEAD").write_text("ref: refs/heads/topic/one\n")
    appearance.status = 0
    text = "".join(fragment for _, fragment, *_ in appearance.describe())
    assert text == "alice topic/one full ~/…/tree $ "


def test_a_planted_head_shows_nothing(tmp_path: Path) -> None:
    head = tmp_path / "HEAD"
    secret = tmp_path / "secret"
    secret.write_text("ref: refs/heads/secret\n")
    head.symlink_to(secret)
    assert read_branch(os.fspath(tmp_path)) == ""
    head.unlink()
    os.mkfifo(head)
    assert read_branch(os.fspath(tmp_path)) == ""
    head.unlink()
    head.write_text("ref: refs/heads/a\x1b[2Jb\n")
    assert read_branch(os.fspath(tmp_path)) == ""
    head.write_text("0123456789\n")
    assert read_branch(os.fspath(tmp_path)) == ""


@pytest.mark.parametrize(("output", "row"), [(b"", 0), (b"done\r\n", 1), (b"half", 1)])
def test_the_prompt_starts_on_a_fresh_line(output: bytes, row: int) -> None:
    screen = pyte.Screen(20, 5)
    pyte.ByteStream(screen).feed(output + fresh_line(20))
    assert (screen.cursor.x, screen.cursor.y) == (0, row)
    assert screen.display[0].startswith(output.strip().decode())
