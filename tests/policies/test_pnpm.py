"""The rewritten commands, run by a real pnpm against the real registry."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cash.policy.context import Facts
from cash.policy.rewriters import REWRITERS
from cash.policy.rewriters.result import Rewritten, literal_word

pytestmark = pytest.mark.peers

FACTS = Facts(lockfiles=frozenset({"pnpm-lock.yaml"}), programs=frozenset({"npm", "pnpm"}))


@pytest.fixture(scope="module", params=["10", "latest"])
def environment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    home = tmp_path_factory.mktemp("home")
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("XDG_")},
        "HOME": str(home),
        "PATH": f"{home}/node_modules/.bin:{os.environ['PATH']}",
        "CI": "1",
    }
    subprocess.run(
        [
            "npm",
            "install",
            "--no-audit",
            "--fetch-retries=5",
            "--no-fund",
            "--prefix",
            str(home),
            f"pnpm@{request.param}",
        ],
        env=environment,
        check=True,
        capture_output=True,
    )
    return environment


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Callable[[str], str]:
    """Rewrites a line and runs it in tmp_path, where a small package is."""
    manifest = {"name": "x", "version": "1.0.0", "dependencies": {"left-pad": "^1.1.0"}}
    (tmp_path / "package.json").write_text(json.dumps(manifest))

    def _run(line: str) -> str:
        argv = tuple(literal_word(word) for word in shlex.split(line))
        answer = REWRITERS["pnpm"](argv, FACTS)
        assert isinstance(answer, Rewritten)
        words = [word.text for word in answer.argv]
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{shlex.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    return _run


def manifest_of(folder: Path) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((folder / "package.json").read_text())
    return found


def test_add_update_remove(run: Callable[[str], str], tmp_path: Path) -> None:
    run("npm install")
    assert (tmp_path / "pnpm-lock.yaml").exists()
    run("npm i -DE is-odd@3.0.0 --legacy-peer-deps --no-audit --loglevel error")
    assert manifest_of(tmp_path)["devDependencies"] == {"is-odd": "3.0.0"}
    run("npm update")
    assert manifest_of(tmp_path)["dependencies"] == {"left-pad": "^1.1.0"}
    run("npm ci --ignore-scripts")
    assert (tmp_path / "node_modules/is-odd/package.json").exists()
    listed = json.loads(run("npm ls --depth=0 --json"))
    assert set(listed[0]["devDependencies"]) == {"is-odd"}
    run("npm rm -D is-odd")
    assert "is-odd" not in json.dumps(manifest_of(tmp_path))


def test_production_leaves_the_rest_out(run: Callable[[str], str], tmp_path: Path) -> None:
    run("yarn add --dev --exact is-odd@3.0.0")
    run("npm ci --omit=dev")
    assert (tmp_path / "node_modules/left-pad").exists()
    assert not (tmp_path / "node_modules/is-odd").exists()
    # Without packages npm's -D says nothing; everything comes.
    run("npm install -D")
    assert (tmp_path / "node_modules/is-odd").exists()


def test_another_folder_and_another_prefix(run: Callable[[str], str], tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web/package.json").write_text('{"name": "web", "version": "1.0.0"}')
    run("npm --prefix web install is-odd")
    assert set(manifest_of(tmp_path / "web")["dependencies"]) == {"is-odd"}
    run("yarn --cwd web add -T left-pad")
    assert manifest_of(tmp_path / "web")["dependencies"]["left-pad"].startswith("~")


def test_programs_run_once(run: Callable[[str], str]) -> None:
    assert run("npx --yes semver@7.6.0 1.2.3").strip() == "1.2.3"
    assert run("npx -p semver@7.6.0 semver 1.2.4").strip() == "1.2.4"
    assert run("npx -p semver@7.6.0 -c 'semver 1.2.5 | cat'").strip() == "1.2.5"
    run("npm install semver@7.6.0")
    assert run("npx --no-install semver 1.2.6").strip() == "1.2.6"
    assert run("npx -c 'semver 1.2.7 | cat'").strip() == "1.2.7"
