"""The racers really race where nobody looks: bare, and in walls without a keeper of execs.

Without this, a test that finds no forbidden program might only have found a racer that is slow.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from racing import POLICY, RACES, Counts, Rings, list_errors, race, ring
from walled import Walled

from cash.policy.load import Layer, load_policy

pytestmark = pytest.mark.kernel

_LANDED = "landed 2 10 5af75c21"
_ERRORS = {
    "missing": "ENOENT",
    "no_path": "ENOENT",
    "no_interpreter": "ENOENT",
    "no_loader": "ENOENT",
    "carriage_return": "ENOENT",
    "below_a_file": "ENOTDIR",
    "slash_after_a_file": "ENOTDIR",
    "not_executable": "EACCES",
    "folder": "EACCES",
    "folder_as_interpreter": "EACCES",
    "folder_as_loader": "EACCES",  # EISDIR before Linux 5.8
    "fifo": "EACCES",
    "device": "EACCES",
    "empty": "ENOEXEC",
    "no_first_line": "ENOEXEC",
    "broken_elf": "ENOEXEC",
    "blank_interpreter": "ENOEXEC",
    "long_first_line": "ENOEXEC",
    "busy": "ETXTBSY",
    "link_loop": "ELOOP",
    "chain_of_seven": "ELOOP",
    "chain_of_five": "status 0",
    "long_component": "ENAMETOOLONG",
    "long_path": "ENAMETOOLONG",
    "longest_path": _LANDED,
    "very_long_path": "ENAMETOOLONG",
    "path_nowhere": "EFAULT",
    "words_nowhere": "EFAULT",
    "word_nowhere": "EFAULT",
    "environment_nowhere": "EFAULT",
    "no_words": "landed 1 0 050c5d1f",
    "zero_words": "landed 1 0 050c5d1f",
    "no_environment": _LANDED,
    "invalid_utf8": "landed 4 13 786d5efc",
    "invalid_utf8_path": _LANDED,
    "invalid_utf8_missing": "ENOENT",
    "long_word": "landed 1 131071 5904912d",
    "too_long_word": "E2BIG",
    "many_words": "landed 100000 300000 c70355c5",
    "two_megabytes": "landed 32 2097120 a19c9dc5",
    "too_much": "E2BIG",
    "far_too_much": "E2BIG",
    "bad_descriptor": "EBADF",
    "bad_flags": "EINVAL",
    "no_path_at": "ENOENT",
    "link_not_followed": "ELOOP",
    "link_followed": _LANDED,
    "descriptor_of_a_file": _LANDED,
    "descriptor_of_a_folder": _LANDED,
    "below_a_descriptor_of_a_file": "ENOTDIR",
    "the_folder_itself": "EACCES",
    "script_in_memory": "ENOENT",
    "segments_nowhere": "killed by 11",
    "vfork": "ENOENT",
    "after_many_failures": _LANDED,
}


def test_the_rules_for_them_load(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY)
    load_policy([Layer("test", (tmp_path / "p.yaml",))])


def _check(counts: Counts, attempts: int) -> None:
    assert (counts.attempts, counts.refused, counts.killed) == (attempts, 0, 0)
    # Half a word fails as a path, and is neither as an argument.
    assert attempts - counts.permitted - counts.forbidden < attempts / 20, counts
    assert min(counts.permitted, counts.forbidden) > attempts / 20, counts


@pytest.mark.parametrize(("what", "how"), RACES)
def test_a_race_has_both_ends_bare(what: str, how: str) -> None:
    _check(race(None, what, how, 100), 100)


@pytest.mark.parametrize(("what", "how"), RACES)
def test_a_race_has_both_ends_inside(walled: Walled, what: str, how: str) -> None:
    _check(race(walled, what, how, 100), 100)


@pytest.mark.parametrize(("what", "count"), [("opens", 100_000), ("execs", 200)])
def test_a_timer_rings_and_nothing_fails_bare(what: str, count: int) -> None:
    rings = ring(None, what, count)
    assert rings == Rings(count, rings.interrupted, 0, rings.ticks, 0)
    assert rings.ticks >= 100


@pytest.mark.parametrize(("what", "count"), [("opens", 100_000), ("execs", 200)])
def test_a_timer_rings_and_nothing_fails_inside(walled: Walled, what: str, count: int) -> None:
    rings = ring(walled, what, count)
    assert rings == Rings(count, rings.interrupted, 0, rings.ticks, 0)
    assert rings.ticks >= 100


def test_an_exec_that_fails_says_why_bare() -> None:
    assert list_errors(None) == _ERRORS


def test_an_exec_that_fails_says_why_inside(walled: Walled) -> None:
    assert list_errors(walled) == _ERRORS
