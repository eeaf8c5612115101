"""What commands change is kept first, by a process of its own, and can be taken back."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from walled import KINDS, PATIENCE, Walled, stand_up, tear_down, wait_gone

from cash.keeper.link import NOTHING
from cash.keeper.saving import store_of
from cash.undo.plan import describe_changes
from cash.undo.steps import Step
from cash.undo.store import Store, settle
from cash.undo.taking_back import TakenBack, take_back

pytestmark = pytest.mark.kernel

Picture = dict[str, tuple[int, int, int, bytes]]


@pytest.fixture(scope="module", params=KINDS)
def walled(request: pytest.FixtureRequest) -> Iterator[Walled]:
    made = stand_up(request.param)
    yield made
    tear_down(made)


@pytest.fixture
def room(walled: Walled) -> Iterator[Path]:
    """A folder in the tree with some files in it."""
    folder = walled.view.tree / "room"
    for one in (folder, folder / "deep", folder / "deep/er"):
        one.mkdir()
    for name in ("one", "two", "deep/three", "deep/er/four"):
        (folder / name).write_text(f"{name} before\n")
    (folder / "link").symlink_to("one")
    (folder / "two").chmod(0o750)
    os.mkfifo(folder / "pipe", 0o600)
    os.setxattr(folder / "two", "user.note", b"kept")
    for one in (folder, *folder.rglob("*")):
        os.chown(one, *walled.view.owner, follow_symlinks=False)
    yield folder
    shutil.rmtree(folder)


def _look(folder: Path) -> Picture:
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = b""
        if path.is_symlink():
            content = os.fsencode(os.readlink(path))
        elif path.is_file():
            content = path.read_bytes() + b"".join(map(os.fsencode, os.listxattr(path)))
        found[str(path.relative_to(folder))] = (
            status.st_mode,
            status.st_uid,
            status.st_gid,
            content,
        )
    return found


def _store(walled: Walled) -> Store:
    store = store_of(walled.view)
    assert store is not None
    return store


def _step(walled: Walled) -> Step:
    """Of the command that ran last, once it is known how it ended."""
    _, steps = _store(walled).open()
    deadline = time.monotonic() + PATIENCE / 3
    while (step := steps.read(f"run-{walled.count}")) is None or step.ended is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return step


def _undo(walled: Walled) -> TakenBack:
    return take_back(_store(walled), _step(walled))


def _again(walled: Walled, undone: TakenBack) -> TakenBack:
    _, steps = _store(walled).open()
    step = steps.read(undone.undo)
    assert step is not None
    return take_back(_store(walled), step)


WAYS = {
    "overwrite": "echo x >one",
    "append": "echo x >>one",
    "in place": "sed -i s/before/after/ one",
    "through a link": "echo x >link",
    "truncate": "truncate -s 1 one",
    "both": "echo x >one; echo y >one; rm one; echo z >one",
    "remove": "rm one two link",
    "remove a fifo": "rm pipe",
    "remove a tree": "rm -rf deep",
    "make": "echo x >new; mkdir -p a/b/c; echo y >a/b/c/d; ln -s one l; mkfifo p",
    "make and remove": "mkdir a; echo x >a/b; rm -r a",
    "rename": "mv one three",
    "rename onto": "mv one two",
    "rename a link": "mv link l",
    "rename a folder": "mv deep shallow",
    "rename a folder, then change it": "mv deep d; echo x >d/three; rm d/er/four; echo y >d/new",
    "change it, then rename it": "echo x >deep/three; mv deep d; echo y >d/three",
    "rename it there and back": "mv deep d; echo x >d/three; mv d deep; echo y >deep/er/four",
    "another in its place": "mv deep d; mkdir deep; echo x >deep/three; echo y >d/three",
    "rename it into another": "mkdir d; mv deep d/e; echo x >d/e/three; mv d f; echo y >f/e/five",
    "rename onto an empty folder": "mkdir d; chmod 700 d; mv -T deep d",
    "a file becomes a folder": "rm one; mkdir one; echo x >one/two",
    "a folder becomes a file": "rm -r deep; echo x >deep",
    "a file becomes a link": "ln -sf two one",
    "mode": "chmod 600 two; chmod 711 deep",
    "mode, then content": "chmod 600 two; echo x >two",
    "content, then mode": "echo x >two; chmod 777 two",
    "attributes": 'python3 -c \'import os; os.removexattr("two", "user.note")\'',
    "other attributes": 'python3 -c \'import os; os.setxattr("one", "user.x", b"y")\'',
    "link to it and change that": "ln one hard; echo x >hard",
    "unreadable": "chmod 0 one; rm -f one",
    "odd names": "echo x >\"$(printf 'a\\nb\\377')\"; mv one \"$(printf '\\001\\t')\"",
    "swapped": "mv one t; mv two one; mv t two",
}


@pytest.mark.parametrize("name", WAYS)
def test_every_way_of_changing_something_is_taken_back(
    walled: Walled, room: Path, name: str
) -> None:
    _take_back(walled, room, WAYS[name])


@pytest.mark.parametrize("walled", [one for one in KINDS if one != "rootless"], indirect=True)
def test_a_closed_folder_is_taken_back_where_its_owner_can_look_into_it(
    walled: Walled, room: Path
) -> None:
    _take_back(walled, room, "rm -r deep; mkdir deep; chmod 0 deep")


def _take_back(walled: Walled, room: Path, line: str) -> None:
    before = _look(room)
    ran = walled.run("bash", "-ec", line, cwd=os.fspath(room))
    assert ran.status == 0, ran.err
    changed = _look(room)
    undone = _undo(walled)
    assert undone.refused == ()
    assert _look(room) == before
    if line != WAYS["make and remove"]:
        assert changed != before
        again = _again(walled, undone)
        assert again.refused == ()
        assert _look(room) == changed
        assert _again(walled, again).refused == ()
    assert _look(room) == before


def test_what_somebody_has_changed_since_stays(walled: Walled, room: Path) -> None:
    line = "echo x >one; rm two; rm -r deep; echo n >new; mkdir made"
    assert walled.run("bash", "-ec", line, cwd=os.fspath(room)).status == 0
    step = _step(walled)
    (room / "one").write_text("a person's\n")
    (room / "two").write_text("another\n")
    (room / "new").write_text("grown\n")
    (room / "made/theirs").write_text("x")
    undone = take_back(_store(walled), step)
    refused = {one.path: one.why for one in undone.refused}
    assert set(refused) == {"room/one", "room/two", "room/new", "room/made"}
    assert (room / "one").read_text() == "a person's\n"
    assert (room / "two").read_text() == "another\n"
    assert (room / "made/theirs").read_text() == "x"
    assert (room / "deep/er/four").read_text() == "deep/er/four before\n"


def test_what_is_changed_right_behind_a_command_is_somebody_elses(
    walled: Walled, room: Path
) -> None:
    """Before the saver could have a look."""
    for number in range(400):
        (room / f"many{number}").write_text("before\n")
        os.chown(room / f"many{number}", *walled.view.owner)
    line = "for f in many*; do echo x >$f; done"
    assert walled.run("bash", "-ec", line, cwd=os.fspath(room)).status == 0
    time.sleep(0.01)  # a tick of the clock that files have their times from
    (room / "many399").write_text("a person's\n")
    refused = _undo(walled).refused
    assert [one.path for one in refused] == ["room/many399"]
    assert (room / "many0").read_text() == "before\n"
    assert (room / "many399").read_text() == "a person's\n"


def test_who_has_changed_it_is_named(walled: Walled, room: Path) -> None:
    assert walled.run("sh", "-c", "echo x >one", cwd=os.fspath(room)).status == 0
    first = _step(walled)
    assert walled.run("sh", "-c", "echo y >one", cwd=os.fspath(room)).status == 0
    second = _step(walled)
    (refusal,) = take_back(_store(walled), first).refused
    assert refusal.why == f"{second.id} has changed it since"
    assert take_back(_store(walled), second).refused == ()
    assert take_back(_store(walled), first).refused == ()
    assert (room / "one").read_text() == "one before\n"


@pytest.mark.parametrize("links", ["file", "folder", "folder above"])
def test_no_link_leads_out(walled: Walled, room: Path, tmp_path: Path, links: str) -> None:
    outside = tmp_path / "outside"
    (outside / "er").mkdir(parents=True)
    for name in ("three", "er/four"):
        (outside / name).write_text("not yours\n")
    assert walled.run("sh", "-c", "rm -r deep", cwd=os.fspath(room)).status == 0
    step = _step(walled)
    match links:
        case "file":
            (room / "deep").mkdir()
            (room / "deep/three").symlink_to(outside / "three")
            (room / "deep/er").symlink_to(outside / "er")
        case "folder":
            (room / "deep").symlink_to(outside)
        case _:
            room.rename(room.with_name("away"))
            room.symlink_to(outside)
    try:
        take_back(_store(walled), step)
        assert sorted(path.name for path in outside.rglob("*")) == ["er", "four", "three"]
        assert (outside / "three").read_text() == "not yours\n"
        assert (outside / "er/four").read_text() == "not yours\n"
    finally:
        if links == "folder above":
            room.unlink()
            room.with_name("away").rename(room)


def _savers(walled: Walled) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                comm = Path(f"/proc/{name}/comm").read_text()
                parent = Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if comm == "polis-saver\n" and int(parent) == walled.ready.keeper:
                found.append(int(name))
    return found


def test_a_killed_saver_costs_nothing(walled: Walled, room: Path) -> None:
    before = _look(room)
    line = "for n in 1 2 3 4 5 6 7 8; do echo $n >one; rm -f two; echo $n >two$n; sleep 0.1; done"
    out = os.memfd_create("out")
    client = walled.start("sh", "-c", line, descriptors={1: out, 2: out}, cwd=os.fspath(room))
    os.close(out)
    for _ in range(4):
        time.sleep(0.15)
        for pid in _savers(walled):
            os.kill(pid, signal.SIGKILL)
    assert walled.finish(client)[-1][1] == b"0"
    walled.ended(f"run-{walled.count}")
    assert walled.run("true").status == 0
    undone = _undo_when_settled(walled, walled.count - 1)
    assert undone.refused == ()
    assert _look(room) == before


def test_what_a_killed_saver_had_not_noted_is_noted(walled: Walled, room: Path) -> None:
    before = _look(room)
    assert walled.run("sh", "-c", "echo x >two", cwd=os.fspath(room)).status == 0
    assert _undo(walled).refused == ()
    (saver,) = _savers(walled)
    os.kill(saver, signal.SIGSTOP)
    try:
        assert walled.run("sh", "-c", "echo y >fresh", cwd=os.fspath(room)).status == 0
    finally:
        os.kill(saver, signal.SIGKILL)
    assert [one.path for one in _undo(walled).actions] == ["room/fresh"]
    assert _look(room) == before


def _undo_when_settled(walled: Walled, number: int) -> TakenBack:
    _, steps = _store(walled).open()
    deadline = time.monotonic() + 2
    while (step := steps.read(f"run-{number}")) is not None and step.ended is None:
        if time.monotonic() > deadline:
            settle(_store(walled), step)
        time.sleep(0.02)
    assert step is not None
    return take_back(_store(walled), step)


def test_what_is_too_large_is_said_and_goes_on(walled: Walled, room: Path) -> None:
    with open(room / "one", "wb") as file:
        file.truncate(walled.view.saved_each + 1)
    ran = walled.run("sh", "-c", "rm one; echo x >two", cwd=os.fspath(room))
    assert ran.status == 0
    assert (
        ran.err
        == "polis: 'room/one' is not kept, it is too large: polis undo will not bring it back\n"
    )
    (lost,) = [one for one in describe_changes(_step(walled)) if one.unsaved]
    assert lost.path == "room/one"
    undone = _undo(walled)
    assert [(one.path, one.why) for one in undone.refused] == [
        ("room/one", "it was not kept: it is too large")
    ]
    assert (room / "two").read_text() == "two before\n"


def test_the_keeper_is_not_kept_waiting(walled: Walled, room: Path) -> None:
    """A saver that stands still holds up one write, and nothing else."""
    assert walled.run("sh", "-c", "echo x >two", cwd=os.fspath(room)).status == 0
    (saver,) = _savers(walled)
    out = os.memfd_create("out")
    os.kill(saver, signal.SIGSTOP)
    try:
        waiting = walled.start("sh", "-c", "echo x >one", descriptors={1: out}, cwd=os.fspath(room))
        number = walled.count
        ran = walled.run("sh", "-c", "echo y >fresh; cat one", cwd=os.fspath(room))
        assert ran.out == "one before\n"
    finally:
        os.kill(saver, signal.SIGCONT)
        os.close(out)
    assert walled.finish(waiting)[-1][1] == b"0"
    walled.ended(f"run-{number}")
    assert (room / "one").read_text() == "x\n"


def test_each_line_of_a_shell_is_a_step(walled: Walled, room: Path) -> None:
    source, lines = os.pipe()
    client = walled.start("bash", descriptors={0: source}, cwd=os.fspath(room))
    os.close(source)
    for step, line in (("line-a", "echo 1 >one"), ("line-b", "echo 2 >two; rm one")):
        walled.link.predict(f"run-{walled.count}", NOTHING, step)
        os.write(lines, f"{line}; mkdir done-{step}\n".encode())
        deadline = time.monotonic() + PATIENCE
        while not (room / f"done-{step}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
    time.sleep(0.05)  # a line has ended when its shell says so
    walled.link.predict(f"run-{walled.count}", NOTHING, "")
    os.close(lines)
    assert walled.finish(client)[-1][1] == b"0"
    walled.ended(f"run-{walled.count}")
    _, steps = _store(walled).open()
    deadline = time.monotonic() + PATIENCE
    while (step := steps.read("line-b")) is None or step.ended is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    undone = take_back(_store(walled), step)
    assert undone.refused == ()
    assert {one.path for one in undone.actions} == {
        *("room/two", "room/one", "room/done-line-b"),
    }
    assert (room / "one").read_text() == "1\n"


def test_a_saver_ends_with_its_keeper() -> None:
    walled = stand_up(KINDS[0])
    try:
        assert walled.sh("echo x >README").status == 0
        (saver,) = _savers(walled)
    finally:
        tear_down(walled)
    wait_gone(saver)
