"""What comes from the npm registry, fetched once before anything is measured: the packages of
bench/projects/web into a pnpm store, and a source with a `configure`."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bench.home import Home
from bench.measure import Unready

_PROJECT = Path(__file__).parent / "projects" / "web"
# Its package on npm brings the source that it configures where no binary fits.
_GIFSICLE = "gifsicle@5.3.0"
_GIFSICLE_SHA512 = (
    "FJTpgdj1Ow/FITB7SVza5HlzXa+/lqEY0tHQazAJbuAdvyJtkH4wIdsR2K414oaTwRXHFLLF+tYbipj+OpYg+Q=="
)
_STORE = ".local/share/pnpm/store"  # where pnpm has it by itself
_PATIENCE = 300


def fetch_web(home: Home) -> int:
    """The project in alice's tree and in the bare folder, its packages in both stores, nothing
    installed; the number of the packages."""
    folder = home.bare / "web"
    shutil.copytree(_PROJECT, folder)
    shutil.copytree(_PROJECT, home.tree / "web")
    words = ("install", "--frozen-lockfile", "--ignore-scripts", "--reporter=append-only")
    _fetch(home, ["pnpm", *words], folder)
    packages = sum("@" in path.name for path in (folder / "node_modules/.pnpm").iterdir())
    _lay_out_rxjs(folder, home.tree / "web")
    shutil.rmtree(folder / "node_modules")
    store = home.bare / "home" / _STORE
    shutil.copytree(store, home.packages / "pnpm", symlinks=True)
    return packages


def _lay_out_rxjs(folder: Path, other: Path) -> None:
    """rxjs' own source, which its package brings, beside what uses it."""
    installed = (folder / "node_modules/rxjs").resolve()
    for place in (folder, other):
        for name in ("src", "tsconfig.json", "package.json"):
            here, there = installed / name, place / "rxjs" / name
            there.parent.mkdir(exist_ok=True)
            (shutil.copytree if here.is_dir() else shutil.copy)(here, there)


def fetch_configure(home: Home) -> None:
    """The source of gifsicle in alice's tree and in the bare folder, as build/gifsicle: elsewhere
    in a tree the shipped rules ask about the `rm -rf conftest*` of a configure."""
    _fetch(home, ["npm", "pack", "--silent", "--ignore-scripts", _GIFSICLE], home.bare)
    (archive,) = home.bare.glob("gifsicle-*.tgz")
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if digest != _GIFSICLE_SHA512:
        raise Unready(f"the registry's {_GIFSICLE} is not the one known here")
    unpacked = home.bare / "unpacked"
    _unpack(archive, unpacked)
    (source,) = unpacked.glob("package/vendor/source/*.tar.gz")
    _unpack(source, unpacked)
    (folder,) = unpacked.glob("gifsicle-*")
    for place in (home.bare, home.tree):
        shutil.copytree(folder, place / "build/gifsicle")


def _unpack(archive: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    words = ("--no-same-owner", "-xzf", os.fspath(archive), "-C", os.fspath(folder))
    subprocess.run(["tar", *words], check=True)


def _fetch(home: Home, argv: Sequence[str], folder: Path) -> None:
    # The user's own environment below: a registry may be reached by a proxy only.
    environment = {**os.environ, **home.bare_environment}
    try:
        ended = subprocess.run(
            argv,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unready(f"{' '.join(argv)} took more than {_PATIENCE} s") from None
    if ended.returncode != 0:
        why = _reason(ended.stderr + ended.stdout)
        raise Unready(f"{' '.join(argv)} failed (is the npm registry there?): {why}")


def _reason(said: str) -> str:
    """The line of what npm or pnpm said that names a fault; both print traces as well."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    faults = [line for line in lines if re.search(r"\bE[A-Z]{3}|error|failed", line)]
    return next(iter([*faults, *lines[-1:]]), "it said nothing")[:300]
