from __future__ import annotations

import pytest

from cash.policy.certainty import MAYBE, NO, YES
from cash.policy.glob import UNKNOWN
from cash.policy.hosts import compile_host, compile_port, is_loopback, normalise_host
from cash.policy.hosts import test_host as match_host
from cash.policy.pattern import PatternError


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        ("github.com", "github.com", YES),
        ("github.com", "GitHub.COM.", YES),
        ("github.com", "api.github.com", NO),
        (".github.com", "api.github.com", YES),
        (".github.com", "a.b.github.com", YES),
        (".github.com", "github.com", YES),
        (".github.com", "evil-github.com", NO),
        (".github.com", "github.com.evil.example", NO),
        ("*.internal", "a.internal", YES),
        ("*.internal", "internal", NO),
        ("*", "anything.at.all", YES),
        ("10.0.0.0/8", "10.1.2.3", YES),
        ("10.0.0.0/8", "11.1.2.3", NO),
        ("10.0.0.0/8", "10.example.com", NO),
        ("127.0.0.1", "0x7f.1", YES),
        ("127.0.0.1", "2130706433", YES),
        ("127.0.0.1", "0177.0.0.1", YES),
        ("127.0.0.1", "::ffff:127.0.0.1", YES),
        ("::1", "[::1]", YES),
        ("fe80::/10", "fe80::1%eth0", YES),
        ("bücher.example", "xn--bcher-kva.example", YES),
        ("xn--bcher-kva.example", "BÜCHER.example", YES),
        (".github.com", UNKNOWN, MAYBE),
        (".github.com", UNKNOWN + ".example.org", NO),
        ("10.0.0.0/8", UNKNOWN, MAYBE),
    ],
)
def test_hosts(pattern: str, host: str, expected: int) -> None:
    assert match_host(normalise_host(host), (compile_host(pattern),)) == expected


@pytest.mark.parametrize("host", ["localhost", "a.localhost", "127.9.9.9", "0.0.0.0", "::1", "0"])
def test_this_machine(host: str) -> None:
    assert is_loopback(normalise_host(host))


@pytest.mark.parametrize("host", ["localhost.example.org", "128.0.0.1", "1.1.1.1.1", "0xg", "999"])
def test_not_this_machine(host: str) -> None:
    assert not is_loopback(normalise_host(host))


@pytest.mark.parametrize("source", ["https://x.example", "x.example/path", "10.0.0.0/99"])
def test_what_is_no_host(source: str) -> None:
    with pytest.raises(PatternError):
        compile_host(source)


def test_ports() -> None:
    found = compile_port("8000-8999")
    assert (found.first, found.last) == (8000, 8999)
    assert compile_port("443").last == 443
    for source in ("", "x", "0", "70000", "9-8", "1-"):
        with pytest.raises(PatternError):
            compile_port(source)
