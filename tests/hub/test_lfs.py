"""What of an agent's Git LFS comes into the user's store, and what git outside makes of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ground import ORDINARY, Ground
from privilege import needs_root

from cash.faults import Fault, UsageFault
from cash.hub.lfs import MOST_BYTES, check_large, find_store, place_of
from cash.hub.lfs_carrying import Carried, Known, carry_objects
from cash.hub.lfs_config import configure_lfs, configure_objects
from cash.hub.pushing import push_branch
from cash.hub.remotes import list_remotes
from cash.workspace.agent import Agent
from cash.workspace.removal import remove_agent
from cash.workspace.roster import look_at
from cash.workspace.tree import add_tree


def oid_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def put(git_directory: Path, content: bytes, oid: str = "") -> Path:
    """An object in the store of a git directory, under its own name or another."""
    place = place_of(git_directory / "lfs/objects", oid or oid_of(content))
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place


def test_objects_are_carried_by_what_is_in_them(ground: Ground, tmp_path: Path) -> None:
    fine = put(tmp_path, b"fine")
    put(tmp_path, b"other", oid_of(b"wrong"))
    os.truncate(put(tmp_path, b"huge"), MOST_BYTES + 1)
    (fine.parent / "x").write_bytes(b"no object")
    carried = carry_objects(ground.repository, tmp_path)
    assert carried.taken == 1
    assert sorted(carried.refused) == sorted(
        [
            f"{oid_of(b'wrong')[:12]} is not what its name says",
            f"{oid_of(b'huge')[:12]} has more than 4 GiB",
        ]
    )
    store = find_store(ground.repository)
    assert [path for path in store.rglob("*") if path.is_file()] == [
        place_of(store, oid_of(b"fine"))
    ]
    assert place_of(store, oid_of(b"fine")).stat().st_mode & 0o777 == 0o644
    assert carry_objects(ground.repository, tmp_path).taken == 0


@needs_root
def test_objects_belong_to_the_repositorys_owner(ground: Ground, tmp_path: Path) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    put(tmp_path, b"fine")
    assert carry_objects(ground.repository, tmp_path).taken == 1
    places = [ground.root / ".git/lfs", *(ground.root / ".git/lfs").rglob("*")]
    assert {path.lstat().st_uid for path in places} == {ORDINARY}


def test_many_carry_the_same_at_once(ground: Ground, tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path, b"%d" % number * 100_000)
    repository = ground.repository
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: carry_objects(repository, tmp_path), range(4)))
    assert not [line for one in found for line in one.refused]
    assert len([one for one in find_store(repository).rglob("*") if one.is_file()]) == 20
    assert not list((ground.root / ".git/lfs/tmp").iterdir())


@pytest.mark.parametrize(
    "plant",
    [
        lambda secret, place: (place.unlink(), place.symlink_to(secret)),
        lambda secret, place: (place.unlink(), os.mkfifo(place)),
        lambda secret, place: (_replace(place.parent), place.parent.symlink_to(secret.parent)),
        lambda secret, place: (
            _replace(place.parents[3]),
            place.parents[3].symlink_to(secret.parents[3]),
        ),
    ],
    ids=["object", "pipe", "folder", "store"],
)
def test_no_link_is_followed(
    ground: Ground, tmp_path: Path, plant: Callable[[Path, Path], object]
) -> None:
    """The object is another's, in a place that an agent cannot read."""
    secret, agents = put(tmp_path / "secret", b"secret"), tmp_path / "agent"
    plant(secret, put(agents, b"secret"))
    assert carry_objects(ground.repository, agents).taken == 0
    assert not find_store(ground.repository).exists()
    assert secret.read_bytes() == b"secret"


def _replace(folder: Path) -> None:
    os.rename(folder, folder.with_name("away"))


def test_a_submodules_objects_lie_below_the_agents_own(ground: Ground, tmp_path: Path) -> None:
    put(tmp_path / "git/modules/part", b"part")
    put(tmp_path / "elsewhere", b"elsewhere")
    assert carry_objects(ground.repository, tmp_path / "git", "modules/part").taken == 1
    assert carry_objects(ground.repository, tmp_path / "git", "modules/none") == Carried()
    with pytest.raises(UsageFault, match="no git directory of yours"):
        carry_objects(ground.repository, tmp_path / "git", "../elsewhere")


def test_a_store_that_cannot_be_written_is_one_line(ground: Ground, tmp_path: Path) -> None:
    put(tmp_path, b"fine")
    (ground.root / ".git/lfs").write_text("in the way\n")
    with pytest.raises(Fault, match="objects cannot be written: "):
        carry_objects(ground.repository, tmp_path)


def read_bytes() -> int:
    """How much this process has read until now."""
    (line,) = [one for one in Path("/proc/self/io").read_text().splitlines() if "rchar" in one]
    return int(line.split()[1])


