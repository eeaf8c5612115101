"""Which repository it is, wherever the user put it: moved, copied, taken the place of another."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from ground import Ground

from cash.hub.adoption import adopt
from cash.hub.marker import Marker, nearest_marker, read_marker, read_place, write_marker
from cash.hub.moving import Move, follow_move, mend_objects, recognise
from cash.hub.repository import Repository, find_repository
from cash.workspace.roster import look_at
from cash.workspace.tree import add_tree


@pytest.fixture
def adopted(ground: Ground) -> Repository:
    adopt(ground.repository, ground.places)
    return ground.repository


def look(ground: Ground, path: Path) -> Repository | Move:
    return recognise(find_repository(path), ground.places)


def test_where_it_was_adopted_it_is_the_same(ground: Ground, adopted: Repository) -> None:
    assert look(ground, ground.root) == adopted
    marker = read_marker(adopted.common_dir)
    place = read_place(ground.hub)
    assert marker is not None
    assert place is not None
    assert (marker.id, marker.token) == (adopted.id, place.token)
    assert nearest_marker(ground.root / "folder0") == (adopted.common_dir, marker)


def test_moved_it_keeps_its_id(ground: Ground, adopted: Repository) -> None:
    there = ground.folder / "there"
    ground.root.rename(there)
    move = look(ground, there / "folder1")
    assert isinstance(move, Move)
    assert (move.repository.id, move.repository.root, move.certain) == (adopted.id, there, True)
    follow_move(move, ground.places, ())
    follow_move(move, ground.places, ())  # a polis that was killed begins again
    found = look(ground, there)
    assert isinstance(found, Repository)
    assert found.id == adopted.id
    there.rename(ground.root)
    back = look(ground, ground.root)
    assert isinstance(back, Move)
    follow_move(back, ground.places, ())
    place = read_place(ground.places.state / adopted.id)
    assert place is not None
    assert place.earlier == (there / ".git",)


def test_moved_to_another_disk_it_is_certain_only_to_who_says_so(
    ground: Ground, adopted: Repository
) -> None:
    there = ground.folder / "there"
    shutil.copytree(ground.root, there)
    shutil.rmtree(ground.root)
    move = look(ground, there)
    assert isinstance(move, Move)
    assert not move.certain


def test_a_copy_is_another_repository(ground: Ground, adopted: Repository) -> None:
    agent = add_tree(adopted, ground.places, "alice")
    copy = ground.folder / "copy"
    shutil.copytree(ground.root, copy, symlinks=True)
    found = look(ground, copy)
    assert isinstance(found, Repository)
    assert found.id != adopted.id
    adopt(found, ground.places)
    assert look(ground, copy) == found
    assert look(ground, ground.root) == adopted
    assert look_at(adopted, agent).dirty is False


def test_what_took_the_place_of_a_moved_one_is_another(ground: Ground, adopted: Repository) -> None:
    there = ground.folder / "there"
    ground.root.rename(there)
    ground.git("clone", "-q", there, ground.root, cwd=ground.folder)
    found = look(ground, ground.root)
    assert isinstance(found, Repository)
    assert found.id != adopted.id
    adopt(found, ground.places)
    assert look(ground, ground.root) == found
    move = look(ground, there)
    assert isinstance(move, Move)
    assert move.repository.id == adopted.id


@pytest.mark.parametrize(
    "text",
    ["", "x", "../../etc " + "0" * 32, "shop-1 " + "0" * 31, "shop " + "0" * 32, "\0" * 9000],
)
def test_a_marker_that_somebody_made_up_means_nothing(
    ground: Ground, adopted: Repository, text: str
) -> None:
    other = ground.folder / "other"
    ground.git("clone", "-q", ground.root, other)
    (other / ".git/polis").mkdir()
    (other / ".git/polis/id").write_text(text.replace("shop ", f"{adopted.id} ") + "\n")
    shutil.rmtree(ground.root)
    found = look(ground, other)
    assert isinstance(found, Repository)
    assert found.id != adopted.id


def test_what_is_no_marker(ground: Ground) -> None:
    folder = ground.root / ".git/polis"
    folder.mkdir()
    for plant in (
        lambda: (folder / "id").symlink_to("/etc/passwd"),
        lambda: ((folder / "id").unlink(), os.mkfifo(folder / "id")),
        lambda: ((folder / "id").unlink(), (folder / "id").mkdir()),
    ):
        plant()
        assert read_marker(ground.root / ".git") is None
        assert nearest_marker(ground.root) is None


def test_a_separate_git_directory_is_found(ground: Ground, adopted: Repository) -> None:
    apart = ground.folder / "apart.git"
    ground.git("init", "-q", f"--separate-git-dir={apart}")
    found = nearest_marker(ground.root / "folder0")
    assert found is not None
    assert found[0] == apart


def test_the_trees_and_their_objects_are_mended(ground: Ground, adopted: Repository) -> None:
    agent = add_tree(adopted, ground.places, "alice")
    commit = ground.commit(agent, "new", "new\n")
    (agent.tree / "README").write_text("changed\n")
    alternates = agent.git_directory / "objects/info/alternates"
    alternates.write_bytes(b"/agents/own\n" + alternates.read_bytes())
    there = ground.folder / "there"
    ground.root.rename(there)
    move = look(ground, there)
    assert isinstance(move, Move)
    follow_move(move, ground.places, (agent.tree,))
    assert ground.git("status", "--porcelain", cwd=agent.tree).splitlines() == [
        " M README",
        "?? new",
    ]
    mend_objects(move.repository, agent.folder.parent.parent, agent.git_directory)
    assert alternates.read_bytes() == b"/agents/own\n%b/.git/objects\n" % os.fsencode(there)
    assert ground.inside(agent, "rev-parse", "HEAD") == commit
    assert ground.inside(agent, "cat-file", "-t", "HEAD~1") == "commit"


def test_nothing_outside_is_written_for_an_agent(ground: Ground, adopted: Repository) -> None:
    agent = add_tree(adopted, ground.places, "alice")
    victim = ground.folder / "victim"
    there = ground.folder / "there"
    old = os.fsencode(ground.root / ".git/objects") + b"\n"
    victim.write_bytes(old)
    ground.root.rename(there)
    move = look(ground, there)
    assert isinstance(move, Move)
    follow_move(move, ground.places, ())
    alternates = agent.git_directory / "objects/info/alternates"
    alternates.unlink()
    for plant in (
        lambda: alternates.symlink_to(victim),
        lambda: (alternates.unlink(), os.link(victim, alternates)),
        lambda: (alternates.unlink(), os.mkfifo(alternates)),
        lambda: (
            shutil.rmtree(alternates.parent),
            alternates.parent.symlink_to(ground.folder),
            victim.rename(ground.folder / "alternates"),
        ),
    ):
        plant()
        mend_objects(move.repository, agent.folder.parent.parent, agent.git_directory)
    assert (ground.folder / "alternates").read_bytes() == old


def test_a_marker_is_replaced_whole(ground: Ground, adopted: Repository) -> None:
    marker = Marker("shop-1", "0" * 32)
    (adopted.common_dir / "polis/id.new").write_text("left by a killed polis")
    write_marker(adopted.common_dir, marker, adopted.owner)
    assert read_marker(adopted.common_dir) == marker
