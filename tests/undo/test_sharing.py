"""On a file system that can, what is kept shares its blocks with the file: it takes no room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cash.undo.objects import hash_of, open_objects

pytestmark = pytest.mark.kernel

_ROOM = 128 << 20  # the least that mkfs.btrfs takes
_SIZE = 40 << 20  # two copies of it would not fit


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """On a btrfs of its own."""
    if os.geteuid() != 0:
        pytest.skip("mounting a file system needs root")
    if shutil.which("mkfs.btrfs") is None:
        pytest.skip("btrfs-progs are not installed")
    image, place = tmp_path / "image", tmp_path / "mount"
    with open(image, "wb") as file:
        file.truncate(_ROOM)
    place.mkdir()
    subprocess.run(["mkfs.btrfs", "-q", "--metadata", "single", image], check=True)
    mount = ["mount", "-o", "loop", image, place]
    mounted = subprocess.run(mount, capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no btrfs here: {mounted.stderr.decode().strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def test_what_is_kept_takes_no_room(folder: Path) -> None:
    path = folder / "large"
    path.write_bytes(os.urandom(1 << 20) * (_SIZE >> 20))
    os.sync()
    before = _free(folder)
    objects = open_objects(folder / "objects")
    with open(path, "rb") as file:
        kept = objects.keep(file.fileno(), _SIZE)
        assert kept.name == hash_of(file.fileno())
    os.sync()
    assert before - _free(folder) < _SIZE // 4
    # It is no link: what becomes of the file is nothing to what was kept.
    with open(path, "r+b") as file:
        file.write(b"changed")
    taken = folder / "taken"
    with open(taken, "w+b") as file:
        objects.take_out(kept.name, kept.place, file.fileno())
    with open(taken, "rb") as file:
        assert hash_of(file.fileno()) == kept.name
    os.sync()
    assert before - _free(folder) < _SIZE // 2


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bfree * found.f_frsize
