"""Where policies are: built-in, system, user, repository, agent; each read after the one before."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cash.content import content_folder
from cash.places import Places
from cash.policy.document import PolicyFault

SYSTEM: Final = Path("/etc/polis/policies")


@dataclass(frozen=True, slots=True)
class Layer:
    """paths: its files, in order. tighten_only: it may not loosen what earlier layers say."""

    name: str
    paths: tuple[Path, ...]
    tighten_only: bool = False


def find_layers(
    places: Places,
    repository: Path | None,
    agent_rules: Path | None,
    trusted: Callable[[Path], bool],
    *,
    system: Path = SYSTEM,
) -> tuple[Layer, ...]:
    """The layers that exist, earliest first. repository: the user's own checkout. agent_rules: a
    policy file. trusted: whether the user has trusted a file's exact bytes. Raises PolicyFault
    for system files that others may write."""
    found = [Layer("built-in", _files(content_folder("policies")))]
    system_files = _files(system)
    for path in (system, *system_files):
        if system_files:
            _check_owner(path)
    found.append(Layer("system", system_files))
    found.append(Layer("user", _files(places.config / "policies")))
    if repository is not None:
        folder = repository / ".polis"
        own = (folder / "policy.yaml",) if (folder / "policy.yaml").is_file() else ()
        files = (*own, *_files(folder / "policies"))
        # All or nothing: an untrusted file could override what a trusted one says.
        found.append(Layer("repository", files, not all(trusted(path) for path in files)))
    if agent_rules is not None:
        found.append(Layer("agent", (agent_rules,)))
    return tuple(layer for layer in found if layer.paths)


def layer_folders(places: Places, repository: Path, *, system: Path = SYSTEM) -> tuple[Path, ...]:
    """The folders in which layers are looked for, whether they are there or not."""
    own = repository / ".polis"
    return (content_folder("policies"), system, places.config / "policies", own, own / "policies")


def _files(folder: Path) -> tuple[Path, ...]:
    try:
        found = sorted(one for one in folder.iterdir() if one.suffix in (".yaml", ".yml"))
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except PermissionError:
        raise PolicyFault(f"{folder}: cannot be read", hint=f"ls -ld {folder}") from None
    return tuple(one for one in found if not one.name.startswith("."))


def _check_owner(path: Path) -> None:
    status = path.stat()
    if status.st_uid != 0 or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PolicyFault(
            f"{path}: only root may own and write system policies",
            hint=f"chown root: {path}; chmod go-w {path}",
        )
