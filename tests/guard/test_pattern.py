"""What globs name, and whether two of them meet: by tables, and beside every short path."""

from __future__ import annotations

import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.guard.pattern import (
    Pattern,
    Unreadable,
    find_common,
    of_path,
    overlap,
    read_pattern,
)


def _read(text: str) -> Pattern:
    return read_pattern(tuple(text.split(" ")))


@pytest.mark.parametrize(
    ("globs", "path", "fits"),
    [
        ("src/**", "src/a.py", True),
        ("src/**", "src/a/b.py", True),
        ("src/**", "src", True),
        ("src/**", "srcs", False),
        ("src/**", "srcs/a", False),
        ("src/", "src/a", True),
        ("src/*", "src/a/b", False),
        ("src/*", "src/.a", True),
        ("**/x", "x", True),
        ("**/x", "a/b/x", True),
        ("**/x", "ax", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "ab", False),
        ("a/**/b", "a/xb", False),
        ("a/**/**", "a/b", True),
        ("**", "a", True),
        ("**/**", "a/b", True),
        ("a**b", "axxb", True),
        ("a**b", "a/b", False),
        ("?", "/", False),
        ("a?c", "abc", True),
        ("[a-c]x", "bx", True),
        ("[a-c]x", "dx", False),
        ("[!a-c]x", "dx", True),
        ("[^a-c]x", "ax", False),
        ("a[!x]b", "a/b", False),
        ("a[.-0]b", "a/b", False),
        ("[]]", "]", True),
        ("[!]]", "]", False),
        ("[a-]", "-", True),
        ("app/[id]/p", "app/[id]/p", True),
        ("app/[id]/p", "app/i/p", True),
        (r"app/\[id\]/p", "app/[id]/p", True),
        (r"app/\[id\]/p", "app/i/p", False),
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"\!a", "!a", True),
        ("src/** !src/gen/**", "src/a", True),
        ("src/** !src/gen/**", "src/gen/a", False),
        ("!src/gen/** src/**", "src/gen/a", False),
        ("a\n*", "a\nb", True),
        ("README.md", "readme.md", False),
    ],
)
def test_what_a_glob_names(globs: str, path: str, fits: bool) -> None:
    assert _read(globs).fits(path) is fits


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("src/**", "src/*.py", True),
        ("src/**", "**/x", True),
        ("src/*.py", "src/*.ts", False),
        ("src/a*", "src/*b", True),
        ("*.py", "src/*.py", False),
        ("**/*.py", "src/*.py", True),
        ("**/x", "x", True),
        ("a/*/c", "a/b/*", True),
        ("a/*/c", "a/*", False),
        ("a/**/c", "a/*", True),
        ("src/[a-c]*", "src/[!a-c]*", False),
        ("src/[a-c]*", "src/[c-e]*", True),
        ("src/** !src/gen/**", "src/gen/*.py", False),
        ("src/** !src/gen/**", "src/g*/x", True),
        ("src/** !src/*", "src/*", False),
        ("** !a/**", "a", False),
        ("a/* !a/?*", "a/*", False),
        ("a", "a/**", True),
        ("a/b", "a", False),
        ("aa*", "a?", True),
        ("ab*", "a?", True),
        ("abc*", "a?", False),
    ],
)
def test_whether_two_meet(one: str, other: str, meet: bool) -> None:
    assert overlap(_read(one), _read(other)) is meet
    assert overlap(_read(other), _read(one)) is meet


@pytest.mark.parametrize(
    ("glob", "says"),
    [
        ("", "no path below"),
        ("/etc/passwd", "no path below"),
        ("a//b", "no path below"),
        ("../x", "no path below"),
        ("a/./b", "no path below"),
        ("a\0b", "a NUL"),
        ("[a", "without its ]"),
        ("[b-a]", "is empty"),
        ("a\\", "a backslash"),
        ("!a", "there are no others"),
        ("a" * 256, "longer than 255"),
    ],
)
def test_what_is_no_glob(glob: str, says: str) -> None:
    with pytest.raises(Unreadable, match=re.escape(says)):
        read_pattern((glob,))


def test_more_globs_than_anybody_needs() -> None:
    with pytest.raises(Unreadable, match="more than 64"):
        read_pattern(tuple(f"{number}*" for number in range(65)))


