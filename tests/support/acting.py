"""A real agent CLI in an agent's window, with the scripted model of model.py beside it inside the
walls: a wrapper of the CLI's name starts the model, then the CLI at the same terminal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import model
from installation import Installation
from office import Office
from playing import AGENTS_BIN

_WRAPPER = """\
#!/usr/bin/python3 -I
import json, os, subprocess, sys, threading
from pathlib import Path
sys.path.insert(0, {folder!r})
import model
agent = model.AGENTS[{name!r}]
if sys.argv[1:] == ["--version"] and {version!r}:
    sys.exit(print({version!r}))  # a busy machine needs more than the 5 s for some
if sys.argv[1:2] in (["--version"], ["--help"]):
    os.execv({program!r}, [{program!r}, *sys.argv[1:]])
home = Path(os.environ["HOME"])
script = json.loads((Path({folder!r}) / "play.json").read_text())
with model.Model(agent, script, home / "record.jsonl") as played:
    threading.Thread(target=played.serve_forever, daemon=True).start()
    for path, texts in agent.settings.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(texts[1].replace("{{url}}", played.url))
    own = {{key: value.replace("{{url}}", played.url) for key, value in agent.environment.items()}}
    sys.exit(subprocess.run([{program!r}, *sys.argv[1:]], env=os.environ | own).returncode)
"""


def make_stage(
    installation: Installation,
    name: str,
    calls: Sequence[model.Call],
    *agents: str,
    approved: bool = True,
) -> Office:
    """A repository under polis with these agents (default: alice), who are that CLI; what its
    model asks for is the same each time the CLI is started. approved: its key is the account's,
    so that it does not ask about it."""
    bin = installation.folder / "bin"
    bin.mkdir()
    shutil.copy(model.__file__, bin / "model.py")
    (bin / "play.json").write_text(json.dumps({"calls": calls, "say": "All is done."}))
    wrapper = bin / name
    program = str(AGENTS_BIN / name)
    about = {"name": name, "program": program, "version": _version(Path(program).resolve())}
    wrapper.write_text(_WRAPPER.format(folder=str(bin), **about))
    wrapper.chmod(0o755)
    office = Office(installation, installation.make_repository())
    office.told("init")
    path = f"{bin}:{AGENTS_BIN}:{installation.environment['PATH']}"
    office.told("config", "set", "path", path)
    office.told("config", "set", "ask-seconds", "60")
    if approved:
        # The key that the model's own settings name, by programs of the user's PATH.
        known = {"PATH": f"{AGENTS_BIN}:{installation.environment['PATH']}"}
        office.told("agents", "login", name, "--key", input=b"dummy", environment=known)
    for agent in agents or ("alice",):
        office.told("agents", "add", agent, "--provider", name)
    return office


def _version(program: Path) -> str:
    """As its package says; "" where the program stands in none."""
    for folder in program.parents:
        about = folder / "package.json"
        if about.exists():
            return str(json.loads(about.read_text()).get("version", ""))
    return ""


def results(office: Office, name: str, agent: str = "alice") -> list[str]:
    """What came back to the model for each of its calls, at its last turn."""
    record: Path = office.home(agent) / "record.jsonl"
    known = model.AGENTS[name]
    rows = [json.loads(row) for row in record.read_text().splitlines()] if record.exists() else []
    turns = [row["body"] for row in rows if known.is_turn(**row)]
    return known.results(turns[-1]) if turns else []
