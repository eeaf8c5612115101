"""Execs that no keeper expects: each ends as it would have without one, or is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from governed import DENIED, Governed, Question, governing
from racing import ERRORS, Rings, list_errors, ring
from walled import KINDS

from cash.keeper.link import ExecVerdict

pytestmark = pytest.mark.kernel

# What the keeper lets pass by itself, and what it has to ask about.
_ALLOWS = """\
version: 1
rules:
  - id: no-shredding
    program: shred
    decide: deny
    reason: What is shredded cannot come back.
    examples: {deny: [shred x]}
"""
_ASKS = (
    _ALLOWS
    + """\
  - id: about-these
    program: [landed, "true", printf, uname]
    decide: ask
    reason: Who knows.
    examples: {ask: ["true", uname]}
"""
)


@pytest.fixture(scope="module", params=KINDS)
def governed(request: pytest.FixtureRequest) -> Iterator[Governed]:
    """Walls with one program forbidden and some that are asked about."""
    with governing(request.param, _ASKS) as made:
        yield made


@pytest.fixture(autouse=True)
def as_it_was(governed: Governed) -> Iterator[None]:
    yield
    governed.settle = None
    governed.refused.clear()


@pytest.fixture
def folder(governed: Governed) -> Iterator[Path]:
    """A folder of the agent's."""
    made = governed.walled.view.tree / "made"
    made.mkdir()
    _give(made, governed)
    yield made
    shutil.rmtree(made)


def _give(path: Path, governed: Governed) -> None:
    if os.geteuid() == 0:
        os.chown(path, *governed.walled.view.owner)


@pytest.mark.parametrize("policy", [_ALLOWS, _ASKS], ids=["judged here", "asked about"])
def test_an_exec_that_fails_says_why(governed: Governed, policy: str) -> None:
    governed.enforce(policy)
    before = len(governed.walled.asked)
    assert list_errors(governed.walled) == ERRORS
    assert (len(governed.walled.asked) > before + 10) is (policy is _ASKS)
    governed.enforce(_ASKS)


@pytest.mark.parametrize(("what", "count"), [("opens", 5_000), ("execs", 200)])
def test_under_a_quick_timer_nothing_fails(governed: Governed, what: str, count: int) -> None:
    rings = ring(governed.walled, what, count)
    assert rings == Rings(count, rings.interrupted, 0, rings.ticks, 0)


_LONG = {
    "words": "exec {program} $(seq 100000)",
    "a word": 'exec {program} "$(head -c 131000 /dev/zero | tr "\\0" x)"',
    "bytes": "w=$(head -c 20000 /dev/zero | tr '\\0' '\\377'); "
    "exec {program} $w $w $w $w $w $w $w $w $w $w $w $w $w $w $w $w $w $w $w $w",
}


@pytest.mark.parametrize("name", _LONG)
def test_a_long_exec_is_refused(governed: Governed, name: str) -> None:
    result = governed.walled.sh(_LONG[name].format(program="/usr/bin/shred"))
    assert (result.status, result.out) == (DENIED, "")
    assert result.err.startswith("polis: denied by no-shredding: ")
    assert len(governed.refused) == 1


@pytest.mark.parametrize("name", _LONG)
def test_a_long_exec_waits_and_runs(governed: Governed, name: str) -> None:
    line = _LONG[name].format(program="/usr/bin/printf %s.")
    bare = governed.walled.sh(line.replace("exec /usr/bin/printf", "printf"))
    governed.settle = lambda question: _wait(governed, question)
    result = governed.walled.sh(line)
    # The shell itself waits too, for its text: one process, twice.
    assert result.err == "polis: wait\n" * 2
    assert (result.status, result.out) == (0, bare.out)


def _wait(governed: Governed, question: Question) -> ExecVerdict:
    link = governed.walled.link
    link.settle(question["number"], ExecVerdict("wait", "polis: wait\n"))
    return ExecVerdict("allow")


def test_an_answer_of_any_bytes_is_printed(governed: Governed) -> None:
    said = "polis: %s %n \\ $(x) `x` ' \" \udcff \N{SNOWMAN}\n" * 40
    governed.settle = lambda _: ExecVerdict("refuse", said, 77)
    result = governed.walled.run("uname")
    assert (result.status, result.out) == (77, "")
    assert result.err == said.replace("\udcff", "\N{REPLACEMENT CHARACTER}")


# What was judged is what runs


def _copy(source: str | Path, target: Path, governed: Governed) -> None:
    """Into the same file, if there is one: the same inode."""
    if target.exists():
        target.write_bytes(Path(source).read_bytes())
    else:
        shutil.copy(source, target)
    _give(target, governed)


def test_a_program_that_was_overwritten_is_judged_again(governed: Governed, folder: Path) -> None:
    _copy("/usr/bin/id", folder / "x", governed)
    assert governed.walled.run(folder / "x").status == 0
    _copy("/usr/bin/shred", folder / "x", governed)
    result = governed.walled.run(folder / "x", "--version")
    assert (result.status, result.out) == (DENIED, "")
    _copy("/usr/bin/id", folder / "y", governed)
    assert governed.walled.run(folder / "y", "--version").status == 0
    _copy("/usr/bin/shred", folder / "y", governed)
    result = governed.walled.run(folder / "y", "--version")
    assert (result.status, result.out) == (DENIED, "")


def test_a_script_behind_the_same_link_is_judged_again(governed: Governed, folder: Path) -> None:
    for name in ("shred", "permit"):
        (folder / name).write_text("#!/bin/sh\necho $0 $*\n")
        (folder / name).chmod(0o755)
        _give(folder / name, governed)
    link = folder / "link"
    link.symlink_to("permit")
    assert governed.walled.run(link, "--version").status == 0
    link.unlink()
    link.symlink_to("shred")
    assert governed.walled.run(link, "--version").status == DENIED


def test_what_the_loader_loads_is_judged_again(governed: Governed, folder: Path) -> None:
    loader = next(Path("/lib64").glob("ld-linux*"), None)
    if loader is None:
        pytest.skip("no loader")
    _copy("/usr/bin/id", folder / "x", governed)
    words = (loader, folder / "x", "--version")
    assert governed.walled.run(*words).status == 0
    _copy("/usr/bin/shred", folder / "x", governed)
    assert governed.walled.run(*words).status == DENIED


def _replace_while_asked(governed: Governed, folder: Path, waits: bool, whole: bool) -> Question:
    """Once a program is asked about, another one stands there; then it is allowed."""
    link = governed.walled.link

    def settle(question: Question) -> ExecVerdict:
        if waits:
            link.settle(question["number"], ExecVerdict("wait", "polis: wait\n"))
        new = folder / "new"
        if whole:
            _copy("/usr/bin/shred", new, governed)
            new.rename(folder / "uname")
        else:
            try:
                _copy("/usr/bin/shred", folder / "uname", governed)
            except OSError:
                governed.settle = None  # text file busy: nobody can write to what runs
        return ExecVerdict("allow")

    return settle


@pytest.mark.parametrize("waits", [False, True], ids=["held", "waiting"])
@pytest.mark.parametrize("whole", [False, True], ids=["overwritten", "renamed over"])
def test_a_program_replaced_before_its_verdict(
    governed: Governed, folder: Path, waits: bool, whole: bool
) -> None:
    _copy("/usr/bin/uname", folder / "uname", governed)
    governed.settle = _replace_while_asked(governed, folder, waits, whole)
    result = governed.walled.run(folder / "uname", "--version")
    assert "shred" not in result.out, result.out
    assert result.status in (0, DENIED)
