from __future__ import annotations

import pytest
from rules import actions, judge, outcome, policy_of, rule_of

from cash.policy.action import Connect
from cash.policy.verdict import Level


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("curl https://a.example/x", [("a.example", 443)]),
        ("curl -s a.example:81/x", [("a.example", 81)]),
        ("curl -d @f -H 'X: https://no.example' http://a.example", [("a.example", 80)]),
        ("curl https://user:p@ss@a.example/", [("a.example", 443)]),
        ("curl 'https://good.example\\@evil.example/'", [("good.example", 443)]),
        ("curl -x proxy.example:3128 http://[::1]:8080/", [("::1", 8080), ("proxy.example", 3128)]),
        (
            "curl --connect-to a.example:443:b.example:8443 https://a.example",
            [("a.example", 443), ("b.example", 8443)],
        ),
        ("curl $URL", []),
        ("curl https://$HOST/x", []),
        ("curl file:///etc/passwd", []),
        ("wget -O- ftp://a.example/x", [("a.example", 21)]),
        ("git clone git@a.example:x/y.git", [("a.example", 22)]),
        ("git clone https://a.example/x.git z", [("a.example", 443)]),
        ("git push ssh://git@a.example:2222/x main", [("a.example", 2222)]),
        ("git fetch polis::hub", []),
        ("git status", []),
        ("ssh -p 2222 user@a.example ls", [("a.example", 2222)]),
        ("ssh -J j.example a.example", [("a.example", 22), ("j.example", 22)]),
        ("scp f a.example:/x", [("a.example", 22)]),
        ("rsync -a x/ u@a.example:y", [("a.example", 22)]),
        ("nc -w 3 a.example 99", [("a.example", 99)]),
        ("nc -l 99", []),
        ("socat - TCP:a.example:99,retry", [("a.example", 99)]),
        ("echo > /dev/tcp/a.example/99", [("a.example", 99)]),
        ("pip install -i https://a.example/simple x", [("a.example", 443)]),
        ("pip install git+https://a.example/x", [("a.example", 443)]),
        ("npm install x", []),
        ("ssh a.example curl https://b.example", [("a.example", 22)]),
        ("curl a.example a.example", [("a.example", 80)]),
    ],
)
def test_connects(line: str, expected: list[tuple[str, int]]) -> None:
    found = [(one.host, one.port) for one in actions(line) if isinstance(one, Connect)]
    assert found == expected


def test_a_named_remote_is_where_it_points() -> None:
    from dataclasses import replace

    from cash.policy.examples import USUAL

    facts = replace(USUAL.facts, git_config={"remote.origin.url": "https://a.example/x"})
    found = [one for one in actions("git push", facts=facts) if isinstance(one, Connect)]
    assert [(one.host, one.port) for one in found] == [("a.example", 443)]


def test_what_polisd_reaches_itself_connects_from_nowhere() -> None:
    from dataclasses import replace

    from cash.policy.examples import USUAL

    facts = replace(USUAL.facts, carried=frozenset(("git@a.example:x.git",)))
    line = "git clone git@a.example:x.git; git clone git@a.example:x.git2"
    found = [one for one in actions(line, facts=facts) if isinstance(one, Connect)]
    assert [one.command.argv[2].text for one in found if one.command] == ["git@a.example:x.git2"]


def test_rules_of_connections() -> None:
    policy = rule_of(on="connect", host=[".example.org", "10.0.0.0/8"], port=["443", "8000-8999"])
    expected = {
        "curl https://API.example.org": "deny",
        "curl https://evil-example.org": "pass",
        "curl http://api.example.org": "pass",
        "curl http://10.9.8.7:8080": "deny",
        "curl http://0xa.1:8080": "deny",
    }
    assert {line: outcome(policy, line) for line in expected} == expected


def test_a_new_host_follows_the_level() -> None:
    policy = policy_of(
        {"id": "a", "on": "connect", "host": ".example.org", "decide": "allow"},
    )
    expected = {
        (Level.RELAXED, "curl https://new.example"): "allow",
        (Level.BALANCED, "curl https://new.example"): "ask",
        (Level.OBSERVE, "curl https://new.example"): "allow",
        (Level.BALANCED, "curl https://a.example.org"): "allow",
        (Level.BALANCED, "curl http://127.0.0.1:3000"): "allow",
        (Level.BALANCED, "curl http://localhost:3000"): "allow",
    }
    found = {key: judge(policy, key[1], level=key[0]).decision.word for key in expected}
    assert found == expected
    strict = judge(policy, "curl https://new.example", level=Level.STRICT)
    assert [one.rule for one in strict.matches] == ["new-host", "unnamed-program"]


def test_where_the_agents_own_cli_is_served_is_nothing_new() -> None:
    policy = policy_of(
        {"id": "a", "on": "connect", "host": "ruled.example", "decide": "deny"},
    )
    expected = {
        "curl https://own.example": "allow",
        "curl https://OWN.example./": "allow",
        "curl http://own.example": "ask",
        "curl https://x.own.example": "ask",
        "curl https://own.example.org": "ask",
        "curl https://own.example https://new.example": "ask",
        "curl https://ruled.example": "deny",
    }
    hosts = frozenset(("own.example", "ruled.example"))
    found = {line: judge(policy, line, hosts=hosts).decision.word for line in expected}
    assert found == expected
    strict = judge(policy, "curl https://own.example", hosts=hosts, level=Level.STRICT)
    assert "new-host" not in [one.rule for one in strict.matches]
