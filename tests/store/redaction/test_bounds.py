"""Redaction holds for whatever text comes: it never raises, comes to rest, and takes its time in
proportion to the text."""

from __future__ import annotations

import gc
import time
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cash.store.redaction import names, redact_argv, redact_body, redact_environment, redact_text
from cash.store.redaction.flags import LAST_WORD, NAMES_ONLY, PROGRAMS
from cash.store.redaction.shapes import SHAPES

_PIECES = [
    *("password", "--password", "--token=", "TOKEN=", "PASSWORD='", 'API_KEY="', "secret:", "-p"),
    *("mysql ", "curl -u ", "docker login ", "set ", "git config ", "echo ", " | sudo -S ", "<<< "),
    *("authorization: bearer ", "Cookie: ", "https://", "a:b@", "eyJhbGciOiJIUzI1NiJ9.abcdefgh"),
    *("ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "AKIAIOSFODNN7EXAMPLE", "${TOKEN:-", "}"),
    *(
        "[redacted:token]",
        "[redacted:",
        "]",
        "$(",
        ")",
        "`",
        "\\",
        "'",
        '"',
        " ",
        "\n",
        "=",
        ":",
        ",",
    ),
    *(
        "&",
        ";",
        "|",
        "-",
        "--",
        "$X",
        "***",
        "hunter2",
        "3f786850e387550fdab836ed7e6dc881",
        "\udc80",
    ),
    *(
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "{",
        '"password": "',
        "\0",
    ),
]
_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=80),
    st.lists(st.sampled_from(_PIECES), max_size=14).map("".join),
)


@settings(max_examples=1500, deadline=None)
@given(_TEXTS)
def test_redacting_again_changes_nothing(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


@settings(max_examples=700, deadline=None)
@given(st.lists(_TEXTS, max_size=6))
def test_redacting_words_again_changes_nothing(argv: list[str]) -> None:
    once = redact_argv(argv)
    assert len(once) == len(argv)
    assert redact_argv(once) == once
    environment = dict(zip(argv, reversed(argv), strict=True))
    calm = redact_environment(environment)
    assert redact_environment(calm) == calm
    body = redact_body({"argv": argv, "environment": environment, "line": " ".join(argv)})
    assert redact_body(body) == body


@settings(max_examples=500, deadline=None)
@given(
    st.text("abcdefghijkmnopqrstuvwxyzABCDEFGH0123456789+/_~", min_size=7, max_size=40).map(
        "q7{}".format
    ),
    st.sampled_from(
        [
            "mysql -u root -p'{}' shop",
            "curl -u 'alice:{}' https://example.com",
            "PASSWORD='{}' make",
            "PASSWORD={} make",
            'deploy --password "{}"',
            "deploy --client-secret={} --region eu",
            "curl -H 'X-Auth-Token: {}' https://example.com",
            "bash -c \"mysql -p'{}' shop\"",
            "echo '{}' | docker login --password-stdin",
        ]
    ),
)
def test_a_secret_never_stays(secret: str, line: str) -> None:
    assert secret not in redact_text(line.format(secret)).replace("[redacted:", "")


_REPEATED = [
    *(
        "a",
        "a ",
        "a=",
        "a=b,",
        "token=",
        "token=a,b=",
        "--token ",
        "curl ",
        "curl -u a:b ",
        "{",
        "(",
    ),
    *(
        "docker login -p x ",
        "vault login ",
        "eyJa-",
        "eyJaaaaaaaaaa.",
        "sk-",
        "xoxb-",
        "://",
        "://a:",
    ),
    *(
        "authorization: bearer ",
        '"token": "',
        '\\"token\\":',
        "'a: ",
        "${TOKEN:-",
        "****",
        "PASSWORD=***",
    ),
    *(
        "a.a.",
        "[redacted:token]",
        "[redacted:",
        "echo a | sudo -S ",
        "'\"",
        "$'",
        "\0",
        "-",
        "set token a ",
    ),
    *(
        "-----BEGIN RSA PRIVATE KEY-----",
        "PuTTY-User-Key-File-2",
        "MNO",
        "12345678:",
        "\na: ",
        ",a",
    ),
]


@pytest.mark.parametrize("piece", _REPEATED)
def test_time_is_in_proportion(piece: str) -> None:
    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        # The collector looks at all that a whole session has made, each time some is added.
        gc.disable()
        try:
            began = time.thread_time()
            redact_text(text)
            redact_argv([text])
            return time.thread_time() - began
        finally:
            gc.enable()

    # A quadratic search takes 64 times as long for 8 times the text, a linear one 8 times; the
    # least disturbed of several turns of each, because other work slows the clock as well.
    for _ in range(5):
        shorter = min(seconds(1 << 14) for _ in range(2))
        longer = min(seconds(1 << 17) for _ in range(2))
        if longer <= 24 * max(shorter, 0.02):
            return
    raise AssertionError(f"{longer:.3f} s for 8 times the text of {shorter:.3f} s")


def test_a_megabyte_is_redacted_in_seconds() -> None:
    line = "curl -fsSL https://example.com/a.zip -o a.zip && PASSWORD=hunter2 make test; "
    text = (line * (1 << 20))[: 1 << 20]
    began = time.thread_time()
    assert "hunter2" not in redact_text(text)
    assert time.thread_time() - began < 20


def test_every_hint_stands_in_what_its_shape_finds() -> None:
    # A hint that a match lacks would switch the shape off: they are literal parts of it.
    for shape in SHAPES:
        assert shape.hints
        assert all(hint == hint.lower() for hint in shape.hints), shape.kind


@pytest.mark.parametrize("program", sorted({*PROGRAMS, *LAST_WORD, *NAMES_ONLY}))
def test_no_program_is_missed_by_the_quick_look(program: str) -> None:
    for option in PROGRAMS.get(program, ()):
        value = f"pass:x{option.behind}zzqqzz"
        parts = [program, option.when, option.flag, value]
        if option.form == "attached":
            parts[2:] = [option.flag + value]
        assert "zzqqzz" not in redact_text(" ".join(part for part in parts if part)), parts


_NAMES = sorted(
    {
        *(*names._STRONG, *names._STRONG_ENDS, *names._WEAK, "secret_id"),
        *(f"{first}_{second}" for first, second in names._STRONG_PAIRS),
    }
)


@pytest.mark.parametrize("name", [one.upper() for one in _NAMES])
def test_no_name_is_missed_by_the_quick_look(name: str) -> None:
    # Its value is short, and looks like nothing that is known.
    environment = {name: "q4Kx9R2mW6tB8uJ3h"}
    redacted = redact_environment(environment)
    assert bool(names.judge_name(name)[0]) == (redacted != environment)
    assert redact_body({"environment": MappingProxyType(environment)}) == {"environment": redacted}
