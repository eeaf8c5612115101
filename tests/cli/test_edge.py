"""Whatever goes wrong ends as one line, a hint and an exit code; never as a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from installation import Installation

import cash

# Runs `polis boom`, whose module does not hold what the table says.
_BROKEN = (
    "from cash.cli.commands import polis; polis.entries = {**polis.entries, 'boom': 'math:nope'};"
    "from cash.cli.__main__ import main; import sys; sys.exit(main(['boom']))"
)

_WRONG_WORDS = [
    (("agnets",), "there is no command polis agnets; did you mean agents?", "polis --help"),
    (("agents", "ad", "x"), "there is no command polis agents ad; did you mean add?", "--help"),
    (("agents", "rm", "x"), "no command polis agents rm; did you mean remove?", "agents --help"),
    (("agents", "ls"), "no command polis agents ls; did you mean list?", "agents --help"),
    (("status",), "there is no command polis status; did you mean agents?", "polis --help"),
    (("rm",), "there is no command polis rm; did you mean uninstall?", "polis --help"),
    (("qwertz",), "there is no command polis qwertz", "polis --help"),
    (("version", "--jsno"), "no such option '--jsno'; did you mean '--json'?", "--help"),
    (("agents", "add"), "missing argument 'NAME'", "polis agents add alice (polis agents"),
    (("policy", "trust"), "missing argument 'FILE'", "polis policy trust .polis/policy.yaml ("),
    (("exec", "alice"), "missing argument '-- ARGV…'", "polis exec --help"),
    (("exec", "alice", "--"), "there is no command behind --", "polis exec --help"),
    (("completion", "csh"), "'csh' is not one of 'bash', 'zsh', 'fish'", "--help"),
    (("log", "prune", "--before", "soon"), "soon is not an age; write 90m, 12h, 30d", "log prune"),
    (("config", "get", "ask-second"), "there is no setting", "ask-seconds?"),
    (("policy", "level", "lax"), "'lax' is not one of 'observe', 'relaxed'", "--help"),
]  # fmt: skip


@pytest.mark.parametrize(("argv", "message", "hint"), _WRONG_WORDS)
def test_wrong_words_exit_64_with_a_hint(
    installation: Installation, argv: tuple[str, ...], message: str, hint: str
) -> None:
    ran = installation.polis(*argv)
    assert (ran.status, ran.out) == (64, "")
    first, second = ran.err.splitlines()
    assert first.startswith("polis: ")
    assert message in first
    assert second.startswith("hint: ")
    assert hint in second


@pytest.mark.parametrize("program", ["polis", "cash"])
def test_the_version_is_an_option_too(installation: Installation, program: str) -> None:
    ran = installation.run(program, "--version")
    assert (ran.status, ran.out, ran.err) == (0, f"{program} {cash.__version__}\n", "")


def test_a_bare_group_shows_its_help_and_exits_64(installation: Installation) -> None:
    ran = installation.polis("agents")
    assert (ran.status, ran.out) == (64, "")
    assert "Usage: polis agents" in ran.err


def test_what_nobody_foresaw_is_one_line_and_a_log(installation: Installation) -> None:
    ran = installation.run(sys.executable, "-c", _BROKEN)
    assert (ran.status, ran.out) == (125, "")
    first, second = ran.err.splitlines()
    assert first == "polis: AttributeError: module 'math' has no attribute 'nope'"
    log = Path(second.removeprefix("hint: the details are in "))
    assert log.is_relative_to(installation.folder / "state")
    assert "Traceback (most recent call last)" in log.read_text()


@pytest.mark.parametrize("word", ["version", "--version", "--help"])
def test_a_full_output_is_one_line(installation: Installation, word: str) -> None:
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(
            ["polis", word],
            stdout=full,
            stderr=subprocess.PIPE,
            env=installation.environment,
            check=False,
        )
    assert ended.returncode == 125
    assert ended.stderr == b"polis: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("word", ["version", "--version", "--help"])
def test_a_closed_output_is_one_line(installation: Installation, word: str) -> None:
    ran = installation.run("sh", "-c", f"polis {word} >&-")
    assert (ran.status, ran.err.count("\n")) == (125, 1)
    assert ran.err.startswith("polis: standard output cannot be written")


def test_a_reader_that_stops_is_no_error(installation: Installation) -> None:
    read, write = os.pipe()
    os.close(read)
    with open(write, "wb") as pipe:
        ended = subprocess.run(
            ["polis", "policy", "schema"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            env=installation.environment,
            check=False,
            preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL),
        )
    assert ended.returncode in (141, -signal.SIGPIPE)
    assert ended.stderr == b""


def test_colour_is_for_terminals_that_want_it(installation: Installation) -> None:
    listed = installation.polis("config")
    assert listed.status == 0
    assert "\x1b" not in listed.out


def test_a_runtime_folder_too_long_for_a_socket_is_named(installation: Installation) -> None:
    deep = installation.folder / ("d" * 90)
    deep.mkdir()
    ran = installation.polis("down", environment={"XDG_RUNTIME_DIR": str(deep)})
    assert ran.status == 69
    assert "is too long for a socket" in ran.err
    assert "hint: set XDG_RUNTIME_DIR" in ran.err
