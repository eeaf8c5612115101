"""Policies made in a test from a few keys, and lines judged by them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from cash.policy.action import Action
from cash.policy.actions import actions_of
from cash.policy.context import Context
from cash.policy.examples import USUAL
from cash.policy.judge import judge_line
from cash.policy.load import Layer, load_policy
from cash.policy.policy import Policy
from cash.policy.scripts import Scripts
from cash.policy.verdict import Verdict
from cash.syntax import read
from cash.syntax.command import Line

Keys = Mapping[str, Any]


def read_nested(text: str) -> Line:
    """A line read by one reader: tests here are of rules, not of readers."""
    return read(text, entry=False)


def policy_of(*rules: Keys, **keys: Any) -> Policy:
    """Rules from their keys; reason and an example are filled in. keys: of the file."""
    filled = [
        {"reason": "r", "examples": {"pass": ["no-such-program"]}, **rule}
        if "override" not in rule
        else {"reason": "r", **rule}
        for rule in rules
    ]
    text = yaml.safe_dump({"version": "1", "rules": filled, **keys})
    handle, name = tempfile.mkstemp(suffix=".yaml")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    try:
        return load_policy([Layer("test", (Path(name),))])
    finally:
        os.unlink(name)


def rule_of(**keys: Any) -> Policy:
    """A policy of one rule, which denies if nothing else is said."""
    named = {key.rstrip("_"): value for key, value in keys.items() if key not in _FILE}
    effect = {} if {"decide", "rewrite"} & named.keys() else {"decide": "deny"}
    file = {key: value for key, value in keys.items() if key in _FILE}
    return policy_of({"id": "rule", **effect, **named}, **file)


_FILE = ("sets", "programs")


def judge(policy: Policy, text: str, **changed: Any) -> Verdict:
    """The verdict on a line in the usual context, with some of it changed."""
    context: Context = replace(USUAL, **changed)
    return judge_line(policy, read_nested(text), context, read=read_nested)


def outcome(policy: Policy, text: str, **changed: Any) -> str:
    """What the policy's own rules say of a line: a decision's word, or pass."""
    matches = [
        one for one in judge(policy, text, **changed).matches if one.rule in {"rule", "a", "b"}
    ]
    return matches[0].decision.word if matches else "pass"


def actions(text: str, **changed: Any) -> tuple[Action, ...]:
    """The actions of a line in the usual context; scripts in it are read."""
    known: dict[str, Line] = {}
    while True:
        scripts = Scripts(known)
        found = actions_of(read_nested(text), replace(USUAL, **changed), scripts)
        if not scripts.unread:
            return found
        known.update({one: read_nested(one) for one in scripts.unread})
