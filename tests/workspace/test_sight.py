"""What the walls are told."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace

import pytest
from ground import ORDINARY, Ground, run_as
from privilege import needs_root

from cash.faults import MachineFault
from cash.hub.repository import find_repository
from cash.walls.view import FIRST_DEDICATED_ID, Mount, View
from cash.workspace.sight import view_of
from cash.workspace.tree import add_tree


@needs_root
def test_roots_agents_are_strangers_to_each_other(ground: Ground) -> None:
    assert os.geteuid() == 0
    alice = add_tree(ground.repository, ground.places, "alice")
    bob = add_tree(ground.repository, ground.places, "bob")
    view = view_of(alice, ground.repository, "/usr/bin:/bin")
    assert view == View(
        agent="alice",
        tree=alice.tree,
        packages=alice.packages,
        git_directory=alice.git_directory,
        git_file=alice.git_file,
        hub_objects=ground.root / ".git/objects",
        home=alice.home,
        home_inside=ground.home,
        scratch=alice.scratch,
        path="/usr/bin:/bin",
        owner=(0, 0),
        ids=(FIRST_DEDICATED_ID + 1, FIRST_DEDICATED_ID + 1),
        mode="full",
        environment=(
            ("HOME", str(ground.home)),
            ("SHELL", "/bin/bash"),
            ("TMPDIR", "/tmp"),
            ("POLIS_AGENT", "alice"),
            ("POLIS_INSIDE", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("pnpm_config_store_dir", f"{alice.packages}/pnpm"),
            ("UV_CACHE_DIR", f"{alice.packages}/uv"),
        ),
    )
    assert view_of(bob, ground.repository, "/bin").ids == (FIRST_DEDICATED_ID + 2,) * 2


@needs_root
def test_a_users_agents_are_the_user(ground: Ground) -> None:
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", ground.folder], check=True)

    def look() -> View:
        agent = add_tree(ground.repository, ground.places, "alice")
        return view_of(agent, ground.repository, "/bin")

    view = run_as(ORDINARY, look)
    assert (view.owner, view.ids, view.mode) == ((ORDINARY,) * 2, (ORDINARY,) * 2, "rootless")


def test_what_the_hub_borrows_is_shown_too(ground: Ground) -> None:
    ground.git("clone", "-q", "--shared", ground.root, ground.folder / "second")
    ground.git("clone", "-q", "--shared", ground.folder / "second", ground.folder / "third")
    third = find_repository(ground.folder / "third")
    agent = add_tree(third, ground.places, "alice")
    extra = Mount(ground.home)
    assert view_of(agent, third, "/bin", mounts=(extra,)).mounts == (
        Mount(ground.folder / "second/.git/objects"),
        Mount(ground.root / ".git/objects"),
        extra,
    )


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("rootless", "alice cannot have mode rootless: that needs polis to run as a plain user"),
        ("degraded", "alice cannot have degraded mode: polis cannot do it yet"),
    ],
)
@needs_root
def test_a_mode_that_cannot_be_had_is_told(ground: Ground, mode: str, message: str) -> None:
    agent = add_tree(ground.repository, ground.places, "alice", mode=mode)
    with pytest.raises(MachineFault) as caught:
        view_of(agent, ground.repository, "/bin")
    assert caught.value.message == message
    assert view_of(replace(agent, mode="full"), ground.repository, "/bin").mode == "full"
