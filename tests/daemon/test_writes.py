"""Writes of what an agent runs, judged, asked about and journaled by a real polisd."""

from __future__ import annotations

import json

from desk import Desk
from installation import Installation, Ran

_CI = ".github/workflows/ci.yml"


def test_a_programs_own_write_is_refused_until_a_person_has_said_yes(desk: Desk) -> None:
    (desk.tree / "write.py").write_text(f'open("{_CI}", "w").write("x")\n')
    (desk.tree / _CI).parent.mkdir(parents=True)
    ran = desk.line("python3 write.py")
    assert "PermissionError" in ran.err
    assert not (desk.tree / _CI).exists()
    (event,) = desk.log("write")
    assert event["body"]["path"] == str(desk.tree / _CI)
    assert (event["body"]["rules"], event["body"]["approval"]) == (["change-ci"], "unanswered")
    assert desk.polis("approvals", "allow", "q1").status == 0
    assert desk.line("python3 write.py").err == ""
    assert (desk.tree / _CI).read_text() == "x"
    assert desk.log("write")[-1]["body"]["approval"] == "earlier answer"
    assert "PermissionError" in desk.line("python3 write.py").err  # it was for once


def test_an_allowed_line_may_write_what_it_was_asked_about(desk: Desk) -> None:
    (desk.tree / _CI).parent.mkdir(parents=True)
    line = f"echo x >> {_CI}"
    assert desk.line(line).status == 124
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = desk.line(line)
    assert (ran.status, ran.err) == (0, "")
    assert (desk.tree / _CI).read_text() == "x\n"
    assert desk.log("write") == []


def test_a_command_that_deletes_many_files_is_asked_about_once(desk: Desk) -> None:
    (desk.tree / "src").mkdir()
    for number in range(130):
        (desk.tree / "src" / f"{number}").touch()
    (desk.tree / "clean.py").write_text("import shutil\nshutil.rmtree('src')\n")
    ran = desk.line("python3 clean.py")
    assert "PermissionError" in ran.err
    assert len(list((desk.tree / "src").iterdir())) == 30
    for number in range(130, 250):
        (desk.tree / "src" / f"{number}").touch()
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = desk.line("python3 clean.py")
    assert (ran.status, ran.err) == (0, "")
    assert not (desk.tree / "src").exists()


def test_a_command_that_overwrites_many_files_is_asked_about_too(desk: Desk) -> None:
    (desk.tree / "shout.py").write_text(
        "import os\nos.makedirs('src', exist_ok=True)\n"
        "for n in range(1100): open(f'src/{n}', 'w').write('x')\n"
        "for n in range(90): os.unlink(f'src/{n}')\n"
    )
    ran = desk.line("python3 shout.py")
    assert (ran.status, ran.err) == (0, "")  # they are new: nothing is lost
    for number in range(90):
        (desk.tree / "src" / f"{number}").touch()
    ran = desk.line("sed -i s/x/y/ src/*")
    assert "cannot rename" in ran.err
    changed = [path for path in (desk.tree / "src").iterdir() if path.read_text() == "y"]
    assert len(changed) == 910
    ran = desk.line("python3 shout.py")
    assert "PermissionError" in ran.err
    trying = "for n in range(1100):\n  for _ in '12':\n    try: open(f'src/{n}', 'w').write('z')\n"
    (desk.tree / "insist.py").write_text(trying + "    except PermissionError: pass\n")
    for number in range(90):
        (desk.tree / "src" / f"{number}").touch()
    assert desk.line("python3 insist.py").status == 0
    insisted = [path for path in (desk.tree / "src").iterdir() if path.read_text() == "z"]
    assert len(insisted) == 1000
    asked = json.loads(desk.polis("approvals", "--json").out)
    assert [one["rule"] for one in asked] == ["bulk-overwrite"] * len(asked)


def test_one_file_may_be_written_as_often_as_one_likes(desk: Desk) -> None:
    (desk.tree / "again.py").write_text(
        "for n in range(1500): open('one', 'w').write(str(n))\n"
        "import os\n"
        "for n in range(1500):\n"
        "    open('half', 'w').write(str(n)); os.rename('half', 'two')\n"
    )
    ran = desk.line("python3 again.py")
    assert (ran.status, ran.err) == (0, "")
    assert [(desk.tree / name).read_text() for name in ("one", "two")] == ["1499", "1499"]


def test_the_journal_tells_what_a_command_wrote_and_started(desk: Desk) -> None:
    (desk.tree / "make.sh").write_text("date > built\nuname\n")
    desk.line("sh make.sh; cat built")
    (wrote,) = desk.log("wrote")
    line = desk.log("line")[-1]["body"]["id"]
    assert wrote["body"] == {
        "command": line,
        "files": [[str(desk.tree / "built"), "overwrite"]],
        "more": 0,
    }
    started = [one for event in desk.log("execs") for one in event["body"]["execs"]]
    assert [(argv[0], surprise) for argv, surprise, _ in started] == [
        ("sh", False),
        ("date", True),
        ("uname", True),
        ("cat", False),
    ]


