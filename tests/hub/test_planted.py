"""What an agent plants in its git directory and tree never runs outside."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from ground import Ground

from cash.hub.adoption import adopt
from cash.hub.importer import import_commits
from cash.workspace.agent import Agent
from cash.workspace.facts import gather_facts
from cash.workspace.removal import check_removal, remove_agent
from cash.workspace.roster import is_unimported, look_at
from cash.workspace.tree import add_tree
from cash.workspace.uninstall import uninstall

# The real pack server, marked: what it starts of the agent's is inside.
PACK = ("env", "WHERE=inside", "git-upload-pack")
_HOOKS = (
    *("post-checkout", "post-index-change", "reference-transaction", "pre-commit", "post-commit"),
    *("post-merge", "post-rewrite", "pre-auto-gc", "fsmonitor-watchman", "update", "pre-receive"),
    *("post-update", "proc-receive", "push-to-checkout", "post-receive", "prepare-commit-msg"),
)


@pytest.fixture
def marker(ground: Ground) -> Path:
    return ground.folder / "ran"


@pytest.fixture
def command(ground: Ground, marker: Path) -> str:
    """A program that tells where it ran."""
    program = ground.folder / "planted"
    program.write_text(f'#!/bin/sh\necho "${{WHERE:-outside}} $0 $*" >> {marker}\ncat\n')
    program.chmod(0o755)
    return str(program)


def _config(command: str) -> str:
    return f"""
[core]
    repositoryformatversion = 0
    bare = false
    fsmonitor = {command}
    hooksPath = hooks
    pager = {command}
    editor = {command}
    sshCommand = {command}
    gitProxy = {command}
    alternateRefsCommand = {command}
    askPass = {command}
    attributesFile = attributes
[filter "x"]
    clean = {command} clean
    smudge = {command} smudge
    process = {command} process
    required = true
[diff]
    external = {command}
[diff "x"]
    textconv = {command}
    command = {command}
[merge "x"]
    driver = {command}
[uploadpack]
    packObjectsHook = {command}
[gpg]
    program = {command}
[credential]
    helper = !{command}
[remote "origin"]
    url = ext::{command}
    uploadpack = {command}
    receivepack = {command}
[alias]
    status = !{command}
    upload-pack = !{command}
[include]
    path = more
[user]
    name = Mallory
    email = m@example.org
