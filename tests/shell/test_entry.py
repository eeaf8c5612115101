"""bin/polis and bin/cash: what goes to perl, what to Python, and how they find the package."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from screen import Terminal

import cash.shell

_PACKAGE = Path(cash.shell.__file__).parent
_PERL = 'print join("|", "PERL", map { "<$_>" } @ARGV[1 .. $#ARGV]), "\\n";\n'
_PYTHON = '#!/bin/sh\nprintf PYTHON; printf "|<%s>" "$@"; echo\n'
_HEAD = "PYTHON|<-I>|<-m>|<cash.cli>"


def make_install(folder: Path, *, editable: bool = False, packages: str = "site-packages") -> Path:
    """An installation's bin/ with the real entries and a client and an interpreter that tell."""
    programs = folder / "bin"
    programs.mkdir(parents=True)
    for name in ("polis", "cash"):
        shutil.copy(_PACKAGE / "bin" / name, programs / name)
    (programs / "python").write_text(_PYTHON)
    (programs / "python").chmod(0o755)
    library = folder / "lib/python3.11" / packages
    library.mkdir(parents=True)
    root = library
    if editable:
        root = folder / "check out"
        (library / "_editable_impl_polis.pth").write_text(os.fspath(root))
    (root / "cash/shell").mkdir(parents=True)
    (root / "cash/shell/client.pl").write_text(_PERL)
    content = root / ("hooks" if editable else "cash/content/hooks") / "inside"
    content.mkdir(parents=True)
    (content / "polis").write_text(_PERL.replace("PERL", "HOOK").replace("1 ..", "0 .."))
    return programs


def run(program: Path, *words: str, **environment: str) -> str:
    ended = subprocess.run(
        [program, *words],
        env={"PATH": os.environ["PATH"], **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stderr == ""
    return ended.stdout.rstrip("\n")


def test_both_entries_are_the_same_text() -> None:
    assert (_PACKAGE / "bin/polis").read_bytes() == (_PACKAGE / "bin/cash").read_bytes()
    subprocess.run(["perl", "-c", _PACKAGE / "client.pl"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "client"),
    [
        (("exec", "alice", "--", "ls"), "PERL"),
        (("exec", "alice", "--", *"abcdefghijkl"), "PERL"),
        (("shell", "alice", "-c", "a b"), "PERL"),
        (("exec", "alice", "--"), "PYTHON"),
        (("exec", "alice", "ls", "-l"), "PYTHON"),
        (("exec", "--help", "--", "x"), "PYTHON"),
        (("shell", "alice", "-c"), "PYTHON"),
        (("shell", "alice", "-c", "a", "b"), "PYTHON"),
        (("shell", "-c", "a", "alice"), "PYTHON"),
        (("shell", "alice"), "PYTHON"),
        ((), "PYTHON"),
        (("agents", "list"), "PYTHON"),
    ],
)
def test_hot_commands_of_polis_go_to_perl(
    tmp_path: Path, words: tuple[str, ...], client: str
) -> None:
    programs = make_install(tmp_path)
    told = "|".join(f"<{word}>" for word in words)
    expected = f"PERL|<polis>|{told}" if client == "PERL" else "|".join(filter(None, (_HEAD, told)))
    assert run(programs / "polis", *words, hot="1") == expected


@pytest.mark.parametrize("editable", [False, True])
def test_hooks_go_to_the_program_inside(tmp_path: Path, editable: bool) -> None:
    programs = make_install(tmp_path, editable=editable)
    assert run(programs / "polis", "hook", "claude") == "HOOK|<hook>|<claude>"
    told = run(programs / "polis", "hook", "copilot", "preToolUse")
    assert told == "HOOK|<hook>|<copilot>|<preToolUse>"
    for words in (("hook",), ("hook", "install", "claude"), ("hook", "--help")):
        assert run(programs / "polis", *words).startswith(_HEAD)


def test_hot_commands_of_cash_go_to_perl(tmp_path: Path) -> None:
    programs = make_install(tmp_path)
    assert run(programs / "cash", "-c", "a b") == "PERL|<cash>|<-c>|<a b>"
    assert run(programs / "cash", "-c", "a", "b") == f"{_HEAD}|<cash>|<-c>|<a>|<b>"
    assert run(programs / "cash") == f"{_HEAD}|<cash>"


def test_every_kind_of_install_is_found(tmp_path: Path) -> None:
    wheel = make_install(tmp_path / "wheel")
    editable = make_install(tmp_path / "edit able", editable=True)
    system = make_install(tmp_path / "system", packages="dist-packages")
    linked = tmp_path / "local/polis"  # as uv and pipx do
    linked.parent.mkdir()
    linked.symlink_to(wheel / "polis")
    for program in (wheel / "polis", editable / "polis", system / "polis", linked):
        assert run(program, "exec", "a", "--", "x") == "PERL|<polis>|<exec>|<a>|<-->|<x>"
    ended = subprocess.run(
        ["sh", "-c", 'cd "$0" && PATH=.:$PATH polis exec a -- x', wheel],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.startswith("PERL")


def test_without_the_client_python_does_it(tmp_path: Path) -> None:
    programs = make_install(tmp_path)
    (tmp_path / "lib/python3.11/site-packages/cash/shell/client.pl").unlink()
    assert run(programs / "polis", "exec", "a", "--", "x") == f"{_HEAD}|<exec>|<a>|<-->|<x>"


def test_perl_hears_nothing_of_the_callers_perl(tmp_path: Path) -> None:
    programs = make_install(tmp_path)
    told = run(programs / "cash", "-c", "x", PERL5OPT="-Mnowhere", PERL_UNICODE="", PERL5LIB="/x")
    assert told == "PERL|<cash>|<-c>|<x>"


def test_a_terminal_goes_to_python(tmp_path: Path) -> None:
    programs = make_install(tmp_path)
    with Terminal([os.fspath(programs / "cash"), "-c", "x"], environment={}, cwd=tmp_path) as told:
        told.wait_for(rf"^{_HEAD.replace('|', '.')}.<cash>.<-c>.<x>$")


def test_without_polisd_python_takes_over(tmp_path: Path) -> None:
    programs = make_install(tmp_path)
    shutil.copy(
        _PACKAGE / "client.pl", tmp_path / "lib/python3.11/site-packages/cash/shell/client.pl"
    )
    home = tmp_path / "home"
    home.mkdir()
    words = ("exec", "alice", "--", "x y")
    expected = f"{_HEAD}|<exec>|<alice>|<-->|<x y>"
    quiet = {"XDG_RUNTIME_DIR": os.fspath(home), "XDG_STATE_HOME": os.fspath(home)}
    assert run(programs / "polis", *words, HOME=os.fspath(home), **quiet) == expected
    (home / "polis").mkdir()
    (home / "polis/token").write_text("t\n")
    assert run(programs / "polis", *words, HOME=os.fspath(home), **quiet) == expected
    assert run(programs / "cash", "-c", "x", HOME="", **quiet) == f"{_HEAD}|<cash>|<-c>|<x>"


def test_inside_the_walls_cash_is_bash(tmp_path: Path) -> None:
    programs = make_install(tmp_path)
    inside = {"POLIS_INSIDE": "1", "HOME": os.fspath(tmp_path)}
    assert run(programs / "cash", "-c", "echo $0:$1", "a", "b", **inside) == "a:b"
    # Outside, where the operator's token is, the variable says nothing.
    token = tmp_path / ".local/state/polis/token"
    token.parent.mkdir(parents=True)
    token.touch()
    assert run(programs / "cash", "-c", "x", **inside) == "PERL|<cash>|<-c>|<x>"
