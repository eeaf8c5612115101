"""Programs below a command, judged, asked about, rewritten and journaled by a real polisd."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from installation import Installation
from route import place
from routes import FORBIDDEN, POLICY, ROUTES
from running import finish, start, until

_POLICY = (
    POLICY
    + """\
  - id: dates-by-echo
    program: date
    rewrite: echo instead $args
    reason: What is echoed is the same each time.
    examples: {rewrite: {date -u: echo instead -u}}
  - id: about-uname
    program: uname
    decide: ask
    reason: Who knows.
    examples: {ask: [uname]}
"""
)
_NAMES = [
    *("make", "make, shell needed", "make in make", "a script by name", "npm run"),
    *("python os.posix_spawn", "python subprocess", "node spawn", "perl fork"),
    *("symlink", "copy", "hard link", "#!/usr/bin/env", "#! of the program", "C posix_spawn"),
    *("C memfd", "static C vfork", "ld-linux behind a link"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk with this policy; each test asks about commands of its own."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    folder = installation.home / ".config/polis/policies"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(_POLICY)
    made = Desk(installation, installation.make_repository())
    try:
        for words in (
            ("init",),
            ("config", "set", "ask-seconds", "2"),
            ("agents", "add", "alice"),
        ):
            ran = made.polis(*words)
            assert ran.status == 0, ran.err
        yield made
    finally:
        installation.stop()


@pytest.fixture
def events(desk: Desk) -> Any:
    """Tells what was journaled of execs since the test began."""
    before = len(desk.log("exec"))
    return lambda: [event["body"] for event in desk.log("exec")[before:]]


@pytest.mark.parametrize("name", _NAMES)
def test_a_forbidden_program_is_refused_by_name(desk: Desk, name: str, events: Any) -> None:
    if name not in ROUTES:
        pytest.skip(f"{name}: not on this machine")
    route, folder = ROUTES[name], desk.tree / "route"
    folder.mkdir()
    try:
        place(route, folder, (os.geteuid(), os.getegid()))
        ran = desk.line(f"cd route && {shlex.join(route.argv)}")
    finally:
        shutil.rmtree(folder)
    assert FORBIDDEN.proof not in ran.out + ran.err
    assert ran.err.count("polis: denied by no-shredding: What is shredded cannot come back.\n") == 1
    assert "hint: git rm FILE\n" in ran.err
    (event,) = events()
    assert (event["decision"], event["approval"]) == ("deny", "refused")
    assert event["rules"] == ["no-shredding"]


def _put(desk: Desk, name: str, text: str) -> None:
    (desk.tree / name).write_text(text)
    (desk.tree / name).chmod(0o755)


def test_a_program_is_rewritten_wherever_it_starts(desk: Desk, events: Any) -> None:
    _put(desk, "when.py", "import subprocess\nsubprocess.run(['date', '-u', \"a 'b\", ''])\n")
    ran = desk.line("python3 when.py")
    assert (ran.status, ran.out, ran.err) == (0, "instead -u a 'b \n", "")
    (event,) = events()
    assert event["argv"] == ["date", "-u", "a 'b", ""]
    assert shlex.split(event["rewritten"]) == ["echo", "instead", "-u", "a 'b", ""]
    assert (event["decision"], event["approval"]) == ("rewrite", "policy")
    assert event["program"] == "/usr/bin/date"


def test_a_program_waits_for_a_person(desk: Desk, events: Any) -> None:
    _put(desk, "which.py", "import os\nos.execv('/usr/bin/uname', ['uname', '-o'])\n")
    ran = desk.line("python3 which.py")
    assert (ran.status, ran.out) == (124, "")
    assert "about-uname" in ran.err
    (event,) = events()
    assert (event["argv"], event["approval"]) == (["uname", "-o"], "unanswered")
    (question,) = _questions(desk, "uname -o")
    running = start(desk, "python3 which.py")
    until(lambda: len(_waiters("uname -o")) == 1)
    assert desk.polis("approvals", "allow", question).status == 0
    out, _ = running.communicate(timeout=20)
    assert (running.returncode, out) == (0, b"GNU/Linux\n")
    assert events()[-1]["approval"] == "person"


def test_a_person_says_no_to_what_waits(desk: Desk, events: Any) -> None:
    _put(desk, "who.py", "import os\nos.execv('/usr/bin/uname', ['uname', '-n'])\n")
    running = start(desk, "python3 who.py")
    until(lambda: len(_waiters("uname -n")) == 1)
    (question,) = _questions(desk, "uname -n")
    assert desk.polis("approvals", "deny", question).status == 0
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (126, b"")
    assert b"denied" in err
    assert events()[-1]["approval"] == "refused"


def _waiters(words: str) -> list[int]:
    """The processes that stand for these words; their environment is empty."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            argv = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            if argv.startswith(b"polis -e my ") and f" {words} ".encode() in argv:
                found.append(int(process.name))
    return found


