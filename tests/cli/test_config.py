"""Settings: which layer wins, where a value comes from, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installation import Installation


@pytest.fixture
def repository(installation: Installation) -> Path:
    return installation.make_repository()


def _origin(installation: Installation, folder: Path, **environment: str) -> tuple[object, str]:
    ran = installation.polis("config", "--json", cwd=folder, environment=environment)
    assert ran.status == 0, ran.err
    found = json.loads(ran.out)["ask-seconds"]
    return found["value"], found["origin"]


def test_each_layer_wins_over_the_one_before(installation: Installation, repository: Path) -> None:
    user = installation.home / ".config/polis/config.yaml"
    assert _origin(installation, repository) == (0.0, "default")
    assert installation.polis("config", "set", "ask-seconds", "20").status == 0
    assert _origin(installation, repository) == (20.0, str(user))
    installation.polis("config", "set", "--repository", "ask-seconds", "30", cwd=repository)
    own = repository / ".polis/config.yaml"
    assert _origin(installation, repository) == (30.0, str(own))
    assert _origin(installation, repository, POLIS_ASK_SECONDS="40") == (
        40.0,
        "POLIS_ASK_SECONDS",
    )
    assert _origin(installation, installation.home) == (20.0, str(user))


def test_zero_seconds_say_that_they_are_not_no_time(
    installation: Installation, repository: Path
) -> None:
    says = "0 (as long as the agent's program allows)"
    listed = installation.polis("config", "--origin").out
    (row,) = [line for line in listed.splitlines() if line.startswith("ask-seconds ")]
    assert says in row
    assert "0 is not no time" in installation.polis("config").out
    path = installation.home / ".config/polis/config.yaml"
    ran = installation.polis("config", "set", "ask-seconds", "0")
    assert ran.out == f"ask-seconds is {says} in {path}\n"
    assert installation.polis("config", "get", "ask-seconds").out == "0\n"
    assert installation.polis("config", "set", "ask-seconds", "0.1").out.startswith(
        "ask-seconds is 0.1 in "
    )
    ran = installation.polis("config", "set", "undo-command", "0")
    assert ran.out == f"undo-command is 0 in {path}\n"
    installation.polis("init", cwd=repository)
    installation.polis("agents", "add", "alice", cwd=repository)
    for said, seconds in (("0", 110.0), ("0.1", 0.1)):
        installation.polis("config", "set", "ask-seconds", said)
        ran = installation.polis("exec", "alice", "--", "polis", "whoami", cwd=repository)
        assert json.loads(ran.out)["ask_seconds"] == seconds


def test_setting_one_key_leaves_the_rest_of_the_file(installation: Installation) -> None:
    path = installation.home / ".config/polis/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("# mine\nmax-agents: 7\nask-seconds: 5\n")
    assert installation.polis("config", "set", "ask-seconds", "6").status == 0
    assert path.read_text() == "# mine\nmax-agents: 7\nask-seconds: 6\n"
    assert installation.polis("config", "get", "ask-seconds").out == "6\n"


def test_unsetting_leaves_the_rest_of_the_file(
    installation: Installation, repository: Path
) -> None:
    path = installation.home / ".config/polis/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("# mine\nsetup:\n- make\n  # twice\n- make\nmax-agents: 7\nask-seconds: 5\n")
    ran = installation.polis("config", "unset", "setup")
    assert ran.out == (
        f"setup is no longer set in {path}\nhere setup is empty, which comes from default\n"
    )
    ran = installation.polis("config", "unset", "ask-seconds", cwd=repository)
    assert ran.out.endswith(
        "here ask-seconds is 0 (as long as the agent's program allows), which comes from default\n"
    )
    assert path.read_text() == "# mine\nmax-agents: 7\n"
    ran = installation.polis("config", "unset", "ask-seconds")
    assert (ran.status, ran.out.splitlines()[0]) == (0, f"ask-seconds was not set in {path}")


def test_unsetting_for_the_repository_leaves_the_users_own(
    installation: Installation, repository: Path
) -> None:
    installation.polis("config", "set", "ask-seconds", "20")
    installation.polis("config", "set", "--repository", "ask-seconds", "30", cwd=repository)
    user = installation.home / ".config/polis/config.yaml"
    ran = installation.polis("config", "unset", "ask-seconds", cwd=repository)
    own = repository / ".polis/config.yaml"
    assert ran.out.endswith(f"here ask-seconds is 30, which comes from {own}\n")
    installation.polis("config", "set", "ask-seconds", "20")
    installation.polis("config", "unset", "--repository", "ask-seconds", cwd=repository)
    assert _origin(installation, repository) == (20.0, str(user))


def test_what_cannot_be_unset_is_told(installation: Installation) -> None:
    ran = installation.polis("config", "unset", "colour")
    assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: there is no setting colour")
    ran = installation.polis("config", "unset", "--repository", "provider")
    assert (ran.status, ran.err.splitlines()[0]) == (64, "polis: this is no git repository")
    path = installation.home / ".config/polis/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("{provider: claude}\n")
    ran = installation.polis("config", "unset", "provider")
    assert (ran.status, ran.err.splitlines()[1]) == (64, f"hint: edit {path}")
    assert path.read_text() == "{provider: claude}\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("ask-seconds", "soon"), "ask-seconds must be a number, 0 or more, not 'soon'"),
        (("ask-seconds", "-1"), "ask-seconds must be a number, 0 or more, not '-1'"),
        (("ask-seconds", "inf"), "ask-seconds must be a number, 0 or more, not 'inf'"),
        (("max-agents", "1.5"), "max-agents must be a whole number, 1 or more, not '1.5'"),
        (("provider", " "), "provider must be a word, not ' '"),
        (("installer", "yarn"), "installer must be pnpm or npm, not 'yarn'"),
        (("colour", "red"), "there is no setting colour"),
    ],
)
def test_a_wrong_value_is_refused(
    installation: Installation, argv: tuple[str, ...], message: str
) -> None:
    ran = installation.polis("config", "set", "--", *argv)
    assert ran.status == 64
    assert ran.err.splitlines()[0] == f"polis: {message}"
    assert not (installation.home / ".config/polis/config.yaml").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ask-second: 4\n", "there is no setting ask-second"),
        ("ask-seconds: soon\n", "ask-seconds must be a number"),
        ("- a\n", "must hold `name: value` lines"),
        ("a: [\n", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named(installation: Installation, text: str, message: str) -> None:
    path = installation.home / ".config/polis/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    ran = installation.polis("config")
    assert ran.status == 64
    assert str(path) in ran.err
    assert message in ran.err
    assert installation.polis("config", "set", "max-agents", "3").status == 64
    assert path.read_text() == text


def test_a_repository_cannot_open_the_walls(installation: Installation, repository: Path) -> None:
    argv = ("config", "set", "--repository", "path", "/opt/evil/bin")
    ran = installation.polis(*argv, cwd=repository)
    assert ran.status == 64
    assert "path cannot be set by a repository" in ran.err
    (repository / ".polis").mkdir()
    (repository / ".polis/config.yaml").write_text("path: /opt/evil/bin\n")
    assert "path cannot be set by a repository" in installation.polis("config", cwd=repository).err
    assert installation.polis("config", "set", "path", "/usr/bin:/bin").status == 0
