"""When a prompt may be pasted, and how it is seen that it was taken."""

from __future__ import annotations

import pytest

from cash.faults import UsageFault
from cash.sessions.prompting import MOST_PROMPT, check_prompt, find_mark, has_moved

BOX = ["talk", "────", "❯ fix the bug", "────", "  hints"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"x" * (MOST_PROMPT + 1), "at most 1 MB"),
        (b"a\x1b[201~rm -rf /\r", "ends a paste"),
        ("a\x9b201~b".encode(), "ends a paste"),
        (b"a\x9b201~b", "ends a paste"),
    ],
)
def test_what_cannot_be_pasted_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(UsageFault, match=says):
        check_prompt(text)


def test_everything_else_is_pasted_as_it_is() -> None:
    odd = bytes(byte for byte in range(1, 256)) + b"\x1b[200~ 201~"
    assert check_prompt(odd) == odd
    assert check_prompt(b"x" * 1_000_000)


@pytest.mark.parametrize(
    ("after", "moved"),
    [
        (BOX, False),
        (["talk", "────", "❯ fix the bug", "  ", "────", "  hints"], False),  # a line more
        (["talk", "❯ fix the bug", "", "────", "❯", "────", "  hints"], True),
        (["talk", "────", "❯", "────", "  hints"], True),
        (["────", "❯ now: fix the bug", "────", "  hints"], True),
    ],
)
def test_a_prompt_is_seen_to_leave_the_input(after: list[str], moved: bool) -> None:
    mark = find_mark(BOX, b"please\nfix the bug")
    assert (mark.words, mark.height, mark.line) == ("bug", 3, "❯ fix the bug")
    assert has_moved(mark, after) is moved


def test_a_long_paste_is_found_folded() -> None:
    screen = ["❯ [Pasted text #2 +31 lines]", "────"]
    mark = find_mark(screen, b"x\n" * 30 + b"end")
    assert mark.words == "[Pasted text #2 +31 lines]"
    assert has_moved(mark, ["❯", "────"])
    assert not has_moved(mark, screen)


def test_what_is_not_shown_has_no_mark() -> None:
    assert find_mark(["Do you trust this folder?", "1. Yes"], b"fix the bug").words == ""
