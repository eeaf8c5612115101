"""Commands put into a line, and what may stand before them."""

from __future__ import annotations

import subprocess

import pytest

from cash.policy.rewriters.result import literal_word
from cash.policy.splice import Edit, can_precede, splice
from cash.syntax import read
from cash.syntax.command import Command, Word

FIRST, THEN = ("echo", "first"), ("echo", "then")


def words(texts: tuple[str, ...]) -> tuple[Word, ...]:
    return tuple(literal_word(text) for text in texts)


def npm_of(line: str) -> Command:
    (found,) = [one for one in read(line).commands if one.name == "npm"]
    return found


@pytest.mark.parametrize(
    ("line", "made", "printed"),
    [
        ("npm i", "echo first && echo then", "first\nthen\n"),
        (" npm i ", " echo first && echo then ", "first\nthen\n"),
        ("npm i | tr a-z A-Z", "{ echo first && echo then; } | tr a-z A-Z", "FIRST\nTHEN\n"),
        ("echo a|npm i", "echo a|{ echo first && echo then; }", "first\nthen\n"),
        ("! npm i && echo c", "! { echo first && echo then; } && echo c", "first\nthen\n"),
        ("npm i >/dev/null; echo c", "{ echo first && echo then; } >/dev/null; echo c", "c\n"),
        ("if npm i; then echo c; fi", None, "first\nthen\nc\n"),
        ("(npm i)", None, "first\nthen\n"),
        ("{ npm i; }", None, "first\nthen\n"),
        ('echo "$(npm i)"', None, "first\nthen\n"),
        ("for a in 1; do npm i; done", None, "first\nthen\n"),
        ("false || npm i & wait", None, "first\nthen\n"),
        ("f() { npm i; }; f", None, "first\nthen\n"),
    ],
)
def test_two_commands_stand_where_one_did(line: str, made: str | None, printed: str) -> None:
    command = npm_of(line)
    assert can_precede(line, command)
    text = splice(line, [Edit(command, words(THEN), words(FIRST))])
    assert made in (None, text)
    ran = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == (printed, "")


@pytest.mark.parametrize(
    "line",
    ["CI=1 npm i", "env CI=1 npm i", "timeout 5 npm i", "2>&1 npm i", "sudo npm i", "exec npm i"],
)
def test_nothing_is_put_behind_what_speaks_of_one_command(line: str) -> None:
    assert not can_precede(line, npm_of(line))
