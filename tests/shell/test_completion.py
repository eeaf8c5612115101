"""What Tab offers."""

from __future__ import annotations

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from cash.shell.completion import ShellCompleter


@pytest.fixture
def completer(tmp_path: Path) -> ShellCompleter:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gitk", "git", "grep"):
        (tools / name).touch()
    tree = tmp_path / "tree"
    (tree / "src").mkdir(parents=True)
    for name in ("git notes.txt", "gamma", ".git-keep", "src/main.py", "it's"):
        (tree / name).touch()
    made = ShellCompleter(f"{tools}:/nowhere")
    made.directory = str(tree)
    return made


@pytest.mark.parametrize(
    ("before", "offered"),
    [
        ("gi", ["git", "gitk", "git\\ notes.txt"]),
        ("cat g", ["gamma", "git\\ notes.txt"]),
        ("ls; gre", ["grep"]),
        ("true && gre", ["grep"]),
        ("echo $(gre", ["grep"]),
        ("cat s", ["src/"]),
        ("cat src/", ["src/main.py"]),
        ("cat git\\ n", ["git\\ notes.txt"]),
        ("cat .g", [".git-keep"]),
        ("cat it", ["it\\'s"]),
        ("cat nowhere/x", []),
    ],
)
def test_names_fit_the_place(completer: ShellCompleter, before: str, offered: list[str]) -> None:
    document = Document(before)
    found = completer.get_completions(document, CompleteEvent())
    texts = [before[: len(before) + one.start_position] + one.text for one in found]
    head = before[: len(before) - len(before.rsplit(" ", 1)[-1])]
    if before == "cat git\\ n":
        head = "cat "
    if before.startswith("echo $("):
        head = "echo $("
    assert texts == [head + name for name in offered]
