"""The agent's own git directory: its refs, index and configuration over the hub's objects.

Everything is written here before the agent first runs; afterwards the agent owns it, and nothing
outside ever runs git on it (docs/decisions/0003-two-git-directories.md).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cash.hub.moving import quoted_path
from cash.hub.refs import Ref
from cash.hub.remotes import HUB, hub_name, quoted, section
from cash.hub.repository import Repository
from cash.walls.plan import PARTS, REMOTES
from cash.workspace.agent import Agent

# How git behaves for this user, with nothing that names a program, a file or a key.
_COPIED: Mapping[str, tuple[str, ...]] = {
    "core": (
        *("autocrlf", "eol", "safecrlf", "filemode", "ignorecase", "precomposeunicode"),
        *("symlinks", "quotepath", "whitespace", "abbrev", "sparsecheckout"),
        "sparsecheckoutcone",
    ),
    "index": ("sparse", "version", "threads"),
    "init": ("defaultbranch",),
    "pull": ("rebase", "ff"),
    "merge": ("ff", "conflictstyle", "renames"),
    "rebase": ("autosquash", "autostash", "updaterefs"),
    "rerere": ("enabled",),
    "diff": ("algorithm", "renames", "mnemonicprefix", "colormoved"),
    "commit": ("verbose", "cleanup"),
    "push": ("default", "autosetupremote"),
    "log": ("date",),
    "column": ("ui",),
}


def make_git_directory(
    repository: Repository, agent: Agent, entry: Path, refs: Sequence[Ref], *, foreign_ids: bool
) -> None:
    """Writes agent.git_directory and agent.git_file. entry: the linked worktree's folder in the
    hub, whose index and sparse settings are copied. refs: the hub's heads, remotes and tags.
    foreign_ids: inside, files show another uid than on disk."""
    directory = agent.git_directory
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "hooks", "info"):
        (directory / name).mkdir(parents=True, mode=0o755)
    (directory / "HEAD").write_text(f"ref: refs/heads/{agent.branch}\n")
    alternate = os.fsencode(repository.objects)
    (directory / "objects/info/alternates").write_bytes(quoted_path(alternate) + b"\n")
    values = _settings(repository)
    config = _config(repository, agent, values, foreign_ids=foreign_ids)
    (directory / "config").write_text(config, errors="surrogateescape")
    write_identity(agent, values)
    (directory / "packed-refs").write_bytes(_packed(agent, refs, _hub_name(values)))
    _write_symbolic(directory, refs)
    _copy(entry / "index", directory / "index")
    _copy(entry / "info/sparse-checkout", directory / "info/sparse-checkout")
    _copy(repository.common_dir / "info/exclude", directory / "info/exclude")
    _copy(repository.common_dir / "shallow", directory / "shallow")
    agent.git_file.write_bytes(b"gitdir: " + os.fsencode(directory) + b"\n")
    os.chmod(agent.git_file, 0o644)


def write_identity(agent: Agent, values: Mapping[str, Sequence[str]]) -> None:
    """The user's name and e-mail in the private HOME, and where their submodules are named;
    nothing else of theirs."""
    text = section("user", _identity(agent, values)) + section("include", {"path": PARTS})
    (agent.home / ".gitconfig").write_text(text, errors="surrogateescape")


def _settings(repository: Repository) -> Mapping[str, tuple[str, ...]]:
    """The user's effective configuration in the hub."""
    found: dict[str, tuple[str, ...]] = {}
    for item in repository.git.run("config", "--list", "-z").split(b"\0")[:-1]:
        key, _, value = os.fsdecode(item).partition("\n")
        found[key] = (*found.get(key, ()), value)
    return found


def _config(
    repository: Repository,
    agent: Agent,
    values: Mapping[str, Sequence[str]],
    *,
    foreign_ids: bool,
) -> str:
    sha256 = repository.object_format != "sha1"
    core = {"repositoryformatversion": "1" if sha256 else "0", "bare": "false"}
    core["logallrefupdates"] = "true"
    if foreign_ids:
        # The index records the uid on disk; inside, an idmapped mount shows another one, and
        # every file would be read again (292 ms instead of 54 for 10,000 files).
        core["checkStat"] = "minimal"
    text = section("core", core)
    if sha256:
        text += section("extensions", {"objectformat": repository.object_format})
    text += section("user", _identity(agent, values))
    for part, names in _COPIED.items():
        keys = {name: f"{part}.{name}" for name in names}
        if found := {name: values[key][-1] for name, key in keys.items() if key in values}:
            text += section(part, found)
    hub = _hub_name(values)
    text += section(
        f"remote {quoted(hub)}",
        {"url": "polis::hub", "fetch": f"+refs/heads/*:refs/remotes/{hub}/*"},
    )
    # polisd sees to it: git would start a program more for each commit, to ask.
    text += section("maintenance", {"auto": "false"})
    # `git switch main` finds the hub's main even where origin has one as well.
    text += section("checkout", {"defaultRemote": hub})
    # The user's remotes as they are now, whenever that is.
    return text + section("include", {"path": REMOTES})


def _identity(agent: Agent, values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    # Without a name git refuses to commit; then the agent signs for itself.
    name = values.get("user.name", (agent.name,))[-1]
    mail = values.get("user.email", (f"{agent.name}@localhost",))[-1]
    return {"name": name, "email": mail}


def _hub_name(values: Mapping[str, Sequence[str]]) -> str:
    return hub_name([HUB] if f"remote.{HUB}.url" in values else [])


def _packed(agent: Agent, refs: Sequence[Ref], hub: str) -> bytes:
    """packed-refs: the agent's branch, the hub's branches as remote ones, remotes and tags."""
    own = f"refs/heads/{agent.branch}"
    tip = next((ref.object for ref in refs if ref.name == own), agent.base)
    lines: dict[bytes, tuple[str, str]] = {os.fsencode(own): (tip, "")}
    for ref in refs:
        if ref.symbolic:
            continue
        name = ref.name
        if name.startswith("refs/heads/"):
            name = f"refs/remotes/{hub}/{name.removeprefix('refs/heads/')}"
        lines[os.fsencode(name)] = (ref.object, ref.peeled)
    text = [b"# pack-refs with: peeled fully-peeled sorted \n"]
    for name_bytes, (value, peeled) in sorted(lines.items()):
        text.append(b"%b %b\n" % (value.encode(), name_bytes))
        if peeled:
            text.append(b"^%b\n" % peeled.encode())
    return b"".join(text)


def _write_symbolic(directory: Path, refs: Iterable[Ref]) -> None:
    """Such as refs/remotes/origin/HEAD, which packed-refs cannot hold."""
    for ref in refs:
        if ref.symbolic and ref.name.startswith("refs/remotes/"):
            path = directory / ref.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"ref: {ref.symbolic}\n")


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        shutil.copyfile(source, target)
