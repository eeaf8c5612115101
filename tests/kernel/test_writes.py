"""Writes below a command: as without a keeper where the policy allows them, refused where not."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from compiling import build
from rules import policy_of
from walled import KINDS, ORDINARY, PATIENCE, Walled, anything_goes, count_open, stand_up, tear_down
from writing import PROGRAM

from cash.keeper.link import Failed, Snapshot, Wrote
from cash.policy.policy import Policy

PROTECTED = (
    {"id": "no-secret", "on": "write", "path": ["secret", "**/.ci/**"], "decide": "deny"},
    {
        "id": "not-so-many",
        "on": "write",
        "kind": "delete",
        "more_than": 5,
        "path": "$tree/**",
        "unless": {"path": ["**/build/**", "**/.git/**"]},
        "decide": "ask",
    },
    {"id": "no-other", "on": "write", "path": ["**/.ci"], "kind": "delete", "decide": "deny"},
)
_PYTHON = ("/usr/bin/python3", "-I", "-S", "-c")


@pytest.fixture(scope="module", params=KINDS)
def guarded(request: pytest.FixtureRequest) -> Iterator[Walled]:
    """Walls in which a rule keeps everybody from `secret` and from what is below `.ci`."""
    policy = policy_of(*PROTECTED)
    made = stand_up(request.param)
    made.link.enforce(Snapshot(policy, anything_goes(made.view).context))
    yield made
    tear_down(made)


@pytest.fixture
def room(guarded: Walled) -> Iterator[Path]:
    """A folder in the tree with a protected file in it, empty otherwise."""
    folder = guarded.view.tree / "room"
    for one in (folder, folder / ".ci"):
        one.mkdir()
        os.chown(one, *guarded.view.owner)
    for name in ("secret", ".ci/run", "open"):
        (folder / name).write_text("before\n")
        os.chown(folder / name, *guarded.view.owner)
    yield folder
    shutil.rmtree(folder)


def _bare(folder: Path) -> str:
    """What the program says without any walls, as an ordinary user."""
    uid = ORDINARY if os.geteuid() == 0 else os.getuid()
    os.chown(folder, uid, -1)
    done = subprocess.run(
        [*_PYTHON, PROGRAM],
        cwd=folder,
        user=uid,
        group=uid if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_is_allowed_goes_as_without_a_keeper(
    guarded: Walled, room: Path, tmp_path: Path
) -> None:
    for parent in (tmp_path, *tmp_path.parents[:3]):
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)
    own = room / "build"  # where nobody counts how much is deleted
    own.mkdir()
    os.chown(own, *guarded.view.owner)
    ran = guarded.run(*_PYTHON, PROGRAM, cwd=os.fspath(own))
    assert ran.status == 0, ran.err
    assert ran.out == _bare(tmp_path)


def _syscall(number: int, words: str) -> str:
    """A line in which a call is made on `l`, a link to the protected file (x86_64)."""
    call = f"ctypes.CDLL(None, use_errno=True).syscall({number}, {words})"
    why = "os.strerror(ctypes.get_errno())"
    return f'ln -s secret l; python3 -c "import ctypes, os, sys; sys.exit({call} and {why})"'


ROUTES = {
    "redirect": "echo x > secret",
    "append": "echo x >> secret",
    "tee": "echo x | tee secret",
    "absolute": 'echo x > "$PWD/secret"',
    "roundabout": "echo x > .ci/../secret",
    "below": "echo x > .ci/run",
    "a new file below": "echo x > .ci/new",
    "through a link": "ln -s secret l; echo x > l",
    "through a linked folder": "ln -s .ci l; echo x > l/run",
    "through an absolute link": 'ln -s "$PWD/secret" l; echo x > l',
    "truncate": "truncate -s 0 secret",
    "remove": "rm -f secret",
    "remove a folder": "rm -rf .ci",
    "move away": "mv secret other",
    "move onto": "mv open secret",
    "move the folder onto it": "mkdir d; mv d .ci/d",
    "link to it": "ln secret other; echo x > other",
    "link onto it": "ln -f open secret",
    "symlink onto it": "ln -sf open secret",
    "chmod": "chmod 777 secret",
    "touch": "touch -d @0 secret",
    "in place": "sed -i s/before/after/ secret",
    "dd": "echo x | dd of=secret conv=notrunc",
    "python": 'python3 -c \'open("secret", "w")\'',
    "perl": 'perl -e \'open(F, ">", "secret") or die $!\'',
    "a folder": "mkdir -p .ci/new",
    "reopened": "exec 7< secret; echo x > /proc/self/fd/7",
    "reopened by another name": "exec 7< secret; echo x > /dev/fd/7",
    "by descriptor": "python3 -c 'import os; os.fchmod(os.open(\"secret\", 0), 0o777)'",
    "from a descriptor": 'python3 -c \'import os; os.open("run", 1, dir_fd=os.open(".ci", 0))\'',
    "copy": "cp open secret",
    "install": "install -m 755 open .ci/run",
    "rsync or cp -r": "mkdir s; echo x > s/run; cp -r s/. .ci/",
    "move the folder of it": "mkdir d; mv .ci d/ci",
    "a folder in such a place": "mkdir d deep; echo x > d/run; mv d deep/.ci",
    "link to what a link leads to": "ln -s secret l; ln -L l o; echo x > o",
    "link to an open file": "exec 7< secret; ln -L /proc/$$/fd/7 o; echo x > o",
    "mode through a link": _syscall(268, "-100, b'l', 0o777, 0, 0x100"),
    "mode through a link, with flags": _syscall(452, "-100, b'l', 0o777, 0"),
    "times through a link": _syscall(280, "-100, b'l', 0, 0, 0x100"),
    "git's index": 'GIT_INDEX_FILE="$PWD/secret" git read-tree HEAD || (echo denied >&2; false)',
    "git by another name": "cp open clean; "
    "(exec -a git-diff git --no-index --output=secret clean open) || true",
    "git, tracing": 'GIT_TRACE="$PWD/secret" git stash list 2>&1 | grep -v "^$" >&2; exit 0',
    "fifo": "rm -f secret; mkfifo secret",
}


def _state(folder: Path) -> list[tuple[str, int, float, bytes]]:
    files = [folder / "secret", *sorted((folder / ".ci").iterdir())]
    return [
        (one.name, one.lstat().st_mode, one.lstat().st_mtime, one.read_bytes()) for one in files
    ]


@pytest.mark.parametrize("name", ROUTES)
def test_no_way_leads_to_a_protected_file(guarded: Walled, room: Path, name: str) -> None:
    before = _state(room)
    ran = guarded.run("bash", "-c", ROUTES[name], cwd=os.fspath(room))
    assert _state(room) == before
    assert "denied" in ran.err, ran.err


@pytest.mark.parametrize("name", ROUTES)
def test_each_of_these_ways_is_one(guarded: Walled, room: Path, name: str) -> None:
    """What was refused above is possible where no rule speaks of it."""
    for old, new in (("secret", "Secret"), (".ci", ".Ci")):
        (room / old).rename(room / new)
    line = ROUTES[name].replace("secret", "Secret").replace(".ci", ".Ci")
    ran = guarded.run("bash", "-c", line, cwd=os.fspath(room))
    assert (ran.status, ran.err.replace("records", "")) == (0, "") or name == "dd"


def test_a_second_thread_cannot_get_a_protected_file_opened(guarded: Walled, room: Path) -> None:
    program = shutil.copy(build("racers/opens.c", "-pthread"), room / "racer")
    shutil.copy(room / "open", room / "hidden")
    os.chown(room / "hidden", *guarded.view.owner)
    race = ("./racer", "hidden", "secret", "3000")
    ran = guarded.run(*race, cwd=os.fspath(room))
    assert ran.status == 0, ran.err
    permitted, forbidden, failed = (int(word) for word in ran.out.split())
    assert forbidden == 0
    assert permitted > 100
    assert failed > 100
    Path(program).unlink()


def test_polisd_may_allow_what_a_rule_speaks_of(guarded: Walled, room: Path) -> None:
    guarded.asked.clear()
    guarded.may_write = True
    try:
        ran = guarded.run("bash", "-c", "echo x > secret; rm .ci/run", cwd=os.fspath(room))
    finally:
        guarded.may_write = False
    assert (ran.status, ran.err) == (0, "")
    assert (room / "secret").read_text() == "x\n"
    assert not (room / ".ci/run").exists()
    asked = [one for one in guarded.asked if "write" in one]
    assert [(one["write"], one["kind"]) for one in asked] == [
        (f"{room}/secret", "overwrite"),
        (f"{room}/.ci/run", "delete"),
    ]


def test_a_git_that_moves_the_tree_is_not_stopped_at_a_file(guarded: Walled, room: Path) -> None:
    user = "-c user.name=a -c user.email=a@example.org"
    line = (
        "git init -q . && echo 1 > open && git add -A && "
        f"git {user} commit -qm 1 && git checkout -q -b other && git rm -q secret .ci/run && "
        f"git {user} commit -qm 2 && git checkout -q -"
    )
    ran = guarded.run("bash", "-c", line, cwd=os.fspath(room))
    assert (ran.status, ran.err) == (0, "")
    assert (room / "secret").read_text() == "before\n"


def test_what_was_written_is_told_with_the_command(guarded: Walled, room: Path) -> None:
    guarded.news.clear()
    guarded.run("bash", "-c", "echo 1 > one; mkdir d; mv one d/two", cwd=os.fspath(room))
    told = [one for one in guarded.news if isinstance(one, Wrote)]
    files = dict(pair for one in told for pair in one.files)
    assert {one.command for one in told} == {f"run-{guarded.count}"}
    assert files == {
        f"{room}/one": "rename",
        f"{room}/d": "create",
        f"{room}/d/two": "overwrite",
    }


MANY = {
    "rm": "rm -rf many",
    "python": "python3 -c 'import shutil; shutil.rmtree(\"many\")'",
    "find": "find many -type f -delete",
    "perl": "perl -e 'unlink glob \"many/*\"'",
    "one by one": "for f in many/*; do rm -f $f; done",
}


@pytest.mark.parametrize("name", MANY)
def test_many_deletions_are_asked_about_whoever_deletes(
    guarded: Walled, room: Path, name: str
) -> None:
    for folder in ("many", "build"):
        (room / folder).mkdir()
        for number in range(20):
            (room / folder / f"{number}").touch()
    subprocess.run(["chown", "-R", "{}:{}".format(*guarded.view.owner), room], check=True)
    line = MANY[name].replace("many", "build")
    assert guarded.run("bash", "-c", line, cwd=os.fspath(room)).status == 0
    guarded.asked.clear()
    guarded.run("bash", "-c", MANY[name], cwd=os.fspath(room))
    assert len(list((room / "many").iterdir())) == 15
    asked = [one for one in guarded.asked if "write" in one]
    assert asked[0]["count"] == 5
    assert len(asked) >= 1


def test_a_git_that_moves_nothing_is_a_program_like_all(guarded: Walled, room: Path) -> None:
    line = "git diff --no-index --output=secret open .ci/run; git config -f secret a.b c"
    before = _state(room)
    ran = guarded.run("bash", "-c", line, cwd=os.fspath(room))
    assert _state(room) == before
    assert "denied" in ran.err


def test_a_folder_that_is_there_is_said_to_be(guarded: Walled, room: Path) -> None:
    (room / ".ci/below").mkdir()
    os.chown(room / ".ci/below", *guarded.view.owner)
    ran = guarded.run("bash", "-c", "mkdir -p .ci/below; mkdir .ci/below", cwd=os.fspath(room))
    assert (ran.err.count("File exists"), "denied" in ran.err) == (1, False)
    shutil.rmtree(room / ".ci/below")


def test_each_file_below_a_moved_folder_is_answered_for(guarded: Walled, room: Path) -> None:
    (room / "d").mkdir()
    for name in ("d", "d/secret", "d/run"):
        (room / name).touch()
        os.chown(room / name, *guarded.view.owner)
    guarded.asked.clear()
    guarded.may_write = True
    try:
        ran = guarded.run("bash", "-c", "mkdir e; mv d e/.ci", cwd=os.fspath(room))
    finally:
        guarded.may_write = False
    assert (ran.status, ran.err) == (0, "")
    asked = {one["write"].removeprefix(f"{room}/") for one in guarded.asked if "write" in one}
    assert asked == {"e/.ci", "d/secret", "e/.ci/secret", "e/.ci/run"}


def test_a_folder_that_nobody_may_look_into_is_not_moved(guarded: Walled, room: Path) -> None:
    """Else what is in it would come to lie where a rule speaks of it."""
    line = "mkdir -p d/g/h; echo x > d/g/run; chmod 000 d/{}; mv d/g d/.ci; s=$?; chmod 755 d/{}"
    for folder in ("g", "g/h"):
        ran = guarded.run(
            "bash", "-c", line.replace("{}", folder) + "; exit $s", cwd=os.fspath(room)
        )
        assert (ran.status, "Permission denied" in ran.err) == (1, True)
        assert not (room / "d/.ci").exists()


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_judged_fails_and_the_keeper_lives(kind: str) -> None:
    """A rule that is broken in a way no loader lets pass: judging by it raises."""
    rules = policy_of(
        {"id": "one", "on": "write", "path": "broken", "decide": "deny"},
        {"id": "other", "program": "uname", "decide": "deny"},
    ).rules
    broken = [replace(rule, reason=cast("str", 5)) for rule in rules]
    walled = stand_up(kind)
    try:
        context = anything_goes(walled.view).context
        walled.link.enforce(Snapshot(Policy(broken), context))
        assert "not permitted" in walled.sh("echo x > broken").err
        assert walled.sh("uname; exit $?").status == 137
        assert walled.sh("echo on").out == "on\n"
        assert any(isinstance(one, Failed) and not one.fatal for one in walled.others)
    finally:
        tear_down(walled)


def test_two_files_cannot_be_swapped_in_one_step(guarded: Walled, room: Path) -> None:
    before = _state(room)
    swap = "import ctypes; print(ctypes.CDLL(None).syscall(316, -100, b'.ci', -100, b'open', 2))"
    ran = guarded.run(*_PYTHON, swap, cwd=os.fspath(room))
    assert (ran.out, _state(room)) == ("-1\n", before)


def test_a_folder_of_too_many_files_is_moved_one_by_one(guarded: Walled, room: Path) -> None:
    if guarded.kind != KINDS[-1]:
        return  # it takes a while, and is the same everywhere
    folder = room / "build/d"
    folder.mkdir(parents=True)
    for number in range(20001):
        (folder / str(number)).touch()
        os.chown(folder / str(number), *guarded.view.owner)
    for one in (folder.parent, folder):
        os.chown(one, *guarded.view.owner)
    line = "cd build && mv d e && ls e | wc -l"
    ran = guarded.run("bash", "-c", line, cwd=os.fspath(room))
    assert (ran.status, ran.out) == (0, "20001\n"), ran.err


_SWAPPED = """
import os, threading, time
os.mkdir('d')
os.mkfifo('d/run')
def write():
    try:
        os.write(os.open('d/run', os.O_WRONLY | os.O_TRUNC), b'changed')
    except PermissionError:
        print('denied')