def test_what_would_take_others_long_is_no_glob() -> None:
    dense = tuple(f"**/{'*[!b]' * 10}{'*?' * 70}Z{number}" for number in range(64))
    with pytest.raises(Unreadable, match="reserve a folder"):
        read_pattern(dense)
    assert read_pattern(tuple(f"**/{'*' * 240}Z{number}" for number in range(64))).size < 500
    assert read_pattern((f"**/{'*' * 240}x",)).fits("a/bx")


def test_how_long_it_is_looked_for_does_not_follow_what_is_asked() -> None:
    one = read_pattern(("lk/**", "**/*[a-c]??"))
    other = read_pattern(tuple(f"**/*[a-c]{'?' * 12}{'*[!c]?' * 8}Z{at}" for at in range(12)))
    spent = time.process_time()
    assert overlap(one, other)
    assert time.process_time() - spent < 5  # minutes, when only states were counted


def test_a_path_is_whatever_its_name_is() -> None:
    for name in ("a*", "[id]", "!x", "a\\b", "new\nline", "\udcff"):
        assert of_path(name).fits(name)
        assert overlap(of_path(name), _read("**"))
    assert not of_path("a*").fits("ab")


def test_what_cannot_be_told_in_time_is_taken_for_yes() -> None:
    stars = "*a" * 30
    nearly = read_pattern((f"{'?' * 100}{stars}b",))
    assert overlap(nearly, read_pattern((f"{stars}{'?' * 120}*c",))) is True


# Beside every path of up to six characters, by a matcher that is nothing but a regular expression.

_PATHS = [
    text
    for length in range(1, 7)
    for text in map("".join, itertools.product("ab/", repeat=length))
    if "//" not in text and text[0] != "/" and text[-1] != "/"
]


def _as_regex(glob: str) -> str:
    out = ""
    for name in glob.split("/"):
        if name == "**":
            out += "(?:.*/)?"
            continue
        for part in re.findall(r"\[!?[ab]+\]|.", name):
            simple = {"*": "[^/]*", "?": "[^/]"}.get(part)
            out += simple or (part.replace("[!", "[^/") if part[0] == "[" else re.escape(part))
        out += "/"
    if glob == "**" or glob.endswith("/**"):
        # The folder itself, or anything below it.
        return out.removesuffix("(?:.*/)?").removesuffix("/") + (
            "(?:/.*)?" if "/" in glob else ".*"
        )
    return out.removesuffix("/")


_parts = st.lists(st.sampled_from(["a", "b", "*", "?", "[ab]", "[!a]"]), min_size=1, max_size=3)
_names = st.one_of(_parts.map("".join).filter(lambda name: "**" not in name), st.just("**"))
_globs = st.lists(_names, min_size=1, max_size=3).map("/".join).filter(lambda g: "**/**" not in g)
_patterns = st.tuples(st.lists(_globs, min_size=1, max_size=2), st.lists(_globs, max_size=1)).map(
    lambda both: (*both[0], *(f"!{one}" for one in both[1]))
)


def _named(sources: tuple[str, ...]) -> set[str]:
    def paths(globs: list[str]) -> set[str]:
        regex = re.compile("|".join(f"(?:{_as_regex(one)})" for one in globs) or "(?!)")
        return {path for path in _PATHS if regex.fullmatch(path)}

    included = [one for one in sources if one[0] != "!"]
    return paths(included) - paths([one[1:] for one in sources if one[0] == "!"])


@given(_patterns)
def test_it_names_what_the_regular_expression_does(sources: tuple[str, ...]) -> None:
    pattern = read_pattern(sources)
    assert {path for path in _PATHS if pattern.fits(path)} == _named(sources)


@given(_patterns, _patterns)
def test_two_meet_where_some_path_is_of_both(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    left, right = read_pattern(one), read_pattern(other)
    short = _named(one) & _named(other)
    found = find_common(left, right)
    if found is None:
        assert not short
    else:  # a path that shows it, also where it is a longer one
        assert left.fits(found)
        assert right.fits(found)
        assert "//" not in f"/{found}/"
    assert overlap(left, right) is (found is not None)
    assert overlap(left, right) is overlap(right, left)
