"""From the user's PATH: which folders outside the system hold its programs and what they need.

Only looks; nothing is mounted here. Everything found is shown read-only at its own path. What
may hold credentials is never named whole: of ~/.cargo only bin, of a home never the home.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Shown whole anyway, so a PATH entry below needs nothing more.
SYSTEM_FOLDERS: Final = tuple(
    Path(name)
    for name in (
        *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt"),
        *("/nix", "/gnu"),
    )
)

# A PATH entry below HOME/key needs these folders of the home.
_FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    ".pyenv": (".pyenv",),
    ".rbenv": (".rbenv",),
    ".nodenv": (".nodenv",),
    ".nvm": (".nvm",),
    ".volta": (".volta",),
    ".asdf": (".asdf",),
    ".bun": (".bun",),
    ".deno/bin": (".deno/bin",),
    ".cargo/bin": (".cargo/bin", ".rustup"),
    ".rustup": (".rustup",),
    ".sdkman/candidates": (".sdkman/candidates",),
    ".local/bin": (".local/bin", ".local/share/uv", ".local/share/pipx", ".local/pipx/venvs"),
    ".local/share/mise": (".local/share/mise",),
    ".local/share/fnm": (".local/share/fnm",),
    ".fnm": (".fnm",),
}
# Never shown, whatever PATH says.
PRIVATE_FOLDERS: Final = (
    ".ssh",
    ".aws",
    ".gnupg",
    ".kube",
    ".docker",
    ".config/gcloud",
)


@dataclass(frozen=True, slots=True)
class Toolchains:
    """folders: to show read-only at their own paths, none inside another. path: the entries of
    PATH that exist inside, in order."""

    folders: tuple[Path, ...]
    path: tuple[str, ...]


def find_toolchains(path: str, home: Path) -> Toolchains:
    """What the programs on `path` need of the disk; `home` is the user's own home."""
    folders: list[Path] = []
    entries: list[str] = []
    for entry in dict.fromkeys(path.split(":")):
        if not entry.startswith("/") or not os.path.isdir(entry):
            continue
        # A link (fnm's, `current`) may lead through what is not shown: use where it ends.
        place = Path(os.path.realpath(entry))
        if _is_below(place, SYSTEM_FOLDERS):
            entries.append(entry if _is_below(Path(entry), SYSTEM_FOLDERS) else str(place))
        elif not _is_private(place, home):
            entries.append(str(place))
            folders.extend(_needs(place, home))
    return Toolchains(tuple(_outermost(folders)), tuple(dict.fromkeys(entries)))


def _needs(entry: Path, home: Path) -> Iterator[Path]:
    for key, needed in _FAMILIES.items():
        if _is_below(entry, (home / key,)):
            yield from (found for name in needed if (found := home / name).is_dir())
            return
    yield entry
    prefix = entry.parent
    if entry.name == ".bin" and prefix.name == "node_modules":
        yield prefix
    elif entry.name == "shims" and (prefix / "versions").is_dir():
        yield prefix  # a pyenv or its like, kept elsewhere
    elif (prefix / "pyvenv.cfg").is_file():
        yield from _virtual_environment(prefix, home)
    elif entry.name == "bin" and prefix not in (home, Path("/")):
        yield from _installation(prefix)


def _virtual_environment(prefix: Path, home: Path) -> Iterator[Path]:
    yield prefix
    try:
        lines = (prefix / "pyvenv.cfg").read_text(errors="replace").splitlines()
    except OSError:
        return
    pairs = (line.partition("=") for line in lines)
    base = {key.strip(): value.strip() for key, _, value in pairs}.get("home", "")
    place = Path(os.path.realpath(base)) if base.startswith("/") else None
    if place is None or not place.is_dir() or _is_private(place, home):
        return
    if not _is_below(place, (*SYSTEM_FOLDERS, prefix)):
        yield from _needs(place, home)


def _installation(prefix: Path) -> Iterator[Path]:
    """What stands beside an unknown `bin`."""
    is_go = (prefix / "src/runtime").is_dir()
    is_conda = (prefix / "conda-meta").is_dir()
    is_python = any((prefix / "lib").glob("python3.*/os.py"))
    if is_go or is_conda or is_python:
        yield prefix
    elif (modules := prefix / "lib/node_modules").is_dir():
        yield modules


def _is_private(place: Path, home: Path) -> bool:
    # The home itself, or something it lies in, would show everything.
    if place == home or place in home.parents:
        return True
    return _is_below(place, (home / name for name in PRIVATE_FOLDERS))


def _is_below(place: Path, folders: Iterable[Path]) -> bool:
    return any(place == folder or folder in place.parents for folder in folders)


def _outermost(folders: list[Path]) -> Iterator[Path]:
    chosen = dict.fromkeys(folders)
    for folder in chosen:
        if not any(parent in chosen for parent in folder.parents):
            yield folder
