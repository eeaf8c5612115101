"""What a snapshot does beside an agent that puts things in its way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from ground import Ground

from cash.daemon import taking
from cash.daemon.errand import Told
from cash.faults import Fault
from cash.workspace.tree import add_tree


@pytest.mark.parametrize("name", ["", ".all", ".left", ".index"])
@pytest.mark.parametrize("is_there", [True, False])
def test_nothing_is_written_through_a_link(tmp_path: Path, name: str, *, is_there: bool) -> None:
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    who = ("-c", "user.name=a", "-c", "user.email=a@b")
    first = ["git", *who, "commit", "-q", "--allow-empty", "-m", "x"]
    subprocess.run(first, cwd=tree, check=True)
    (tree / "new").write_text("new")
    if is_there:
        elsewhere.write_text("kept")
    (tree / f".git/polis-snapshot{name}").symlink_to(elsewhere)
    subprocess.run(
        ["/bin/sh", "-c", taking._SNAPSHOT, "polis", str(tree / ".git"), "snapshot"],
        cwd=tree,
        capture_output=True,
        check=False,
    )
    assert (elsewhere.read_text() if elsewhere.exists() else "kept") == "kept"
    assert is_there == elsewhere.exists()


def test_an_agent_names_no_end_of_paths(ground: Ground) -> None:
    """Three million are read in seven seconds, and take a gigabyte."""
    agent = add_tree(ground.repository, ground.places, "alice")
    head, names = b"a" * 40 + b" " + b"b" * 40 + b"\n", (b"%d/\0" % one for one in range(200_000))
    with pytest.raises(Fault, match="too much"):
        taking._read_snapshot(agent, Told(0, head + b"".join(names), ""))
    assert taking._read_snapshot(agent, Told(0, head + b"x/\0", "")).left_out == ("x/",)