writer = threading.Thread(target=write)
writer.start()
time.sleep(0.2)
os.rename('d', 'e')
os.symlink(TARGET, 'd')
writer.join()
"""


@pytest.mark.parametrize("target", ["'.ci'", "f'/proc/{os.getpid()}'"])
def test_a_fifo_whose_folder_is_replaced_leads_nowhere_else(
    guarded: Walled, room: Path, target: str
) -> None:
    before = _state(room)
    ran = guarded.run(*_PYTHON, _SWAPPED.replace("TARGET", target), cwd=os.fspath(room))
    assert (ran.out, ran.err, _state(room)) == ("denied\n", "", before)


def test_a_file_without_a_name_may_be_given_one(guarded: Walled, room: Path) -> None:
    program = (
        "import os; f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600); os.write(f, b'x');"
        "os.link(f'/proc/self/fd/{f}', 'named', src_dir_fd=0, follow_symlinks=True)"
    )
    ran = guarded.run(*_PYTHON, program, cwd=os.fspath(room))
    assert (ran.status, ran.err) == (0, "")
    assert (room / "named").read_text() == "x"


def test_what_git_traces_by_its_configuration_goes_to_no_protected_file(
    guarded: Walled, room: Path
) -> None:
    before = _state(room)
    line = (
        'git config --global trace2.normalTarget "$PWD/secret"; git checkout -q -b traced; '
        "git checkout -q -; git branch -q -D traced; rm ~/.gitconfig"
    )
    assert guarded.run("bash", "-c", line, cwd=os.fspath(room)).status == 0
    assert _state(room) == before


_DEEP = """
import os
os.mkdir('build'); os.chdir('build'); os.mkdir('D'); d = os.open('D', 0)
for _ in range(1500):
    os.mkdir('a', dir_fd=d); n = os.open('a', 0, dir_fd=d); os.close(d); d = n
