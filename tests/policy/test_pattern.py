from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cash.policy.certainty import MAYBE, NO, YES
from cash.policy.glob import ANY, NAME, ONE, UNKNOWN, compile_glob, covers, make_glob, overlap
from cash.policy.pattern import NAMES, PatternError, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("install|i", "i", YES),
        ("install|i", "in", NO),
        ("npm*", "npm-cli", YES),
        ("npm*", "xnpm", NO),
        ("*foo*bar*", "a foo b bar c", YES),
        ("*foo*bar*", "a bar b foo c", NO),
        ("*aa*aa", "aaa", NO),
        ("?x", "ax", YES),
        ("?x", "x", NO),
        ("v[0-9]", "v7", YES),
        (r"\*", "*", YES),
        (r"\*", "x", NO),
        (r"a\|b", "a|b", YES),
        (r"a\|b", "a", NO),
        ("re:^v[0-9]+$", "v12", YES),
        ("re:^v[0-9]+$", "v12a", NO),
        ("re:rm|dd", "a dd b", YES),
        ("", "", YES),
        ("*", "", YES),
        ("*", UNKNOWN, YES),
        ("install", UNKNOWN, MAYBE),
        ("install", "in" + UNKNOWN, MAYBE),
        ("install", "un" + UNKNOWN, NO),
        ("-f*", UNKNOWN + "x", MAYBE),
        ("re:x", UNKNOWN, MAYBE),
    ],
)
def test_patterns(pattern: str, text: str, expected: int) -> None:
    assert compile_pattern(pattern, {}).test(text) == expected


def test_sets_and_names() -> None:
    sets = {"tools": ("eslint", "$linters"), "linters": ("biome*",)}
    pattern = compile_pattern(["$tools", "x"], sets)
    assert [pattern.test(one) for one in ("eslint", "biome2", "x", "$tools")] == [YES, YES, YES, NO]
    bound = compile_pattern("agent/$agent|${branch}", {}, names=NAMES).bind(
        {"agent": "al*", "branch": "b"}
    )
    assert [bound.test(one) for one in ("agent/al*", "b", "agent/alice")] == [YES, YES, NO]


@pytest.mark.parametrize(
    ("source", "message", "at"),
    [
        ("a||b", "an empty alternative", 2),
        ("a|", "an empty alternative", 2),
        ("x$agnt", "unknown name $agnt", 1),
        ("x|y${home}", "$home cannot stand here", 3),
        ("re:(ab", "bad regular expression: missing ): (ab", 3),
        ("re:a[z-b]c", "bad regular expression: invalid character class range: z-b", 5),
        ("re:" + "a" * 600, "a regular expression of 600 characters (at most 512)", 0),
        ("re:" + "(a{900}){900}", "bad regular expression", None),
    ],
)
def test_mistakes_have_a_place(source: str, message: str, at: int | None) -> None:
    with pytest.raises(PatternError) as caught:
        compile_pattern(source, {})
    assert caught.value.message.startswith(message)
    if at is not None:
        assert caught.value.at == at


def test_regexes_take_linear_time() -> None:
    assert compile_pattern("re:^(a+)+$", {}).test("a" * 50_000 + "b") == NO


_PIECES = st.lists(st.sampled_from(["a", "b", "/", ONE, NAME, ANY]), max_size=7).map("".join)
_TEXTS = st.text("ab/", max_size=6)


def _fits(glob: str, text: str) -> bool:
    """The meaning of a glob, by trying everything."""
    if not glob:
        return not text
    head, rest = glob[0], glob[1:]
    if head in (NAME, ANY):
        allowed = len(text) if head == ANY else len(text.split("/")[0])
        return any(_fits(rest, text[cut:]) for cut in range(allowed + 1))
    if not text or (text[0] != head and head != ONE) or (head == ONE and text[0] == "/"):
        return False
    return _fits(rest, text[1:])


@given(_PIECES, _TEXTS)
def test_a_glob_fits_what_it_means(glob: str, text: str) -> None:
    expected = _fits(glob, text)
    assert overlap(glob, text) == expected
    if not set(glob).isdisjoint((ONE, NAME, ANY)):
        assert make_glob(glob).fits(text) == expected


@given(_PIECES, _PIECES, _TEXTS)
def test_overlap_finds_every_common_text(left: str, right: str, text: str) -> None:
    assert overlap(left, right) == overlap(right, left)
    if _fits(left, text) and _fits(right, text):
        assert overlap(left, right)


@given(_PIECES, _PIECES, _TEXTS)
def test_what_is_covered_fits(pattern: str, glob: str, text: str) -> None:
    if covers(pattern, glob) and _fits(glob, text):
        assert _fits(pattern, text)


def test_long_texts_are_settled() -> None:
    glob = make_glob(compile_glob("*import os*system(*", star=ANY))
    assert glob.fits("import os\n" + "x" * 60_000 + "os.system(1)")
    assert not glob.fits("x" * 60_000)
    assert overlap(NAME * 900 + "b", "a" * 1000) is False
