"""What a change makes of a file's content, and how files are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.faults import UsageFault
from cash.guard.change import Append, Replace, Write, content_after
from cash.guard.naming import name_in_tree, shown

_TREE = "/home/ada/tree"


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (Write(b"b"), None, b"b"),
        (Write(b""), b"a", b""),
        (Append(b"b"), None, b"b"),
        (Append(b"b"), b"a", b"ab"),
        (Replace(b"b", b"x\0y"), b"abc", b"ax\0yc"),
        (Replace(b"abc", b""), b"abc", b""),
        (Replace(b"\n", b"\r\n"), b"a\nb", b"a\r\nb"),
    ],
)
def test_the_content_afterwards(
    change: Write | Append | Replace, before: bytes | None, after: bytes
) -> None:
    assert content_after(change, before, "x") == after


@pytest.mark.parametrize(
    ("change", "before", "said"),
    [
        (Replace(b"a", b"b"), None, "x is not there"),
        (Replace(b"", b"b"), b"a", "there is no text to replace"),
        (Replace(b"a", b"b"), b"b", "the text does not stand in x"),
        (Replace(b"a", b"b"), b"aba", "the text stands in x more than once"),
        (Replace(b"aa", b"b"), b"aaa", "the text stands in x more than once"),
        (Append(b"y" * (33 << 20)), b"x" * (32 << 20), "x would have more than 64 MB"),
    ],
)
def test_what_cannot_be_changed_is_said(
    change: Append | Replace, before: bytes | None, said: str
) -> None:
    with pytest.raises(UsageFault) as fault:
        content_after(change, before, "x")
    assert fault.value.message == said


@given(st.binary(max_size=20), st.binary(min_size=1, max_size=3), st.binary(max_size=5))
def test_a_replacement_changes_the_one_place_or_nothing(
    before: bytes, old: bytes, new: bytes
) -> None:
    places = [at for at in range(len(before)) if before.startswith(old, at)]
    try:
        after = content_after(Replace(old, new), before, "x")
    except UsageFault:
        assert len(places) != 1
    else:
        (at,) = places
        assert after == before[:at] + new + before[at + len(old) :]


@pytest.mark.parametrize(
    ("path", "cwd", "named"),
    [
        ("a", _TREE, "a"),
        ("a", f"{_TREE}/src", "src/a"),
        ("./a//b", _TREE, "a/b"),
        ("src/../a", _TREE, "a"),
        ("../a", f"{_TREE}/src", "a"),
        (f"{_TREE}/src/a", "/", "src/a"),
        ("-rf", _TREE, "-rf"),
        (".gitignore", _TREE, ".gitignore"),
        ("a\nb\udcff", _TREE, "a\nb\udcff"),
        ("README", _TREE, "README"),
        ("Readme", _TREE, "Readme"),  # twins in case are two files
    ],
)
def test_names_are_put_in_one_spelling(path: str, cwd: str, named: str) -> None:
    assert name_in_tree(path, cwd, _TREE) == named


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("", "a file needs a name"),
        ("a\0b", "a file's name cannot hold a NUL"),
        (".", ". is a folder"),
        ("src/", "src/ is a folder"),
        ("src/..", "src/.. is a folder"),
        (_TREE, "/home/ada/tree is outside the tree"),
        ("../x", "../x is outside the tree"),
        ("../tree2/x", "../tree2/x is outside the tree"),
        ("src/../../x", "src/../../x is outside the tree"),
        ("/etc/passwd", "/etc/passwd is outside the tree"),
        ("/etc/a\nb\udcff", "/etc/a\\nb\\udcff is outside the tree"),
        (".git/config", ".git/config is git's own"),
        ("sub/.git", "sub/.git is git's own"),
        ("x" * 256, "x" * 60 + "… is too long a name"),
        ("é" * 128, "é" * 60 + "… is too long a name"),
        ("/".join(["x" * 200] * 21), "x" * 60 + "… is too long a name"),
    ],
)
def test_what_is_no_file_of_the_tree_is_said_in_one_line(path: str, said: str) -> None:
    with pytest.raises(UsageFault) as fault:
        name_in_tree(path, _TREE, _TREE)
    assert fault.value.message == said
    assert "\n" not in fault.value.message


@given(st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace").decode()))
def test_a_name_never_leads_out(path: str) -> None:
    try:
        found = name_in_tree(path, _TREE, _TREE)
    except UsageFault:
        return
    assert not found.startswith("/")
    assert ".." not in found.split("/")
    assert name_in_tree(found, _TREE, _TREE) == found


def test_any_name_is_shown_on_one_line() -> None:
    assert shown("a\x1b[2J\n\udcffé") == "a\\x1b[2J\\n\\udcffé"
