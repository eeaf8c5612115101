from __future__ import annotations

import os
from pathlib import Path

import pytest
from rules import judge, read_nested

from cash.places import Places
from cash.policy.document import PolicyFault
from cash.policy.examples import USUAL
from cash.policy.judge import judge_line
from cash.policy.layers import Layer, find_layers
from cash.policy.load import load_policy
from cash.policy.policy import Policy
from cash.policy.verdict import Level

HEAD = "version: 1\nrules:\n"
BASE = """\
  - id: a
    program: x
    decide: deny
    reason: first
    unless: {args: [fine]}
    examples: {deny: [x], pass: [x fine]}
"""


def _load(folder: Path, *layers: tuple[str, bool]) -> Policy:
    made = []
    for number, (text, tighten) in enumerate(layers):
        path = folder / f"{number}.yaml"
        path.write_text(HEAD + text)
        made.append(Layer(f"layer{number}", (path,), tighten))
    return load_policy(made)


def _decide(policy: Policy, line: str) -> str:
    return judge(policy, line).decision.word


def test_an_override_replaces_keys(tmp_path: Path) -> None:
    over = "  - override: a\n    decide: ask\n    reason: second\n"
    policy = _load(tmp_path, (BASE, False), (over, False))
    assert [_decide(policy, line) for line in ("x", "x fine")] == ["ask", "allow"]
    (rule,) = policy.rules
    assert (rule.reason, rule.origin.layer, rule.origin.line) == ("second", "layer1", 3)


def test_an_override_is_held_to_its_examples(tmp_path: Path) -> None:
    over = "  - override: a\n    decide: ask\n    reason: r\n    examples: {deny: [x]}\n"
    with pytest.raises(PolicyFault, match="gives 'ask', not 'deny'"):
        _load(tmp_path, (BASE, False), (over, False))


def test_a_rule_can_be_switched_off_and_overridden_again(tmp_path: Path) -> None:
    off = "  - override: a\n    off: true\n    reason: r\n"
    other = BASE.replace("id: a", "id: b").replace("program: x", "program: y").replace("[x", "[y")
    other = other.replace("x fine", "y fine")
    policy = _load(tmp_path, (BASE + other, False), (off, False))
    assert [rule.id for rule in policy.rules] == ["b"]
    again = "  - override: a\n    decide: ask\n    reason: back\n"
    assert _decide(_load(tmp_path, (BASE + other, False), (off + again, False)), "x") == "ask"


def test_an_untrusted_layer_only_tightens(tmp_path: Path) -> None:
    untrusted = """\
  - override: a
    decide: allow
    reason: r
  - override: a
    unless: {args: [nothing]}
    reason: wider
  - id: b
    on: connect
    host: "*"
    decide: allow
    reason: r
    examples: {allow: [curl http://h]}
  - id: c
    program: ls
    rewrite: sh -c $args
    reason: r
    level: {relaxed: allow, strict: deny}
    examples: {rewrite: {ls x: sh -c x}}
"""
    policy = _load(tmp_path, (BASE, False), (untrusted, True))
    expected = {"x": "deny", "x fine": "deny", "curl http://h": "ask", "ls": "ask"}
    assert {line: _decide(policy, line) for line in expected} == expected
    assert judge(policy, "ls", level=Level.RELAXED).decision.word == "ask"
    assert judge(policy, "ls", level=Level.STRICT).decision.word == "deny"
    assert [one.rpartition("/")[2] for one in policy.notes] == [
        "1.yaml:3: not trusted, so a allows nothing",
        "1.yaml:9: not trusted, so b allows nothing",
        "1.yaml:15: not trusted, so c asks instead of rewriting",
    ]
    off = "  - override: a\n    off: true\n    reason: r\n"
    kept = _load(tmp_path, (BASE, False), (off, True))
    assert _decide(kept, "x") == "deny"
    assert kept.notes[0].endswith("1.yaml:3: not trusted, so a stays on")


def test_the_version_follows_the_bytes(tmp_path: Path) -> None:
    first = _load(tmp_path, (BASE, False)).version
    assert _load(tmp_path, (BASE, False)).version == first
    assert _load(tmp_path, (BASE + "# x\n", False)).version != first
    assert _load(tmp_path, (BASE, True)).version != first


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "state", tmp_path / "run", tmp_path / "config")


def _write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + BASE)
    return path


def test_where_layers_are(tmp_path: Path, places: Places) -> None:
    user = _write(places.config / "policies/mine.yaml")
    _write(places.config / "policies/.hidden.yaml")
    (places.config / "policies/notes.txt").write_text("x")
    repository = tmp_path / "repo"
    one = _write(repository / ".polis/policy.yaml")
    two = _write(repository / ".polis/policies/b.yaml")
    agent = _write(tmp_path / "agent.yaml")
    nowhere = tmp_path / "none"
    found = find_layers(places, repository, agent, lambda _: False, system=nowhere)
    assert [(one.name, one.tighten_only) for one in found] == [
        ("built-in", False),
        ("user", False),
        ("repository", True),
        ("agent", False),
    ]
    assert [layer.paths for layer in found[1:]] == [(user,), (one, two), (agent,)]
    assert {path.suffix for path in found[0].paths} == {".yaml"}
    half = find_layers(places, repository, None, lambda path: path == one, system=nowhere)
    assert half[-1].tighten_only
    trusted = find_layers(places, repository, None, lambda _: True, system=nowhere)
    assert not trusted[-1].tighten_only


@pytest.mark.skipif(os.geteuid() != 0, reason="root makes files of others")
def test_system_policies_belong_to_root(tmp_path: Path, places: Places) -> None:
    path = _write(tmp_path / "system/a.yaml")
    find = lambda: find_layers(places, None, None, lambda _: True, system=path.parent)  # noqa: E731
    assert [layer.name for layer in find()] == ["built-in", "system"]
    path.chmod(0o666)
    with pytest.raises(PolicyFault) as caught:
        find()
    assert caught.value.message == f"{path}: only root may own and write system policies"
    assert caught.value.hint == f"chown root: {path}; chmod go-w {path}"
    path.chmod(0o644)
    os.chown(path, 1000, 1000)
    with pytest.raises(PolicyFault, match="only root"):
        find()
    os.chown(path, 0, 0)
    path.parent.chmod(0o777)
    with pytest.raises(PolicyFault, match="only root"):
        find()


def test_the_shipped_packs_load_together(places: Places, tmp_path: Path) -> None:
    policy = load_policy(find_layers(places, None, None, lambda _: False, system=tmp_path))
    verdict = judge_line(policy, read_nested("echo hi > ok.txt; rm -rf /"), USUAL)
    assert verdict.decision.word == "deny"