def test_git_works_where_polis_keeps_its_state_by_default(installation: Installation) -> None:
    """Below ~/.local/state/polis, of which a rule speaks, lies the agent's git directory too."""
    at_home = {"XDG_STATE_HOME": str(installation.home / ".local/state")}
    repository = installation.make_repository()

    def polis(*words: str) -> Ran:
        return installation.polis(*words, cwd=repository, environment=at_home)

    try:
        assert polis("init").status == 0
        assert polis("agents", "add", "alice").status == 0
        line = "echo b > b && git add b && git commit -qm b && git tag t && git config a.b c"
        ran = polis("shell", "alice", "-c", f"{line} && git log -1 --format=%s")
        assert (ran.status, ran.out, ran.err) == (0, "b\n", "")
        theft = 'python3 -c \'open(".git/hooks/pre-push", "w")\''
        inside = 'cd $(git rev-parse --git-dir)/hooks && python3 -c \'open("pre-push", "w")\''
        for one in (theft, inside):
            assert "Error" in polis("shell", "alice", "-c", one).err
        # git brings its own samples, and whatever else it is told to write is asked about.
        assert polis("shell", "alice", "-c", "git init -q new && ls new/.git/hooks").out
        for place in ("$(git rev-parse --git-dir)/hooks/pre-push", "new/.git/hooks/pre-push"):
            told = f"ln -s {place} here; git log -1 --output=here"
            assert polis("shell", "alice", "-c", told).status != 0, place
            assert polis("shell", "alice", "-c", f"cat {place}; rm here").err
        shown = polis("log", "--limit", "20").out
        assert "path=" in shown
        assert "/.git/hooks/pre-push" in shown
    finally:
        polis("down")


# A checkout in a second repository, whose own settings say that its files lie among the first's.
_ASTRAY = """
import os, subprocess
def git(*words, given=None):
    told = subprocess.run(["git", *words], stdout=subprocess.PIPE, text=True, input=given)
    return told.stdout.strip()
first = git("rev-parse", "--absolute-git-dir")
git("init", "-q", "other")
os.chdir("other")
blob = git("hash-object", "-w", "--stdin", given="#!/bin/sh\\n")
hooks = git("mktree", given=f"100755 blob {blob}\\tpre-commit\\n")
planted = git("commit-tree", "-m", "x", git("mktree", given=f"040000 tree {hooks}\\thooks\\n"))
empty = git("commit-tree", "-m", "x", git("mktree", given=""))
for name, commit in (("planted", planted), ("main", empty)):
    with open(f".git/refs/heads/{name}", "w") as file:
        file.write(commit)
with open(".git/HEAD", "w") as file:
    file.write("ref: refs/heads/main")
with open(".git/config", "a") as file:
    file.write(f"[core]\\n\\tworktree = {first}\\n")
subprocess.run(["git", "switch", "planted"])
"""


def test_no_checkout_brings_a_hook_unasked(desk: Desk) -> None:
    (desk.tree / "astray.py").write_text(_ASTRAY)
    ran = desk.line("python3 astray.py")
    assert not (desk.folder_of("alice") / "git/hooks/pre-commit").exists(), ran
    told = [event["body"] for event in desk.log("write")]
    assert all(one["rules"] == ["change-hooks"] for one in told)
    assert any(one["path"].endswith("git/hooks/pre-commit") for one in told)


def test_a_file_written_by_a_passing_name_is_asked_about_once_by_its_own(desk: Desk) -> None:
    """As Claude Code's Write tool does: another name each time, then renamed."""
    (desk.tree / ".github/workflows").mkdir(parents=True)
    (desk.tree / "write.py").write_text(
        "import os, secrets\n"
        "passing = f'.github/workflows/ci.yml.tmp.{os.getpid()}.{secrets.token_hex(6)}'\n"
        "open(passing, 'w').close()\n"
        "os.chmod(passing, 0o600)\n"
        "os.rename(passing, '.github/workflows/ci.yml')\n"
    )
    assert "PermissionError" in desk.line("python3 write.py").err
    (asked,) = desk.log("asked")
    assert asked["body"]["line"] == f"write {desk.tree}/.github/workflows/ci.yml"
    assert desk.polis("approvals", "allow", "q1").status == 0
    assert desk.line("python3 write.py").err == ""
    assert (desk.tree / ".github/workflows/ci.yml").exists()
    assert "PermissionError" in desk.line("python3 write.py").err  # it was for once