"""


def _hooks(folder: Path, command: str) -> None:
    folder.mkdir(exist_ok=True, parents=True)
    for name in _HOOKS:
        (folder / name).write_text(f"#!/bin/sh\nexec {command} {name}\n")
        (folder / name).chmod(0o755)


def _plant_config(ground: Ground, agent: Agent, command: str) -> None:
    (agent.tree / ".gitattributes").write_text("* filter=x diff=x merge=x text\n")
    (agent.git_directory / "config").write_text(_config(command))
    (agent.git_directory / "more").write_text(f"[core]\n\tfsmonitor = {command} more\n")
    (agent.home / ".gitconfig").write_text(_config(command))


def _plant_hooks(ground: Ground, agent: Agent, command: str) -> None:
    _hooks(agent.git_directory / "hooks", command)
    _hooks(agent.tree / "hooks", command)


def _plant_nested(ground: Ground, agent: Agent, command: str) -> None:
    """A repository inside the tree, once as a folder, once registered as a submodule."""
    for name in ("nested", "part"):
        place = agent.tree / name
        ground.git("init", "-q", place)
        ground.git("commit", "-q", "--allow-empty", "-m", "x", cwd=place)
        (place / ".git/config").write_text(_config(command))
        _hooks(place / ".git/hooks", command)
    tip = ground.git("--git-dir", agent.tree / "part/.git", "rev-parse", "HEAD", cwd=agent.tree)
    ground.inside(agent, "update-index", "--add", "--cacheinfo", f"160000,{tip},part")
    (agent.tree / ".gitmodules").write_text(
        f'[submodule "part"]\n\tpath = part\n\turl = ./part\n\tupdate = !{command}\n'
    )
    ground.inside(agent, "commit", "-q", "-m", "part")


def _plant_git_file(ground: Ground, agent: Agent, command: str) -> None:
    """The walls forbid this one; polis does not rely on it."""
    evil = agent.tree / "evil.git"
    shutil.copytree(agent.git_directory, evil)
    (evil / "config").write_text(_config(command))
    _hooks(evil / "hooks", command)
    (agent.tree / ".gitattributes").write_text("* filter=x\n")
    (agent.tree / ".git").write_text(f"gitdir: {evil}\n")


def _plant_users_filter(ground: Ground, agent: Agent, command: str) -> None:
    """The user has a filter; the agent chooses what it is run on."""
    ground.git("config", "filter.mine.clean", f"{command} mine")
    ground.git("config", "filter.mine.smudge", f"{command} mine")
    (agent.tree / ".gitattributes").write_text("* filter=mine\n")


def _plant_alternates(ground: Ground, agent: Agent, command: str) -> None:
    (agent.git_directory / "objects/info/alternates").write_text(
        f"{ground.repository.objects}\n/etc\n/proc/self/root\n"
    )
    (agent.git_directory / "objects/info/http-alternates").write_text("http://127.0.0.1:1/\n")


_PLANTS = (
    *(_plant_config, _plant_hooks, _plant_nested, _plant_git_file),
    *(_plant_users_filter, _plant_alternates),
)


@pytest.mark.parametrize("plant", _PLANTS)
def test_nothing_planted_runs_outside(
    ground: Ground,
    marker: Path,
    command: str,
    plant: Callable[[Ground, Agent, str], None],
) -> None:
    repository, places = ground.repository, ground.places
    agent = add_tree(repository, places, "alice")
    tip = ground.commit(agent, "work", "work\n")
    plant(ground, agent, command)
    # Same length, same second: git has to compare the content, and would filter it.
    (agent.tree / "work").write_text("w0rk\n")
    (agent.tree / "README").write_text("read it\n")
    marker.unlink(missing_ok=True)

    assert is_unimported(agent)
    report = import_commits(repository, agent, PACK)
    assert report.updated, report
    assert look_at(repository, agent).dirty
    gather_facts(agent, str(agent.tree))
    adopt(repository, places)
    ground.git("worktree", "list")
    ground.git("log", "--oneline", "--all")
    removal = remove_agent(repository, places, agent)
    assert f"refs/polis/trash/alice-{agent.incarnation}/tree" in removal.saved
    assert ground.git("merge-base", "--is-ancestor", tip, "agent/alice") == ""
    other = add_tree(repository, places, "bob")
    import_commits(repository, other, PACK)
    uninstall(repository, places)
    ran = marker.read_text().splitlines() if marker.exists() else []
    assert [line for line in ran if not line.startswith("inside")] == []


@pytest.mark.parametrize("plant", [_plant_config, _plant_hooks, _plant_nested])
def test_the_users_git_in_the_tree_obeys_nothing_planted(
    ground: Ground,
    marker: Path,
    command: str,
    plant: Callable[[Ground, Agent, str], None],
) -> None:
    """The user looks at an agent's tree with git, as one does."""
    agent = add_tree(ground.repository, ground.places, "alice")
    plant(ground, agent, command)
    ground.commit(agent, "work", "work\n") if plant is not _plant_config else None
    import_commits(ground.repository, agent, PACK)
    marker.unlink(missing_ok=True)
    for words in ("status", "diff", "log -p", "stash list", "branch -a"):
        ground.run("sh", "-c", f"git --no-pager {words}; true", cwd=agent.tree)
    assert not marker.exists(), marker.read_text()


def test_the_planted_things_do_work(ground: Ground, marker: Path, command: str) -> None:
    """The other tests are worth something: git run on the agent's directory obeys it."""
    agent = add_tree(ground.repository, ground.places, "alice")
    _plant_config(ground, agent, command)
    (agent.tree / "README").write_text("read it\n")
    place = {"GIT_DIR": str(agent.git_directory), "GIT_WORK_TREE": str(agent.tree)}
    ground.run("sh", "-c", "git status; true", cwd=agent.tree, more=place)
    assert "outside" in marker.read_text()


def test_the_users_submodules_are_not_entered_either(
    ground: Ground, marker: Path, command: str
) -> None:
    """A submodule of the user's: its folder is empty in the agent's tree, until the agent puts a
    repository of its own there."""
    other = ground.folder / "other"
    ground.git("clone", "-q", ground.root, other)
    ground.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "part")
    ground.git("commit", "-q", "-m", "a part")
    agent = add_tree(ground.repository, ground.places, "alice")
    shutil.copytree(other / ".git", agent.tree / "part/.git")
    (agent.tree / "part/.git/config").write_text(_config(command))
    ground.commit(agent, "work", "work\n")
    marker.unlink(missing_ok=True)
    import_commits(ground.repository, agent, PACK)
    ground.git("status", cwd=agent.tree)
    ground.git("diff", cwd=agent.tree)
    look_at(ground.repository, agent)
    assert not marker.exists(), marker.read_text()


def test_a_removal_check_looks_without_obeying(ground: Ground, marker: Path, command: str) -> None:
    agent = add_tree(ground.repository, ground.places, "alice")
    for plant in _PLANTS[:2]:
        plant(ground, agent, command)
    marker.unlink(missing_ok=True)
    with pytest.raises(Exception, match="alice has uncommitted changes"):
        check_removal(ground.repository, agent, running=False)
    assert not marker.exists()


def test_the_walls_file_names_the_agents_directory(ground: Ground) -> None:
    agent = add_tree(ground.repository, ground.places, "alice")
    assert agent.git_file.read_text() == f"gitdir: {agent.git_directory}\n"
    assert not os.access(agent.git_file, os.X_OK)
