"""Which folders a PATH needs: each row builds a home and asks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.walls.toolchains import PRIVATE_FOLDERS, Toolchains, find_toolchains

# made (a trailing / is a folder), PATH entries, expected folders; all relative to the home.
_ROWS: Final = {
    "pyenv": ([".pyenv/shims/", ".pyenv/versions/"], [".pyenv/shims"], [".pyenv"]),
    "cargo never shows credentials": (
        [".cargo/bin/", ".cargo/credentials.toml", ".rustup/"],
        [".cargo/bin"],
        [".cargo/bin", ".rustup"],
    ),
    "nvm": ([".nvm/versions/node/v22/bin/"], [".nvm/versions/node/v22/bin"], [".nvm"]),
    "volta": ([".volta/bin/"], [".volta/bin"], [".volta"]),
    "asdf": ([".asdf/shims/"], [".asdf/shims"], [".asdf"]),
    "bun": ([".bun/bin/"], [".bun/bin"], [".bun"]),
    "deno": ([".deno/bin/", ".deno/secret"], [".deno/bin"], [".deno/bin"]),
    "mise": (
        [".local/share/mise/shims/", ".config/mise/"],
        [".local/share/mise/shims"],
        [".local/share/mise"],
    ),
    "uv and pipx": (
        [".local/bin/", ".local/share/uv/", ".local/share/pipx/", ".local/share/keyrings/"],
        [".local/bin"],
        [".local/bin", ".local/share/uv", ".local/share/pipx"],
    ),
    "go": (["sdk/go/bin/", "sdk/go/src/runtime/"], ["sdk/go/bin"], ["sdk/go"]),
    "GOPATH": (["go/bin/", "go/pkg/"], ["go/bin"], ["go/bin"]),
    "conda": (["conda/bin/", "conda/conda-meta/"], ["conda/bin"], ["conda"]),
    "a Python": (["py/bin/", "py/lib/python3.12/os.py"], ["py/bin"], ["py"]),
    "npm prefix": (
        [".npm-global/bin/", ".npm-global/lib/node_modules/", ".npm-global/.npmrc"],
        [".npm-global/bin"],
        [".npm-global/bin", ".npm-global/lib/node_modules"],
    ),
    "node_modules": (
        ["app/node_modules/.bin/", "app/.env"],
        ["app/node_modules/.bin"],
        ["app/node_modules"],
    ),
    "anything else is itself": (["bin/", "bin2/"], ["bin"], ["bin"]),
    "the home is never shown": (["x"], ["", "."], []),
    "nor what it lies in": (["x"], [".."], []),
    "nor keys": ([".ssh/bin/", ".config/gcloud/bin/"], [".ssh/bin", ".config/gcloud/bin"], []),
    "what is not there": ([], ["gone/bin"], []),
    "a file": (["file"], ["file"], []),
    "inner in outer": (["a/b/", "a/"], ["a/b", "a"], ["a"]),
}


@pytest.mark.parametrize("row", _ROWS)
def test_what_a_path_needs(tmp_path: Path, row: str) -> None:
    made, entries, expected = _ROWS[row]
    _make(tmp_path, made)
    path = ":".join(f"{tmp_path}/{entry}".rstrip("/") for entry in entries)
    found = find_toolchains(path, tmp_path)
    assert found.folders == tuple(tmp_path / folder for folder in expected)
    assert set(found.path) <= {str((tmp_path / entry).resolve()) for entry in entries}


def test_a_virtual_environment_brings_its_base(tmp_path: Path) -> None:
    _make(tmp_path, ["py/bin/", "py/lib/python3.12/os.py", "venv/bin/"])
    (tmp_path / "venv/pyvenv.cfg").write_text(f"home = {tmp_path}/py/bin\nversion = 3.12\n")
    found = find_toolchains(f"{tmp_path}/venv/bin", tmp_path)
    assert found.folders == (tmp_path / "venv/bin", tmp_path / "venv", tmp_path / "py")[1:]


def test_the_system_needs_nothing(tmp_path: Path) -> None:
    path = "/usr/local/bin:/usr/bin:/bin:/opt:/usr/bin"
    assert find_toolchains(path, tmp_path) == Toolchains(
        (), ("/usr/local/bin", "/usr/bin", "/bin", "/opt")
    )


def test_a_link_leads_to_where_it_ends(tmp_path: Path) -> None:
    _make(tmp_path, [".local/share/fnm/v22/bin/", "run/"])
    (tmp_path / "run/shell").symlink_to(tmp_path / ".local/share/fnm/v22")
    found = find_toolchains(f"{tmp_path}/run/shell/bin", tmp_path)
    assert found == Toolchains(
        (tmp_path / ".local/share/fnm",), (f"{tmp_path}/.local/share/fnm/v22/bin",)
    )


def test_relative_entries_are_left_out(tmp_path: Path) -> None:
    assert find_toolchains("bin:.::../x", tmp_path) == Toolchains((), ())


@given(st.lists(st.text(alphabet="/.ab:\0-", max_size=12), max_size=6))
def test_no_path_raises_or_shows_a_home(entries: list[str]) -> None:
    home = Path("/home/nobody-here")
    found = find_toolchains(":".join(entries), home)
    assert home not in found.folders
    assert Path("/") not in found.folders
    for name in PRIVATE_FOLDERS:
        assert home / name not in found.folders


def _make(home: Path, names: list[str]) -> None:
    for name in names:
        place = home / name
        if name.endswith("/"):
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text("")
