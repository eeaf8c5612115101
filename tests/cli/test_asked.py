"""What the commands say of agents and questions: to people in words, to programs in numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from installation import Installation

pytestmark = pytest.mark.kernel


@pytest.fixture
def root(installation: Installation) -> Path:
    """A repository with alice, whose lines wait a moment for their answer."""
    made = installation.make_repository()
    for words in (("init",), ("agents", "add", "alice"), ("config", "set", "ask-seconds", "0.1")):
        assert installation.polis(*words, cwd=made).status == 0
    return made


def test_the_list_of_questions_says_how_to_answer(installation: Installation, root: Path) -> None:
    assert installation.polis("approvals", cwd=root).out == "nothing is asked\n"
    assert installation.polis("approvals", "list", "--json", cwd=root).out == "[]\n"
    assert installation.polis("shell", "alice", "-c", "git clean -f x", cwd=root).status == 124
    last = installation.polis("approvals", cwd=root).out.splitlines()[-1]
    assert last == "answer: polis approvals allow q1, or polis approvals deny q1"
    (question,) = json.loads(installation.polis("approvals", "list", "--json", cwd=root).out)
    assert isinstance(question["asked"], float)
    assert installation.polis("approvals", "allow", "q1", cwd=root).status == 0
    log = installation.polis("log", cwd=root).out
    assert re.search(r"^\S+  alice +asked +q1 git clean -f x rule=clean-untracked$", log, re.M)
    assert re.search(r"^\S+  alice +answered +q1 allow git clean -f x ", log, re.M)


def test_one_number_in_two_repositories_is_the_one_one_stands_in(
    installation: Installation, root: Path
) -> None:
    other = installation.make_repository("other")
    for words in (("init",), ("agents", "add", "bob")):
        assert installation.polis(*words, cwd=other).status == 0
    for name, place in (("alice", root), ("bob", other)):
        ran = installation.polis("shell", name, "-c", "git clean -f x", cwd=place)
        assert "asked as q1" in ran.err
    listed = installation.polis("approvals", cwd=root).out
    assert re.search(rf"^q1  alice  .* ago  {root}$", listed, re.M)
    assert re.search(rf"^q1  bob  .* ago  {other}$", listed, re.M)
    ran = installation.polis("approvals", "deny", "q1")
    assert ran.status == 64
    assert "in no repository under polis" in ran.err
    assert installation.polis("approvals", "deny", "q1", cwd=other).status == 0
    (left,) = json.loads(installation.polis("approvals", "list", "--json", cwd=root).out)
    assert left["agent"] == "alice"


def test_an_agent_is_shown_in_words(installation: Installation, root: Path) -> None:
    text = installation.polis("agents", "show", "alice", cwd=root).out
    assert re.search(r"^created +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(\d+ s ago\)$", text, re.M)
    assert re.search(r"^dirty +no$", text, re.M)
    found = json.loads(installation.polis("agents", "show", "alice", "--json", cwd=root).out)
    assert isinstance(found["created"], float)
    assert found["dirty"] is False


def test_who_one_is_is_the_same_however_one_asks(installation: Installation, root: Path) -> None:
    tree = Path(installation.polis("agents", "path", "alice", cwd=root).out.strip())
    (tree / "who.py").write_text(
        "import os, pwd\nline = pwd.getpwuid(os.getuid())\n"
        "print(*map(os.environ.get, ('USER', 'LOGNAME', 'HOME')), line.pw_name, line.pw_dir)\n"
    )
    ran = installation.polis("exec", "alice", "--", "/usr/bin/python3", "who.py", cwd=tree)
    assert ran.err == ""
    user, *rest = ran.out.split()
    assert rest == [user, str(installation.home), user, str(installation.home)]
    assert installation.polis("exec", "alice", "--", "id", "-un", cwd=root).out == f"{user}\n"


def test_the_log_is_in_words(installation: Installation, root: Path) -> None:
    assert installation.polis("exec", "alice", "--", "true", cwd=root).status == 0
    text = installation.polis("log", cwd=root).out
    assert re.search(r"seconds=[\d.]+ m?s$", text, re.M)
    assert re.search(r" policy-loaded +version=\w{12}$", text, re.M)
    events = [
        json.loads(line) for line in installation.polis("log", "--json", cwd=root).out.splitlines()
    ]
    (ran,) = [one for one in events if one["kind"] == "ran"]
    assert isinstance(ran["body"]["seconds"], float)
    assert isinstance(ran["time"], float)


def test_uninstall_says_what_it_kept_and_removed(installation: Installation, root: Path) -> None:
    tree = Path(installation.polis("agents", "path", "alice", cwd=root).out.strip())
    (tree / "new.txt").write_text("not committed\n")
    said = installation.polis("uninstall", "--yes", cwd=root).out.splitlines()
    assert said[0] == "removed: alice, with tree, walls and private home"
    assert said[1] == "kept: branch agent/alice (git log -p HEAD..agent/alice)"
    saved = re.fullmatch(
        r"kept: branch (polis-saved/alice\S+) \((git log -p HEAD\.\.\S+)\)", said[2]
    )
    assert saved
    shown = installation.run("sh", "-c", saved[2], cwd=root)
    assert "+not committed" in shown.out
    merged = said[3].removeprefix("those that are merged go with: ")
    assert merged == f"git branch -d agent/alice {saved[1]}"
    assert installation.run("sh", "-c", merged, cwd=root).status == 1
    assert installation.git(root, "branch", "--format=%(refname:short)") == f"main\n{saved[1]}\n"
    assert said[4].startswith("kept: the journal, /")
    assert said[5:] == ["polis is removed from this repository"]
