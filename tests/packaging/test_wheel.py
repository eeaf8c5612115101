"""The wheel, installed into an empty environment away from the checkout, works there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from installation import Installation, Ran

_CHECKOUT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # No isolation: hatchling is already here, and nothing is downloaded.
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, _CHECKOUT],
        check=True,
        capture_output=True,
        cwd=folder,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and polis' dependencies by a path file: what is tested
    is this wheel, not the downloads of others."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    into = [sys.executable, "-m", "pip", "--python", folder / "bin/python", "install"]
    quietly = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([*into, *quietly, wheel], check=True, capture_output=True)
    # Last on the path, and without its own .pth files: the checkout is not reachable by it.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


def _run(bin_folder: Path, installation: Installation, *argv: str) -> Ran:
    path = {"PATH": os.pathsep.join([str(bin_folder), "/usr/bin:/bin"])}
    return installation.run(*argv, environment=path)


def test_the_wheel_carries_what_people_edit(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("hooks", "policies", "agents"):
        tracked = [path for path in (_CHECKOUT / folder).rglob("*") if path.is_file()]
        packed = {name for name in names if name.startswith(f"cash/content/{folder}/")}
        assert packed == {
            f"cash/content/{folder}/{path.relative_to(_CHECKOUT / folder)}" for path in tracked
        }
    assert not [name for name in names if name.startswith("tests")]


def test_the_package_is_the_installed_one(bin_folder: Path, installation: Installation) -> None:
    said = _run(bin_folder, installation, "python", "-I", "-c", "import cash; print(cash.__file__)")
    assert said.out.startswith(str(bin_folder.parent))


def test_polis_lists_its_policies_away_from_the_checkout(
    bin_folder: Path, installation: Installation
) -> None:
    listed = _run(bin_folder, installation, "polis", "policy", "list")
    assert (listed.status, listed.err) == (0, "")
    assert "force-push" in listed.out


def test_both_commands_are_installed_and_start(
    bin_folder: Path, installation: Installation
) -> None:
    assert _run(bin_folder, installation, "polis", "version").status == 0
    assert _run(bin_folder, installation, "cash", "--help").status == 0
