"""Polis' own hand inside real walls: it writes with the agent's rights, judged as any program."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rules import policy_of
from walled import KINDS, PATIENCE, Walled, anything_goes, stand_up, tear_down

from cash.faults import Fault
from cash.guard.change import Append, Change, Delete, Move, Order, Replace, Write
from cash.guard.digest import hash_content
from cash.guard.draft import Hashes
from cash.keeper.link import Snapshot, Wrote
from cash.keeper.remote_hand import HandLost, RemoteHand
from cash.keeper.starter import ORDERS

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module", params=KINDS)
def walled(request: pytest.FixtureRequest) -> Iterator[Walled]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLIS_TEST_KEY", "a secret of the user's")
        made = stand_up(request.param)
    rules = [
        {"id": f"no-{name[:3].strip('.')}", "on": "write", "path": f"**/{name}", "decide": "deny"}
        for name in ("secret", ".ci/**")
    ]
    made.link.enforce(Snapshot(policy_of(*rules), anything_goes(made.view).context))
    yield made
    tear_down(made)


@pytest.fixture
def room(walled: Walled) -> Iterator[Path]:
    """Files of the agent's in a folder of its tree."""
    folder = walled.view.tree / "room"
    for one in (folder, folder / "src", folder / ".ci"):
        one.mkdir()
    for name, text in (("src/a", "one\n"), ("secret", "before\n"), (".ci/run", "before\n")):
        (folder / name).write_text(text)
    for one in (folder, *folder.rglob("*")):
        os.chown(one, *walled.view.owner)
    yield folder
    shutil.rmtree(folder)


class Hands:
    """Orders a hand as polisd would."""

    def __init__(self, walled: Walled) -> None:
        self.walled = walled

    def order(self, path: str, change: Change) -> RemoteHand:
        walled = self.walled
        walled.count += 1
        number = f"run-{walled.count}"
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        client, given = socket.socketpair()
        client.settimeout(PATIENCE)
        with theirs, given:
            walled.link.run(
                number,
                [b"polis-write"],
                [],
                b"",
                given.fileno(),
                {ORDERS: theirs.fileno()},
                judged="write",
            )

        def end() -> bool:
            walled.finish(client)
            walled.ended(number)
            return True

        where = "room/" + path
        if isinstance(change, Move):
            change = Move("room/" + change.to)
        return RemoteHand(ours, Order(where, change), end)

    def do(self, path: str, change: Change) -> tuple[tuple[str, ...], Hashes]:
        hand = self.order(path, change)
        try:
            found = hand.find()
            hashes = hand.draft()
            hand.commit()
        finally:
            hand.close()
        return found, hashes


@pytest.fixture
def hands(walled: Walled) -> Hands:
    return Hands(walled)


def test_each_change_is_made_as_the_agent(hands: Hands, room: Path) -> None:
    one, two = hash_content(b"one\n"), hash_content(b"one\ntwo\n")
    assert hands.do("src/a", Append(b"two\n")) == (("room/src/a",), Hashes(one, two))
    assert hands.do("src/a", Replace(b"two", b"\xff\0"))[1].before == two
    assert (room / "src/a").read_bytes() == b"one\n\xff\0\n"
    assert hands.do("new", Write(b"x" * 300_000))[1].before is None
    owner = hands.walled.view.owner
    assert (room / "new").stat().st_size == 300_000
    assert ((room / "new").stat().st_uid, (room / "new").stat().st_gid) == owner
    assert (room / "new").stat().st_mode & 0o777 == 0o644
    hands.do("new", Move("src/b\n\udcff"))
    hands.do("src/b\n\udcff", Delete())
    assert sorted(os.listdir(room / "src")) == ["a"]


