"""The words that reach bash are the words that were judged, whatever they hold."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cash.faults import Fault
from cash.shell.resident import open_channel, quote

_TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=("Cs",))
    | st.sampled_from("'\\\n\t\"$`!\udce9\udcff"),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(_TEXT)
@example("\\")
@example("a\\'b\nc\\n$'x'\r\x01\udcff")
def test_quoted_text_is_one_word_on_one_line(text: str) -> None:
    quoted = quote(text)
    assert "\n" not in quoted
    script = f"printf %s {quoted}".encode("utf-8", "surrogateescape")
    ended = subprocess.run([b"bash", b"-c", script], capture_output=True, check=True)
    assert ended.stdout == text.encode("utf-8", "surrogateescape")


def test_a_nul_is_refused() -> None:
    with pytest.raises(Fault):
        quote("a\0b")


def test_what_runs_inside_cannot_open_bashs_own_channel() -> None:
    # A process of the same uid could open a pipe again by /proc/PID/fd, and type into it.
    ours, theirs = open_channel()
    try:
        with pytest.raises(OSError, match="No such device"):
            os.open(f"/proc/self/fd/{theirs}", os.O_WRONLY)
    finally:
        os.close(ours)
        os.close(theirs)