def test_a_file_under_many_wrong_names_is_read_once(ground: Ground, tmp_path: Path) -> None:
    """And not again while it stays as it is; nothing is written for it."""
    size, known = 8 << 20, Known()
    first = put(tmp_path, b"", oid_of(b"0"))
    os.truncate(first, size)
    for number in range(1, 30):
        put(tmp_path, b"", oid_of(b"%d" % number)).unlink()
        os.link(first, place_of(tmp_path / "lfs/objects", oid_of(b"%d" % number)))
    time.sleep(0.1)  # what changed just now is read again
    before = read_bytes()
    carried = carry_objects(ground.repository, tmp_path, known=known)
    assert len(carried.refused) == 20
    assert all(line.endswith(" is not what its name says") for line in carried.refused)
    assert size <= read_bytes() - before < 2 * size
    assert not (ground.root / ".git/lfs").exists()
    before = read_bytes()
    assert carry_objects(ground.repository, tmp_path, known=known) == carried
    assert read_bytes() - before < size
    right = oid_of(bytes(size))
    place_of(tmp_path / "lfs/objects", right).parent.mkdir(parents=True, exist_ok=True)
    os.link(first, place_of(tmp_path / "lfs/objects", right))
    assert carry_objects(ground.repository, tmp_path, known=known).taken == 1
    assert place_of(find_store(ground.repository), right).stat().st_size == size


def test_what_was_refused_comes_once_it_is_right(ground: Ground, tmp_path: Path) -> None:
    known, place = Known(), put(tmp_path, b"wrong", oid_of(b"right"))
    time.sleep(0.1)
    assert carry_objects(ground.repository, tmp_path, known=known).taken == 0
    assert len(known.digests) == 1
    place.write_bytes(b"right")
    assert carry_objects(ground.repository, tmp_path, known=known).taken == 1


def test_what_there_is_no_time_for_is_left(ground: Ground, tmp_path: Path) -> None:
    put(tmp_path, b"fine")
    carried = carry_objects(ground.repository, tmp_path, seconds=0)
    assert (carried.taken, carried.left) == (0, True)
    (line,) = carried.refused
    assert "is left for the next time with those after it: 20 s are over" in line
    assert not (ground.root / ".git/lfs").exists()
    assert carry_objects(ground.repository, tmp_path) == Carried(1)


@pytest.mark.alone
def test_reading_ends_when_nobody_waits(ground: Ground, tmp_path: Path) -> None:
    os.truncate(put(tmp_path, b"", oid_of(b"huge")), MOST_BYTES)
    stop = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        going = threads.submit(carry_objects, ground.repository, tmp_path, stop=stop)
        time.sleep(0.2)
        began = time.monotonic()
        stop.set()
        assert going.result().left
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("oid", "size"),
    [("../x", "1"), ("a" * 63, "1"), ("A" * 64, "1"), ("a" * 64, "1 "), ("a" * 64, "٣")],
)
def test_other_names_are_refused(oid: str, size: str) -> None:
    with pytest.raises(UsageFault, match="no object of Git LFS"):
        check_large(oid, size)
    assert check_large("a" * 64, str(MOST_BYTES)) == MOST_BYTES
    with pytest.raises(UsageFault, match="at most 4 GiB"):
        check_large("a" * 64, str(MOST_BYTES + 1))


@pytest.fixture
def large(ground: Ground) -> Ground:
    """a.bin and b.bin are in Git LFS; the user's store has the first alone. A server is named
    that is not there, and git-lfs is never to look for it."""
    ground.git("lfs", "install", "--skip-repo")
    ground.git("config", "lfs.url", "http://127.0.0.1:1/")
    (ground.root / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    for name in ("a", "b"):
        (ground.root / f"{name}.bin").write_text(f"{name}\n" * 40_000)
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "Large")
    ground.git("update-index", "-q", "--refresh")
    place_of(find_store(ground.repository), oid_of(b"b\n" * 40_000)).unlink()
    return ground


def test_files_are_made_of_the_users_store_and_nothing_is_downloaded(large: Ground) -> None:
    agent = add_tree(large.repository, large.places, "alice")
    assert (agent.tree / "a.bin").read_text() == "a\n" * 40_000
    assert (agent.tree / "b.bin").read_text().startswith("version https://git-lfs")
    assert large.inside(agent, "status", "--porcelain") == ""
    assert look_at(large.repository, agent).dirty is False
    assert not (large.root / ".git/lfs/logs").exists()


def test_what_the_store_has_is_not_lost_and_all_else_is_kept(large: Ground) -> None:
    """Written anew, to the same: git compares. Then what the pointer stands for is gone: it is in
    the store again when the agent is."""
    agent = add_tree(large.repository, large.places, "alice")
    text = (agent.tree / "a.bin").read_bytes()
    (agent.tree / "a.bin").write_bytes(text)
    assert look_at(large.repository, agent).dirty is False
    (agent.tree / "a.bin").write_bytes(b"A" + text[1:])
    assert look_at(large.repository, agent).dirty is True
    (agent.tree / "a.bin").write_bytes(text)
    place_of(find_store(large.repository), oid_of(text)).unlink()
    assert look_at(large.repository, agent).dirty is True
    remove_agent(large.repository, large.places, agent)
    assert place_of(find_store(large.repository), oid_of(text)).read_bytes() == text


