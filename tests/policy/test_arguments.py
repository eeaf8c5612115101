from __future__ import annotations

from typing import Any

import pytest
from rules import outcome, rule_of


@pytest.mark.parametrize(
    ("keys", "line", "expected"),
    [
        # positional arguments
        ({"args": ["install|i", "..."]}, "npm i", "deny"),
        ({"args": ["install|i", "..."]}, "npm install x y", "deny"),
        ({"args": ["install|i"]}, "npm install x", "pass"),
        ({"args": ["install", "*"]}, "npm install x", "deny"),
        ({"args": ["install", "*"]}, "npm install", "pass"),
        ({"args": ["...", "x"]}, "npm a b x", "deny"),
        ({"args": ["a", "...", "b", "..."]}, "npm a q b q", "deny"),
        ({"args": ["a", "...", "b"]}, "npm a q b q", "pass"),
        ({"args": [["a", "..."], ["b"]]}, "npm b", "deny"),
        ({"args": ["install", "..."]}, "npm --prefix x install", "deny"),
        ({"args": ["install", "..."]}, "npm --silent run install", "pass"),
        ({"args": ["install", "..."]}, "npm -- install", "deny"),
        ({"args": ["install", "..."]}, "npm {install,x}", "deny"),
        ({"args": ["install", "..."]}, "npm in\\stall", "deny"),
        ({"args": ["install", "..."]}, "npm 'inst'\"all\"", "deny"),
        ({"args": ["install", "..."]}, "npm $VERB", "pass"),
        ({"args": ["install", "..."], "unknown": "ask"}, "npm $VERB", "ask"),
        ({"args": ["install", "..."], "unknown": "ask"}, 'npm "in$X"', "ask"),
        ({"args": ["install", "..."], "unknown": "ask"}, 'npm "un$X"', "pass"),
        ({"args": ["install", "..."], "unknown": "ask"}, "npm $A install", "ask"),
        ({"args": ["install", "..."], "unknown": "ask"}, 'npm "$A" install', "ask"),
        # flags
        ({"flags": ["-r"]}, "rm -rf x", "deny"),
        ({"flags": ["-r"]}, "rm -f x", "pass"),
        ({"flags": ["-r"]}, "rm -R x", "deny"),
        ({"flags": ["-r"]}, "rm --recursive x", "deny"),
        ({"flags": ["--recursive"]}, "rm -fr x", "deny"),
        ({"flags": ["-r"]}, "rm --recurs x", "deny"),
        ({"flags": ["-r"]}, "rm -- -r", "pass"),
        ({"flags": ["-r"]}, "rm $FLAGS x", "pass"),
        ({"flags": ["-r"], "unknown": "ask"}, "rm $FLAGS x", "ask"),
        ({"flags": ["-r"], "unknown": "ask"}, 'rm "$FILE"', "pass"),
        ({"flags": ["-r"], "unknown": "ask"}, "rm -$X y", "ask"),
        ({"flags": {"all": ["-r", "-f"]}}, "rm -r x", "pass"),
        ({"flags": {"all": ["-r", "-f"]}}, "rm -r x -f", "deny"),
        ({"flags": {"all": [["-r", "-d"], "-f"]}}, "rm -df", "deny"),
        ({"flags": {"all": [["-r", "-d"], "-f"]}}, "rm -f", "pass"),
        ({"flags": {"none": ["-i"]}}, "rm -i x", "pass"),
        ({"flags": {"none": ["-i"]}}, "rm x", "deny"),
        ({"flags": {"only": ["-f"]}}, "rm -f x", "deny"),
        ({"flags": {"only": ["-f"]}}, "rm -rf x", "pass"),
        ({"flags": {"only": []}}, "rm x", "deny"),
        ({"flags": ["-o"]}, "curl -sofile x", "deny"),
        ({"flags": ["-f"]}, "curl -sofile x", "pass"),
        ({"flags": ["--output=*.sh"]}, "curl -o a.sh x", "deny"),
        ({"flags": ["--output=*.sh"]}, "curl -oa.sh x", "deny"),
        ({"flags": ["--output=*.sh"]}, "curl --output=a.sh x", "deny"),
        ({"flags": ["--output=*.sh|*.py"]}, "curl --output a.py x", "deny"),
        ({"flags": ["--output=*.sh"]}, "curl -o a.txt x.sh", "pass"),
        ({"flags": ["--output=*.sh"], "unknown": "ask"}, 'curl -o "$F" x', "ask"),
        ({"flags": ["-exec*"]}, "find . -execdir x ;", "deny"),
        ({"flags": ["-delete"]}, "find . -name -delete", "pass"),
        ({"flags": ["-e"]}, "find . -regex x", "pass"),
        # names
        ({"args": ["agent-$agent", "..."]}, "npm agent-alice", "deny"),
        ({"args": ["agent-$agent", "..."]}, "npm agent-bob", "pass"),
        ({"text": "* of $branch"}, "npm of agent/alice", "deny"),
        ({"text": "* of $branch"}, "npm of main", "pass"),
    ],
)
def test_arguments(keys: dict[str, Any], line: str, expected: str) -> None:
    assert outcome(rule_of(program="npm|rm|curl|find", **keys), line) == expected


def test_a_file_tells_how_its_programs_read_flags() -> None:
    keys = {"program": "deploy", "args": ["production", "..."]}
    taught = rule_of(**keys, programs={"deploy": {"values": ["--region"]}})
    assert outcome(taught, "deploy --region eu production") == "deny"
    assert outcome(taught, "deploy --dry production") == "deny"
    assert outcome(taught, "deploy --dry staging production") == "pass"
    # Of a program nobody described, a word behind a flag may be its value.
    assert outcome(rule_of(**keys), "deploy --dry staging production") == "deny"


def test_of_an_unknown_program_a_word_may_be_one_flag_or_several() -> None:
    assert outcome(rule_of(program="tool", flags=["-auto-approve"]), "tool -auto-approve") == "deny"
    assert outcome(rule_of(program="tool", flags=["-a"]), "tool -xa") == "deny"


def test_an_allow_takes_nothing_for_granted() -> None:
    allowing = rule_of(
        on="git", program="git", operation="log", flags={"only": ["-n"]}, decide="allow"
    )
    expected = {
        "git log -n 3": "allow",
        "git log --output=x": "pass",
        "git log $X": "pass",
        "git $V": "pass",
        "V=log; git $V": "pass",
        "./git log": "pass",
    }
    assert {line: outcome(allowing, line) for line in expected} == expected


def test_thousands_of_variables_cost_no_tree_of_guesses() -> None:
    policy = rule_of(program="npm", args=["a", "b", "...", "c", "d"], unknown="ask")
    assert outcome(policy, "npm " + "$A " * 3000 + "z") == "pass"
    assert outcome(policy, "npm a " + "$A " * 3000 + "c d") == "ask"
