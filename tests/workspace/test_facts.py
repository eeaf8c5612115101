"""Facts of a tree, and what an agent may put in their place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ground import Ground

from cash.workspace.agent import Agent
from cash.workspace.facts import gather_facts
from cash.workspace.tree import add_tree


@pytest.fixture
def agent(ground: Ground) -> Agent:
    return add_tree(ground.repository, ground.places, "alice")


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    place = tmp_path / "programs"
    place.mkdir()
    return place


def _program(folder: Path, name: str) -> None:
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)


def test_lock_files_and_binaries_of_the_nearest_package(agent: Agent) -> None:
    tree = agent.tree
    (tree / "package-lock.json").touch()
    (tree / "node_modules/.bin").mkdir(parents=True)
    (tree / "node_modules/.bin/tsc").touch()
    inner = tree / "packages/one/src"
    inner.mkdir(parents=True)
    (tree / "packages/one/pnpm-lock.yaml").touch()
    root = gather_facts(agent, str(tree))
    assert (root.lockfiles, root.binaries) == ({"package-lock.json"}, {"tsc"})
    found = gather_facts(agent, str(inner))
    assert (found.lockfiles, found.binaries) == ({"pnpm-lock.yaml"}, {"tsc"})
    outside = gather_facts(agent, "/etc")
    assert outside.lockfiles == root.lockfiles
    assert gather_facts(agent, f"{tree}/../..").lockfiles == root.lockfiles
    assert gather_facts(agent, str(tree), "npm").adopted == "npm"


def test_a_change_is_seen_at_once(agent: Agent, programs: Path) -> None:
    place = agent.tree / "node_modules/.bin"
    assert gather_facts(agent, str(agent.tree), "", str(programs)).programs == set()
    _program(programs, "pnpm")
    assert gather_facts(agent, str(agent.tree), "", str(programs)).programs == {"pnpm"}
    place.mkdir(parents=True)
    for name in ("a", "b"):
        (place / name).touch()
        assert name in gather_facts(agent, str(agent.tree)).binaries


def test_git_as_the_agent_configured_it(ground: Ground, agent: Agent) -> None:
    ground.inside(agent, "config", "remote.hub.push", "+refs/heads/*:refs/heads/*")
    ground.inside(agent, "config", "alias.P", "push --force")
    ground.inside(agent, "config", "include.path", "/etc/passwd")
    (agent.home / ".gitconfig").write_text("[push]\n\tdefault = matching\n[core]\n\tbare = true\n")
    found = gather_facts(agent, str(agent.tree)).git_config
    assert {
        "remote.hub.push": "+refs/heads/*:refs/heads/*",
        "alias.p": "push --force",
        "include.path": "/etc/passwd",
        "push.default": "matching",
        "core.bare": "false",
    }.items() <= found.items()


def test_every_refspec_that_git_would_push(ground: Ground, agent: Agent) -> None:
    ground.inside(agent, "config", "--add", "remote.o.push", "b")
    ground.inside(agent, "config", "--add", "remote.o.push", "c")
    (agent.home / ".gitconfig").write_text('[remote "o"]\n\tpush = +a\n')
    assert gather_facts(agent, str(agent.tree)).git_config["remote.o.push"] == "+a\nb\nc"


def test_what_is_no_configuration(agent: Agent) -> None:
    config = agent.git_directory / "config"
    for plant in (
        lambda: config.write_bytes(b"[core\n\0\xff"),
        lambda: os.truncate(config, 1 << 40),
        lambda: (config.unlink(), config.symlink_to("/etc/passwd")),
        lambda: (config.unlink(), os.mkfifo(config)),
        lambda: (config.unlink(), config.mkdir()),
    ):
        plant()
        found = gather_facts(agent, str(agent.tree)).git_config
        # HOME's is as it was made.
        assert {key for key in found if not key.startswith("user.")} == {"include.path"}


def test_strange_folders(agent: Agent) -> None:
    (agent.tree / "node_modules").mkdir()
    (agent.tree / "node_modules/.bin").symlink_to("/usr/bin")
    assert gather_facts(agent, str(agent.tree)).binaries == set()
    os.mkfifo(agent.tree / "yarn.lock")
    assert gather_facts(agent, str(agent.tree)).lockfiles == {"yarn.lock"}
