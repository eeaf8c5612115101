"""The shipped packs, as the tests here use them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import yaml

from cash.policy.context import Context
from cash.policy.examples import USUAL
from cash.policy.judge import judge_line
from cash.policy.load import Layer, load_policy
from cash.policy.policy import Policy
from cash.policy.verdict import Verdict
from cash.syntax import read
from cash.syntax.command import Line

FOLDER = Path(__file__).resolve().parents[2] / "policies"
NAMES = ("files", "git", "network", "node", "secrets", "system")


@cache
def load_packs(*names: str) -> Policy:
    """A policy of some packs, of all when none is named; their examples judged."""
    paths = tuple(FOLDER / f"{name}.yaml" for name in names or NAMES)
    return load_policy([Layer("built-in", paths, False)])


@dataclass(frozen=True, slots=True)
class Shown:
    """An example line of a rule, with what it is to give there."""

    pack: str
    rule: str
    expected: str
    line: str
    context: Context


def shown_lines() -> Iterator[Shown]:
    """Every example that is a line, in the packs' order."""
    for pack in NAMES:
        text = (FOLDER / f"{pack}.yaml").read_text()
        for rule in yaml.load(text, Loader=yaml.BaseLoader)["rules"]:
            examples = rule["examples"]
            branch = examples.get("given", {}).get("branch", USUAL.branch)
            context = replace(USUAL, branch=branch)
            for expected in ("allow", "ask", "deny", "pass"):
                for line in examples.get(expected, ()):
                    yield Shown(pack, rule["id"], expected, line, context)


def judge(policy: Policy, text: str, context: Context = USUAL) -> Verdict:
    """The verdict on a line, read as a nested one is: by one reader."""
    return judge_line(policy, read_nested(text), context, read=read_nested)


def read_nested(text: str) -> Line:
    return read(text, entry=False)
