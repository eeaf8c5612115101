"""Command lines that other guards have labelled, where they stand beside the checkout; else the
packs' own examples, judged by all packs together. Labels are others' opinions: floors, not truth.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass

import pytest
from packs import FOLDER, judge, load_packs, shown_lines

from cash.policy.verdict import Decision

CORPORA = FOLDER.parents[1] / "shared/corpora"
PRESENT = CORPORA.is_dir()

# Reached, rounded up, of the rows no other guard contradicts: worse is a step back.
MOST_SILENT = 0.028 if PRESENT else 0.0  # refused by others, allowed here
MOST_DENIED = 0.002 if PRESENT else 0.0  # allowed by others, denied here
MOST_ASKED = 0.055 if PRESENT else 0.0  # allowed by others, asked about here


@dataclass(frozen=True, slots=True)
class Row:
    """expect: allow, ask or deny."""

    source: str
    line: str
    expect: str


def read_corpora() -> list[Row]:
    """All labelled rows."""
    rows = []
    for name in ("dcg", "csn", "dippy"):
        for text in (CORPORA / f"{name}.jsonl").read_text().splitlines():
            row = json.loads(text)
            rows.append(Row(name, row["command"], row["expect"]))
    return rows


def read_examples() -> list[Row]:
    """The examples of all rules: `pass` of one rule may well be another's business, so only what
    is to be asked or denied, and the suggestions that are to be allowed."""
    rows = [
        Row("examples", shown.line, "deny" if shown.expected == "deny" else "ask")
        for shown in shown_lines()
        if shown.expected in ("ask", "deny")
    ]
    hints = {rule.hint for rule in load_packs().rules if rule.hint is not None}
    return rows + [Row("hints", hint.replace("$agent", "alice"), "allow") for hint in hints]


@pytest.fixture(scope="module")
def decided() -> list[tuple[Row, Decision]]:
    """Every row that guards who know it agree on, with the decision of all packs."""
    rows = read_corpora() if PRESENT else read_examples()
    labels: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        labels[row.line.strip()].add(row.expect)
    policy = load_packs()
    return [
        (row, judge(policy, row.line).decision)
        for row in rows
        if len(labels[row.line.strip()]) == 1
    ]


def share(
    decided: list[tuple[Row, Decision]], expect: str, *wrong: Decision
) -> tuple[float, list[str]]:
    """How many rows with a label are decided in one of the wrong ways, and which."""
    labelled = [(row, decision) for row, decision in decided if row.expect == expect]
    bad = [f"{row.source}: {row.line}" for row, decision in labelled if decision in wrong]
    print(f"{expect} → {'/'.join(one.word for one in wrong)}: {len(bad)}/{len(labelled)}")
    return len(bad) / len(labelled), bad


def test_what_others_refuse_is_not_silently_allowed(decided: list[tuple[Row, Decision]]) -> None:
    found, rows = share(decided, "deny", Decision.ALLOW, Decision.REWRITE)
    assert found <= MOST_SILENT, rows


def test_what_others_allow_is_not_refused(decided: list[tuple[Row, Decision]]) -> None:
    found, rows = share(decided, "allow", Decision.DENY)
    assert found <= MOST_DENIED, rows


def test_what_others_allow_is_seldom_asked_about(decided: list[tuple[Row, Decision]]) -> None:
    found, rows = share(decided, "allow", Decision.ASK)
    assert found <= MOST_ASKED, rows


def test_every_row_has_a_decision(decided: list[tuple[Row, Decision]]) -> None:
    counts: dict[str, int] = defaultdict(int)
    for row, decision in decided:
        counts[f"{row.expect} → {decision.word}"] += 1
    print(dict(sorted(counts.items())))
    assert sum(counts.values()) > (8000 if PRESENT else 300)
