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
    found = json.loads(ran.out)["question-seconds"]
    return found["value"], found["origin"]


def test_each_layer_wins_over_the_one_before(installation: Installation, repository: Path) -> None:
    user = installation.home / ".config/polis/config.yaml"
    assert _origin(installation, repository) == (110.0, "default")
    assert installation.polis("config", "set", "question-seconds", "20").status == 0
    assert _origin(installation, repository) == (20.0, str(user))
    installation.polis("config", "set", "--repository", "question-seconds", "30", cwd=repository)
    own = repository / ".polis/config.yaml"
    assert _origin(installation, repository) == (30.0, str(own))
    assert _origin(installation, repository, POLIS_QUESTION_SECONDS="40") == (
        40.0,
        "POLIS_QUESTION_SECONDS",
    )
    assert _origin(installation, installation.home) == (20.0, str(user))


def test_setting_one_key_leaves_the_rest_of_the_file(installation: Installation) -> None:
    path = installation.home / ".config/polis/config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("# mine\nmax-agents: 7\nquestion-seconds: 5\n")
    assert installation.polis("config", "set", "question-seconds", "6").status == 0
    assert path.read_text() == "# mine\nmax-agents: 7\nquestion-seconds: 6\n"
    assert installation.polis("config", "get", "question-seconds").out == "6.0\n"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("question-seconds", "soon"), "question-seconds must be a number, 0 or more, not 'soon'"),
        (("question-seconds", "-1"), "question-seconds must be a number, 0 or more, not '-1'"),
        (("question-seconds", "inf"), "question-seconds must be a number, 0 or more, not 'inf'"),
        (("max-agents", "1.5"), "max-agents must be a whole number, 1 or more, not '1.5'"),
        (("provider", " "), "provider must be a word, not ' '"),
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
        ("question-second: 4\n", "there is no setting question-second"),
        ("question-seconds: soon\n", "question-seconds must be a number"),
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
