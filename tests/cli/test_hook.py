"""polis hook install and remove, in an agent's home and in one's own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from desk import Desk, make_desk
from installation import Installation

from cash.providers.hooks import PROTOCOLS


@pytest.fixture
def desk(installation: Installation) -> Desk:
    return make_desk(installation)


def test_in_an_agents_home_and_out_again(desk: Desk) -> None:
    home = desk.state / "agents/alice/home"
    place = home / ".claude/settings.json"
    place.parent.mkdir()
    place.write_text('{"model": "opus"}')
    ran = desk.polis("hook", "install", "claude", "--agent", "alice", "--json")
    assert json.loads(ran.out) == {
        "agent": "alice",
        "provider": "claude",
        "files": [".claude/settings.json", ".claude/skills/polis/SKILL.md"],
    }
    settings = json.loads(place.read_text())
    assert settings["model"] == "opus"
    (group,) = settings["hooks"]["PreToolUse"]
    assert group["hooks"][0]["command"] == "/run/polis/bin/polis hook claude"
    assert (home / ".claude/skills/polis/SKILL.md").read_text().startswith("---\nname: polis\n")
    for name in ("codex", "gemini", "cursor", "copilot"):
        assert desk.polis("hook", "install", name, "--agent", "alice").status == 0
        assert "/run/polis/bin/polis hook" in (home / PROTOCOLS[name].place).read_text()
    assert desk.polis("hook", "install", "claude", "--agent", "alice").status == 0
    assert json.loads(place.read_text()) == settings
    ran = desk.polis("hook", "remove", "claude", "--agent", "alice")
    assert ran.out == "changed: .claude/settings.json\nchanged: .claude/skills/polis/SKILL.md\n"
    assert json.loads(place.read_text()) == {"model": "opus"}
    assert not (home / ".claude/skills/polis/SKILL.md").exists()
    assert desk.polis("hook", "remove", "claude", "--agent", "alice").out == "nothing to change\n"
    kinds = [one["kind"] for one in desk.log() if one["kind"].startswith("hooks-")]
    assert (kinds.count("hooks-installed"), kinds.count("hooks-removed")) == (6, 1)


def test_in_ones_own_settings_only_when_asked(desk: Desk) -> None:
    home = desk.installation.home
    assert desk.polis("hook", "install", "claude", "--agent", "alice").status == 0
    assert not (home / ".claude").exists()
    elsewhere = home / "dotfiles"
    elsewhere.mkdir()
    (elsewhere / "claude.json").write_text('{"theme": "dark"}')
    (elsewhere / "claude.json").chmod(0o640)
    (home / ".claude").mkdir()
    (home / ".claude/settings.json").symlink_to(elsewhere / "claude.json")
    assert desk.polis("hook", "install", "claude", "--user").status == 0
    assert (home / ".claude/settings.json").is_symlink()
    assert (elsewhere / "claude.json").stat().st_mode & 0o777 == 0o640
    text = (elsewhere / "claude.json").read_text()
    assert json.loads(text)["theme"] == "dark"
    assert "/polis hook claude" in text
    assert "/run/polis/" not in text
    assert desk.polis("hook", "remove", "claude", "--user").status == 0
    assert json.loads((elsewhere / "claude.json").read_text()) == {"theme": "dark"}
    assert desk.polis("hook", "install", "gemini", "--user").status == 0
    assert desk.polis("hook", "remove", "gemini", "--user").status == 0
    assert not (home / ".gemini/settings.json").exists()


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("install", "claude"), 64, "say whose settings: --agent NAME or --user"),
        (("install", "claude", "--agent", "alice", "--user"), 64, "say whose settings"),
        (("install", "emacs", "--user"), 64, "'emacs' is not one of"),
        (("remove", "claude", "--agent", "nobody"), 64, "nobody"),
        (("instal", "claude"), 64, "did you mean install"),
    ],
)
def test_wrong_words(desk: Desk, words: tuple[str, ...], status: int, said: str) -> None:
    ran = desk.polis("hook", *words)
    assert ran.status == status
    assert said in ran.err


def test_settings_that_cannot_be_read_are_left_alone(desk: Desk) -> None:
    home = desk.state / "agents/alice/home"
    for place, user in ((home, ("--agent", "alice")), (desk.installation.home, ("--user",))):
        (place / ".gemini").mkdir()
        (place / ".gemini/settings.json").write_text("{ // mine\n")
        for verb in ("install", "remove"):
            ran = desk.polis("hook", verb, "gemini", *user)
            assert (ran.status, "it is no JSON" in ran.err) == (64, True)
        assert (place / ".gemini/settings.json").read_text() == "{ // mine\n"


def test_a_home_that_an_agent_has_laid_out_leads_nowhere_else(desk: Desk, tmp_path: Path) -> None:
    victim = tmp_path / "settings.json"
    victim.write_text("{}")
    (desk.state / "agents/alice/home/.claude").symlink_to(tmp_path)
    ran = desk.polis("hook", "install", "claude", "--agent", "alice")
    assert ran.status == 125
    assert "settings.json cannot be written: " in ran.err
    desk.polis("hook", "remove", "claude", "--agent", "alice")
    assert victim.read_text() == "{}"
    assert [one.name for one in tmp_path.iterdir()] == ["settings.json"]


def test_mcp_is_for_the_inside(desk: Desk) -> None:
    ran = desk.polis("mcp")
    assert ran.status == 64
    assert "runs inside an agent's walls" in ran.err