def test_mode_and_attributes_are_kept(hands: Hands, room: Path) -> None:
    (room / "src/a").chmod(0o750)
    (room / "link").symlink_to("src/a")
    os.setxattr(room / "src/a", "user.note", b"kept")
    assert hands.do("link", Write(b"#!/bin/sh\n"))[0] == ("room/src/a",)
    assert (room / "src/a").stat().st_mode & 0o7777 == 0o750
    assert os.getxattr(room / "src/a", "user.note") == b"kept"
    assert (room / "link").is_symlink()


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("secret", Write(b"x")),
        ("secret", Delete()),
        ("secret", Move("new")),
        ("src/a", Move("deep/secret")),
        ("link", Append(b"x")),
        ("lib/run", Write(b"x")),
        (".ci/new", Write(b"x")),
    ],
)
def test_what_a_rule_protects_is_protected(
    hands: Hands, room: Path, path: str, change: Change
) -> None:
    (room / "link").symlink_to("secret")
    (room / "lib").symlink_to(".ci")
    (room / "deep").mkdir()
    os.chown(room / "deep", *hands.walled.view.owner)
    with pytest.raises(Fault, match="cannot be changed: Permission denied"):
        hands.do(path, change)
    assert (room / ".ci/run").read_text() == (room / "secret").read_text() == "before\n"
    assert (os.listdir(room / ".ci"), os.listdir(room / "deep")) == (["run"], [])
    assert (room / "src/a").read_text() == "one\n"
    assert not [one for one in room.iterdir() if ".tmp." in one.name]


def test_what_is_written_is_told_as_any_write(hands: Hands, room: Path) -> None:
    walled = hands.walled
    walled.news.clear()
    hands.do("src/a", Append(b"x"))
    deadline = time.monotonic() + PATIENCE
    while not any(isinstance(one, Wrote) for one in walled.news):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    files = dict(pair for one in walled.news if isinstance(one, Wrote) for pair in one.files)
    assert files[f"{room}/src/a"] == "overwrite"


@pytest.mark.parametrize("where", ["/etc", "{home}", "/proc/self/root/etc", "../.."])
def test_no_link_leads_out(hands: Hands, room: Path, where: str) -> None:
    (room / "link").symlink_to(where.format(home=hands.walled.view.home_inside))
    with pytest.raises(Fault, match="room/link/passwd leads out of the tree"):
        hands.do("link/passwd", Write(b"x"))


@pytest.mark.parametrize("step", ["find", "draft", "commit"])
def test_a_killed_hand_leaves_the_old_file_or_the_new(hands: Hands, room: Path, step: str) -> None:
    hand = hands.order("src/a", Append(b"two\n"))
    steps: list[tuple[str, Callable[[], object]]] = [
        ("find", hand.find),
        ("draft", hand.draft),
        ("commit", hand.commit),
    ]
    for name, act in steps:
        act()
        if name == step:
            break
    # Its agent's own shell does it: both have one uid. (Not the starter: that is another test's.)
    found = "for p in /proc/[0-9]*; do [ -e $p/fd/200 ] && kill -9 ${p#/proc/}; done; true"
    assert hands.walled.sh(found).status == 0
    with pytest.raises(HandLost):
        hand.tidy()
    hand.close()
    new = "one\ntwo\n" if step == "commit" else "one\n"
    assert (room / "src/a").read_text() == new
    hands.do("src/a", Append(b"3\n"))
    assert (room / "src/a").read_text() == new + "3\n"
    assert os.listdir(room / "src") == ["a"]


def test_nothing_of_the_users_can_be_read_in_it(hands: Hands, room: Path) -> None:
    hand = hands.order("src/a", Write(b"x"))
    hand.find()
    ran = hands.walled.sh("cat /proc/[0-9]*/environ | tr '\\0' '\\n'; ls -l /proc/[0-9]*/fd")
    assert "/200 -> socket:" in ran.out.replace(" 200 -> ", "/200 -> ")
    assert "PATH=" in ran.out
    assert "POLIS_TEST_KEY" not in ran.out
    hand.close()


def test_who_hangs_up_takes_the_draft_away(hands: Hands, room: Path) -> None:
    hand = hands.order("src/a", Append(b"two\n"))
    hand.find()
    hand.draft()
    assert len(os.listdir(room / "src")) == 2
    hand.close()
    assert os.listdir(room / "src") == ["a"]
    assert (room / "src/a").read_text() == "one\n"
