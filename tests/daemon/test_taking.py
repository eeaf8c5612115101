"""The snapshot's script beside an agent that puts links in its way."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cash.daemon import taking


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