def _questions(desk: Desk, about: str) -> list[str]:
    """The open questions about this exec, by the ids that answer them."""
    rows = json.loads(desk.polis("approvals", "list", "--json").out)
    return [row["id"] for row in rows if about in json.dumps(row)]


def test_who_waits_may_be_killed(desk: Desk) -> None:
    _put(desk, "kill.py", "import os\nos.execv('/usr/bin/uname', ['uname', '-p'])\n")
    running: subprocess.Popen[bytes] = start(desk, "python3 kill.py")
    until(lambda: len(_waiters("uname -p")) == 1)
    (waiter,) = _waiters("uname -p")
    os.kill(waiter, 15)
    assert finish(running) == 128 + 15


# The other end of git's transport is let go where git itself has started it; nothing else is.

_NAMED = "import os, sys\nos.execv('/usr/bin/shred', [sys.argv[1], '--version'])\n"


@pytest.mark.parametrize("name", ["git-upload-pack", "git-receive-pack", "git", "git-x"])
def test_a_forbidden_program_gains_nothing_by_gits_names(desk: Desk, name: str) -> None:
    _put(desk, "named.py", _NAMED)
    ran = desk.line(f"python3 named.py {name}")
    assert FORBIDDEN.proof not in ran.out
    assert "polis: denied by no-shredding" in ran.err


def test_a_script_of_gits_name_gains_nothing(desk: Desk) -> None:
    _put(desk, "git-upload-pack", "#!/usr/bin/shred --version\n")
    _put(desk, "by.py", "import os\nos.execv('./git-upload-pack', ['git-upload-pack', 'x'])\n")
    ran = desk.line("python3 by.py")
    assert FORBIDDEN.proof not in ran.out
    assert "polis: denied by no-shredding" in ran.err


def test_gits_own_transport_is_let_go(desk: Desk) -> None:
    _put(desk, "fetch.py", "import subprocess\nsubprocess.run(['git', 'ls-remote', '.', 'HEAD'])\n")
    ran = desk.line("python3 fetch.py")
    assert (ran.status, ran.err, "HEAD" in ran.out) == (0, "", True)


def test_what_was_allowed_once_is_asked_about_again(desk: Desk, events: Any) -> None:
    """A yes is for the exec that asked, and ends with it: not for all that comes below its line."""
    (desk.tree / "twice.sh").write_text("uname -s; uname -s; uname -s\n")
    asked = re.search(r"asked as (q\d+)", desk.line("sh twice.sh").err)
    assert asked is not None
    assert desk.polis("approvals", "allow", asked[1]).status == 0
    ran = desk.line("sh twice.sh")
    assert (ran.status, ran.out) == (124, "Linux\n")
    assert [one["approval"] for one in events()].count("earlier answer") == 1


@pytest.mark.parametrize("place", ["git/config", "home/.gitconfig"])
def test_a_git_that_went_on_is_judged_by_what_it_is_told_now(desk: Desk, place: str) -> None:
    """The same words, from the same folder: what they mean stands in a file."""
    _put(desk, "told.sh", "git ls-remote told >/dev/null\n")
    file = desk.tree.parents[1] / place
    before = file.read_text() if file.exists() else ""

    def status_of(address: str) -> int:
        file.write_text(f'{before}[remote "told"]\n\turl = {address}\n')
        return desk.line("sh told.sh").status

    try:
        told = [status_of(address) for address in (".", ".", "https://told.example/x", ".")]
        assert told == [0, 0, 124, 0]
    finally:
        file.write_text(before)