try:
    os.rename('D', 'E')
except OSError as fault:
    print(fault.errno)
"""


def test_a_keeper_outlives_deep_folders_and_early_ends(fragile: Walled) -> None:
    keeper = fragile.ready.keeper
    fragile.link.enforce(Snapshot(policy_of(*PROTECTED), anything_goes(fragile.view).context))
    assert fragile.run(*_PYTHON, _DEEP).out == "18\n"  # EXDEV
    subprocess.run(["rm", "-rf", fragile.view.tree / "build"], check=True)
    # Who asked is gone before anybody has answered, and so is all of its command.
    fragile.judge_writes = False
    client = fragile.start(*_PYTHON, "open('secret', 'w')", descriptors={})
    deadline = time.monotonic() + PATIENCE
    while not any("write" in one for one in fragile.asked):
        assert time.monotonic() < deadline
        time.sleep(0.002)
    client.close()
    time.sleep(2.5)  # as long as a keeper waits for an answer, and a little more
    fragile.judge_writes = True
    before = count_open(keeper)
    assert fragile.sh("echo on").out == "on\n"
    assert count_open(keeper) <= before


_FLIPPED = """
import ctypes, threading, time
libc = ctypes.CDLL(None)
path = ctypes.create_string_buffer(b'there/a')
over = False
def flip():
    while not over:
        path[0] = b'x'; path[0] = b't'
thread = threading.Thread(target=flip)
thread.start()
end = time.monotonic() + 1
while time.monotonic() < end:
    libc.rename(b'nothing', path)
over = True
thread.join()
"""


def test_a_rename_that_leads_nowhere_leaves_nothing_open(guarded: Walled, room: Path) -> None:
    (room / "there").mkdir()
    before = count_open(guarded.ready.keeper)
    guarded.run(*_PYTHON, _FLIPPED, cwd=os.fspath(room))
    assert count_open(guarded.ready.keeper) <= before + 2


def test_no_sibling_of_a_command_is_left_to_its_keeper(guarded: Walled) -> None:
    program = (
        "import ctypes, os; c = ctypes.CDLL(None, use_errno=True);"
        "r = c.syscall(56, 0x8000 | 17, 0, 0, 0, 0);"
        "r or os._exit(0); print(r, ctypes.get_errno())"
    )
    assert guarded.run(*_PYTHON, program).out == "-1 22\n"
