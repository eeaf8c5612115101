"""A real agent CLI inside alice's walls, against the scripted model of model.py."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import model
from desk import Desk
from installation import Installation, Ran

AGENTS_BIN = Path(__file__).parents[2] / ".tools/agents/node_modules/.bin"
_NEEDS_NODE_20 = {"gemini"}


@dataclass(frozen=True)
class Played:
    """How the CLI ended, and what came back to the model: the text of each call's result."""

    name: str
    desk: Desk
    ran: Ran
    calls: Sequence[model.Call]
    results: Sequence[str]

    @property
    def told(self) -> str:
        """Everything there is to see, for a test that fails."""
        return "\n".join((*self.results, self.ran.out, self.ran.err))


def reason_to_skip(name: str) -> str | None:
    """Why this machine cannot run the CLI."""
    if not (AGENTS_BIN / name).exists():
        return f"{name} is not installed: make agents"
    if name in _NEEDS_NODE_20 and _node_version() < 20:
        return f"{name} needs Node 20 or newer"
    return None


def _node_version() -> int:
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return int(said.stdout.removeprefix("v").partition(".")[0] or 0)


def make_desk(installation: Installation, name: str) -> Desk:
    """A repository that npm has locked and that has adopted pnpm, with alice, who is that CLI."""
    manifest = {"name": "shop", "version": "1.0.0"}
    lock = {**manifest, "lockfileVersion": 3, "packages": {"": manifest}}
    repository = installation.make_repository(
        files={
            "package.json": json.dumps(manifest),
            "package-lock.json": json.dumps(lock),
            ".gitignore": "node_modules\n",
            ".github/workflows/ci.yml": "on: push\n",
        }
    )
    desk = Desk(installation, repository)
    path = f"{AGENTS_BIN}:{installation.environment['PATH']}"
    for words in (
        ("init",),
        ("config", "set", "ask-seconds", "1"),
        ("config", "set", "path", path),
        ("config", "set", "installer", "pnpm"),
        ("agents", "add", "alice", "--provider", name),
    ):
        ran = desk.polis(*words)
        assert ran.status == 0, ran.err
    return desk


def play(desk: Desk, name: str, calls: Sequence[model.Call], options: Sequence[str] = ()) -> Played:
    """The CLI's own run of those calls, to its end; options: words of its own besides. What
    belongs to the play lies in the agent's home, so that its tree stays clean."""
    folder = desk.state / "agents/alice/home"
    shutil.copy(model.__file__, folder / "model.py")
    script = {"calls": calls, "say": "All is done.", "options": options}
    (folder / "play.json").write_text(json.dumps(script))
    inside = desk.installation.home
    words = (f"{inside}/model.py", name, f"{inside}/play.json", f"{inside}/record.jsonl")
    ran = desk.polis("exec", "alice", "--", "python3", "-I", *words, timeout=100)
    return Played(name, desk, ran, calls, _read_results(name, folder / "record.jsonl"))


def expect_whole_turn(played: Played) -> None:
    """Every call has its result, and the model has the last word. AssertionError otherwise."""
    assert played.ran.status == 0, played.told
    assert "All is done." in played.ran.out, played.told
    assert len(played.results) == len(played.calls), played.told


def expect_refusal(played: Played, call: int) -> None:
    """That call was "echo first-half; mkfs.ext4 …": nothing of it has run, and the model knows why.
    AssertionError otherwise."""
    told = played.results[call]
    assert "polis: denied by no-disk-tools: " in told, played.told
    assert "\nhint: " in told, played.told
    assert "first-half" not in told, played.told
    assert "mke2fs" not in told, played.told


def _read_results(name: str, record: Path) -> list[str]:
    """What the last request of the conversation holds."""
    agent = model.AGENTS[name]
    rows = [json.loads(row) for row in record.read_text().splitlines()] if record.exists() else []
    turns = [row["body"] for row in rows if agent.is_turn(**row)]
    return agent.results(turns[-1]) if turns else []
