"""Each pack loads, every rule is complete, and no rule can be talked around by wrapping."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest
import yaml
from packs import FOLDER, NAMES, Shown, judge, load_packs, read_nested, shown_lines

from cash.policy.verdict import Decision


@pytest.mark.parametrize("name", NAMES)
def test_the_pack_loads_with_its_examples(name: str) -> None:
    policy = load_packs(name)
    assert len(policy.rules) >= 4
    assert not policy.notes


def test_ids_are_unique_over_all_packs() -> None:
    ids = [rule.id for rule in load_packs().rules]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_says_why_in_one_sentence_and_shows_a_look_alike(name: str) -> None:
    for rule in yaml.load((FOLDER / f"{name}.yaml").read_text(), Loader=yaml.BaseLoader)["rules"]:
        assert rule["reason"].endswith("."), rule["id"]
        assert ". " not in rule["reason"], rule["id"]
        assert rule["examples"].get("pass"), rule["id"]


def hints() -> list[tuple[str, str]]:
    found = []
    for rule in load_packs().rules:
        if rule.hint is not None:
            found.append((rule.id, rule.hint.replace("$agent", "alice")))
    return found


@pytest.mark.parametrize(("rule", "hint"), hints())
def test_what_a_rule_suggests_is_allowed(rule: str, hint: str) -> None:
    verdict = judge(load_packs(), hint)
    assert verdict.decision <= Decision.REWRITE, verdict.matches


# Only where the command is a program, not a builtin of the shell.
PREFIXES = (
    *(
        "env X=1",
        "timeout 5",
        "nice -n 5",
        "nohup",
        "VAR=1",
        "command",
        "time",
        "setsid",
        "stdbuf -o0",
    ),
    *(
        "env -i PATH=/bin",
        "! ",
        "exec",
        "X=1 Y=2 timeout -k 1 5 env Z=3",
        "sudo",
        "sudo -u root env",
    ),
)
BUILTINS = frozenset(
    "export unset set history fc eval source . exec : cd declare hash builtin".split()  # noqa: SIM905
)


def around(line: str) -> Iterator[str]:
    """The line inside other constructs."""
    quoted = shlex.quote(line)
    yield f"true && {line}"
    yield f"false || {line}"
    yield f"true; {line}"
    yield f"( {line} )"
    yield f"{{ {line}; }}"
    yield f"if true; then {line}; fi"
    yield f"while false; do {line}; done"
    yield f"for x in 1; do {line}; done"
    yield f"f() {{ {line}; }}; f"
    yield f"bash -c {quoted}"
    yield f"sh -c {shlex.quote('sh -c ' + quoted)}"
    yield f"/bin/bash -lc {quoted}"
    yield f"env X=1 bash -c {quoted}"
    yield f"eval {quoted}"
    yield f"echo $({line})"
    yield f'echo "$({line})"'
    yield f"cat <({line})"
    yield f"bash <<'END'\n{line}\nEND"
    yield f"bash <<< {quoted}"
    yield f"trap {quoted} EXIT"
    yield f"coproc {{ {line}; }}"
    yield f"case x in x) {line};; esac"


def before(line: str) -> Iterator[str]:
    """A simple command with something in front of it, and its name in other spellings."""
    name, _, rest = line.partition(" ")
    for prefix in PREFIXES:
        yield f"{prefix} {line}"
    yield f"/usr/bin/{name} {rest}"
    yield f"'{name}' {rest}"
    yield f"\\{name} {rest}"
    yield f"{name[0]}''{name[1:]} {rest}"
    yield f'"{name}" {rest}'
    yield f"$'{name}' {rest}"
    yield f"echo x | xargs -I% {line}"
    yield f"echo x | xargs -n1 sh -c {shlex.quote(line)}"
    yield f"find . -maxdepth 0 -exec {line} ';'"


def spellings(shown: Shown) -> Iterator[str]:
    line = read_nested(shown.line)
    simple = len(line.commands) == 1 and not line.commands[0].redirects
    name = line.commands[0].name if line.commands else None
    yield from around(shown.line)
    starts = shown.line.startswith(name or " ")
    if simple and starts and name is not None and name not in BUILTINS and "(" not in name:
        yield from before(shown.line)


def firsts() -> list[Shown]:
    """The first example of each rule that asks or denies."""
    found: dict[tuple[str, str], Shown] = {}
    for shown in shown_lines():
        if shown.expected in ("ask", "deny"):
            found.setdefault((shown.rule, shown.expected), shown)
    return list(found.values())


@pytest.mark.parametrize("shown", firsts(), ids=lambda shown: shown.rule)
def test_no_wrapping_slips_past(shown: Shown) -> None:
    policy = load_packs()
    wanted = Decision[shown.expected.upper()]
    slipped = [
        text
        for text in spellings(shown)
        if not any(
            match.rule == shown.rule and match.decision >= wanted
            for match in judge(policy, text, shown.context).matches
        )
    ]
    assert slipped == []


def test_there_are_spellings_to_try() -> None:
    counted = [len(list(spellings(shown))) for shown in firsts()]
    assert min(counted) >= 20
    assert sum(counted) > 2000


PRINTED = [
    shown
    for shown in shown_lines()
    if shown.expected in ("ask", "deny") and not shown.line.startswith("echo ")
]


@pytest.mark.parametrize("shown", PRINTED, ids=lambda shown: f"{shown.rule}: {shown.line}")
def test_what_is_merely_printed_is_no_danger(shown: Shown) -> None:
    verdict = judge(load_packs(shown.pack), f"echo {shlex.quote(shown.line)}", shown.context)
    assert all(match.rule != shown.rule for match in verdict.matches)