def _remove(large: Ground, agent: Agent) -> str:
    """Removes the agent; where its tree is kept."""
    removal = remove_agent(large.repository, large.places, agent)
    (kept,) = [name for name in removal.saved if name.endswith("/tree")]
    return kept


def test_a_snapshot_holds_pointers_and_the_store_what_they_stand_for(large: Ground) -> None:
    agent = add_tree(large.repository, large.places, "alice")
    (agent.tree / "a.bin").write_text("other\n" * 40_000)
    (agent.tree / "new.bin").write_text("new\n")
    (agent.tree / "empty.bin").touch()
    pointer = (agent.tree / "b.bin").read_bytes()
    (agent.tree / "copied.bin").write_bytes(pointer)
    (agent.tree / "plain").write_text("plain\n")
    kept = _remove(large, agent)
    store = find_store(large.repository)
    for name, text in (("a.bin", b"other\n" * 40_000), ("new.bin", b"new\n")):
        shown = large.git("show", f"{kept}:{name}")
        assert shown.splitlines()[1:] == [f"oid sha256:{oid_of(text)}", f"size {len(text)}"]
        assert place_of(store, oid_of(text)).read_bytes() == text
    assert large.git("show", f"{kept}:copied.bin").encode() == pointer.rstrip()
    assert large.git("show", f"{kept}:empty.bin") == ""
    assert large.git("show", f"{kept}:plain") == "plain"
    assert not list((store.parent / "tmp").glob("polis-*"))
    large.git("restore", f"--source={kept}", "a.bin", "new.bin")
    assert (large.root / "a.bin").read_text() == "other\n" * 40_000
    assert (large.root / "new.bin").read_text() == "new\n"


def test_a_snapshot_holds_files_whole_where_the_store_cannot_be_written(large: Ground) -> None:
    agent = add_tree(large.repository, large.places, "alice")
    (agent.tree / "a.bin").write_text("other\n")
    shutil.rmtree(large.root / ".git/lfs")
    (large.root / ".git/lfs").write_text("in the way\n")
    assert large.git("show", f"{_remove(large, agent)}:a.bin") == "other"


@needs_root
def test_what_a_snapshot_puts_into_the_store_is_its_owners(ground: Ground) -> None:
    ground.git("lfs", "install", "--local")
    (ground.root / ".gitattributes").write_text("*.bin filter=lfs -text\n")
    ground.git("add", ".")
    ground.git("commit", "-q", "-m", "Large")
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.root], check=True)
    agent = add_tree(ground.repository, ground.places, "alice")
    (agent.tree / "new.bin").write_text("new\n")
    remove_agent(ground.repository, ground.places, agent)
    place = place_of(find_store(ground.repository), oid_of(b"new\n"))
    assert place.read_text() == "new\n"
    places = [ground.root / ".git/lfs", *(ground.root / ".git/lfs").rglob("*")]
    assert {path.lstat().st_uid for path in places} == {ORDINARY}


def test_a_branch_goes_out_with_its_objects(large: Ground, tmp_path: Path) -> None:
    far = tmp_path / "far.git"
    large.git("init", "-q", "--bare", far)
    large.git("remote", "add", "origin", far)
    large.git("config", "lfs.url", f"file://{far}")
    large.git("checkout", "-q", "-b", "topic")
    (large.root / "b.bin").write_text("c\n")
    large.git("add", ".")
    large.git("commit", "-q", "-m", "More")
    # git may have looked into it again, and git-lfs made it anew.
    place_of(find_store(large.repository), oid_of(b"b\n" * 40_000)).unlink(missing_ok=True)
    with pytest.raises(Fault, match="of Git LFS is neither here nor there"):
        push_branch(large.repository, "origin", "topic", {})  # b.bin as it was
    assert large.git("ls-remote", far) == ""
    put(large.root / ".git", b"b\n" * 40_000)
    push_branch(large.repository, "origin", "topic", {})
    assert place_of(far / "lfs/objects", oid_of(b"c\n")).read_text() == "c\n"


def test_git_inside_is_told_of_polisd(large: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    large.git("remote", "add", "origin", "https://ada:hunter2@h.example/shop.git")
    (large.root / ".lfsconfig").write_text("[lfs]\n\tpushurl = git@h.example:large.git\n")
    config = large.folder / "config"
    config.write_text(
        configure_lfs(large.repository) + configure_objects(list_remotes(large.repository))
    )
    told = large.git("config", "--file", config, "--list").splitlines()
    assert "hunter2" not in config.read_text()
    assert "filter.lfs.process=git-lfs filter-process" in told
    assert "lfs.customtransfer.polis.path=git-remote-polis" in told
    for url in ("polis::lfs", "http://127.0.0.1:1/", "https://h.example/large.git"):
        assert f"lfs.{url}.standalonetransferagent=polis" in told
    for name in ("origin", "https://h.example/shop.git"):
        assert f"remote.{name}.lfsurl=polis::lfs" in told
    only = large.folder / "programs"
    only.mkdir()
    (only / "git").symlink_to(str(shutil.which("git")))
    monkeypatch.setenv("PATH", str(only))
    assert configure_lfs(large.repository) == ""
