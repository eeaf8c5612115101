"""polis reserve, release and locks, as people and agents type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from desk import Desk, make_desk
from holding import locking
from installation import Installation, Ran
from office import wait_until

pytestmark = pytest.mark.kernel


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One repository with alice and bob for all; each test gives back what it took."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    made = make_desk(installation)
    assert made.polis("agents", "add", "bob").status == 0
    (made.repository / "sub").mkdir()
    yield made
    installation.stop()


@pytest.fixture
def desk(shop: Desk) -> Iterator[Desk]:
    yield shop
    for whose in (["--agent", "alice"], ["--agent", "bob"], []):
        assert shop.polis("release", "--all", *whose).status == 0


def _locks(desk: Desk) -> list[tuple[str, str]]:
    held = json.loads(desk.polis("locks", "--json").out)["locks"]
    return [(one["agent"], " ".join(one["paths"])) for one in held]


def _said(ran: Ran, status: int) -> tuple[str, str]:
    """The line and the hint on standard error, and nothing else anywhere."""
    assert (ran.status, ran.out) == (status, ""), ran.err
    first, *rest = ran.err.splitlines()
    assert len(rest) <= 1, ran.err
    return first.removeprefix("polis: "), "".join(rest).removeprefix("hint: ")


def test_what_is_reserved_is_shown_until_it_is_given_back(desk: Desk) -> None:
    assert desk.polis("locks").out == "nobody holds anything\n"
    ran = desk.polis("reserve", "src/**", "--agent", "alice", "--for", "2h", "--why", "moving it")
    assert ran.status == 0
    assert ran.out.startswith("alice has src/** until ")
    for words in (("locks",), ("agents", "locks")):
        head, row = desk.polis(*words).out.splitlines()
        assert head.split("  ")[0] == "paths"
        assert row.startswith("src/**  alice    reservation  ")
        assert row.endswith("  moving it")
    assert desk.polis("release", "src/**", "--agent", "alice").out == "released: src/**\n"
    assert _locks(desk) == []


def test_two_cannot_have_the_same(desk: Desk) -> None:
    assert desk.polis("reserve", "src/**", "--agent", "alice", "--why", "moving").status == 0
    said, hint = _said(desk.polis("reserve", "docs/*", "src/*.py", "--agent", "bob"), 126)
    assert said.startswith("docs/* src/*.py is held by alice since ")
    assert said.endswith(", with src/**: moving")
    assert hint
    assert _locks(desk) == [("alice", "src/**")]  # all or nothing
    assert desk.polis("reserve", "src2/**", "--agent", "bob").status == 0
    assert desk.polis("reserve", "src/*.py", "--agent", "alice").status == 0


def test_reserving_again_takes_longer(desk: Desk) -> None:
    first = json.loads(desk.polis("reserve", "a", "--agent", "alice", "--json").out)
    again = json.loads(desk.polis("reserve", "a", "--agent", "alice", "--for", "1d", "--json").out)
    assert again["until"] - first["until"] > 80_000
    assert again["fence"] > first["fence"]
    assert _locks(desk) == [("alice", "a")]


def test_a_person_reserves_for_themselves(desk: Desk) -> None:
    ran = desk.polis("reserve", "sub/", "*.md")
    assert ran.out.startswith("you have sub/** *.md until ")
    said = desk.line("echo x > README.md").err
    assert "README.md is held by the person who runs the agents since" in said
    assert desk.polis("locks").out.splitlines()[1].split("  ")[1].strip() == "you"


def test_globs_are_relative_to_where_one_stands(desk: Desk) -> None:
    polis = desk.installation.polis
    assert polis("reserve", "x*", "../y", cwd=desk.repository / "sub").status == 0
    assert polis("reserve", "z*", cwd=desk.tree).status == 0
    assert _locks(desk) == [("", "sub/x* y"), ("alice", "z*")]
    assert polis("release", "x*", cwd=desk.repository / "sub").out == "released: sub/x* y\n"


def test_a_person_reads_what_a_person_can_do(desk: Desk) -> None:
    assert desk.polis("reserve", "src/**", "--agent", "alice").status == 0
    said, hint = _said(desk.polis("reserve", "src/*.txt"), 126)
    assert said.startswith("src/*.txt is held by alice since ")
    assert hint == "wait, or give it back: polis release 'src/**' --agent alice"
    said, hint = _said(desk.polis("release", "src/**"), 64)
    assert said == "the person who runs the agents has not reserved 'src/**'"
    assert hint == "alice has: polis release 'src/**' --agent alice"
    ran = desk.polis("release", "--all")
    assert ran.out.splitlines() == [
        "nothing was reserved",
        "alice has reserved something: polis release --all --agent alice",
    ]
    appeal = "hint: alice has; work on something else, or ask: polis appeal 'WHY YOU NEED IT'\n"
    assert desk.polis("exec", "bob", "--", "polis", "release", "src/**").err.endswith(appeal)
    command = hint.partition(": ")[2].replace("'", "").split()
    assert desk.polis(*command[1:]).out == "released: src/**\n"
    # What the person has, the person gives back.
    assert desk.polis("reserve", "src/**").status == 0
    _, hint = _said(desk.polis("reserve", "src/**", "--agent", "alice"), 126)
    assert hint == "wait, or give it back: polis release 'src/**'"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("reserve",), "missing argument"),
        (("reserve", "../x"), "is outside of the repository's tree"),
        (("reserve", "/etc/*"), "is outside of the repository's tree"),
        (("reserve", ".git/**"), "is git's own"),
        (("reserve", "[a"), "without its ]"),
        (("reserve", "!a"), "there are no others"),
        (("reserve", ""), "names no path"),
        (("reserve", "a", "--for", "never"), "is no time to reserve for"),
        (("reserve", "a", "--for", "0s"), "is no time to reserve for"),
        (("reserve", "a", "--for", "8d"), "is no time to reserve for"),
        (("reserve", "a", "--agent", "alcie"), "there is no agent 'alcie'"),
        (("release",), "a glob, or --all"),
        (("release", "a", "--all"), "a glob, or --all"),
        (("release", "nothing"), "has not reserved 'nothing'"),
    ],
)
def test_what_cannot_be(desk: Desk, words: tuple[str, ...], says: str) -> None:
    said, hint = _said(desk.polis(*words), 64)
    assert says in said
    assert hint
    assert _locks(desk) == []


def test_names_of_any_kind_are_shown_on_one_line(desk: Desk) -> None:
    assert desk.polis("reserve", "new\nline\x1b2J", "--agent", "alice").status == 0
    assert desk.polis("reserve", b"\xff*", "--agent", "alice").status == 0
    out = desk.polis("locks").out
    assert len(out.splitlines()) == 3
    assert "new\\nline\\x1b2J" in out
    (desk.tree / "new\nline\x1b2J").touch()
    ran = desk.polis("shell", "bob", "-c", "echo x > $'\\xffa'")
    assert "is held by alice" in ran.err


def test_what_policy_leaves_to_all_is_said(desk: Desk) -> None:
    out = desk.polis("reserve", "dist/**", "src/**", "--agent", "alice").out
    assert "note: policy says ignore for dist/**: others are not kept from writing it\n" in out
    assert out.count("note: ") == 1
    assert desk.polis("shell", "bob", "-c", "mkdir dist && echo x > dist/a").err == ""


def test_an_agent_reserves_for_itself_alone(desk: Desk) -> None:
    line = "mkdir -p s && cd s && polis reserve '*.py' --for=10m --why 'my work'"
    ran = desk.line(line)
    assert ran.status == 0, ran.err
    made, held = json.loads(ran.out), json.loads(desk.line("polis locks").out)
    assert (made["agent"], made["paths"], made["why"]) == ("alice", ["s/*.py"], "my work")
    assert made.pop("notes") == []
    assert held["locks"] == [made]
    said = desk.polis("shell", "bob", "-c", "polis reserve 's/**'")
    assert said.status == 126
    assert said.err.startswith("polis: s/** is held by alice since ")
    for line, says in (
        ("polis release 's/*.py' --agent bob", "there is no option --agent"),
        ("polis release 's/*.py'", "bob has not reserved"),
        ("polis reserve /etc/x", "is outside of the repository's tree"),
        ("polis reserve 'x' --for", "--for needs a value"),
        ("polis reserve 'x' --for=x", "is no time to reserve for"),
    ):
        ran = desk.polis("shell", "bob", "-c", line)
        assert (ran.status, ran.out) == (64, ""), ran.err
        assert says in ran.err
    assert desk.line("polis release --all").status == 0
    assert _locks(desk) == []


def test_an_agent_has_no_end_of_reservations(desk: Desk) -> None:
    # 12 × 9 × 40 letters and more: each of them is compared with every write of the others.
    globs = [" ".join(f"'{one}{at}{'x' * 40}*'" for at in range(9)) for one in "abcdefghijkl"]
    ran = desk.line("; ".join(f"polis reserve {one} >/dev/null" for one in globs))
    assert "alice has reserved as much as one agent may" in ran.err
    assert 5 < len(_locks(desk)) < 12
    assert desk.line("polis release --all").status == 0


def test_reservations_outlive_polisd_and_the_machines_user_sees_them(desk: Desk) -> None:
    assert desk.polis("reserve", "src/**", "--agent", "alice").status == 0
    before = json.loads(desk.polis("locks", "--json").out)
    (polisd,) = desk.pids("-m cash.daemon")
    os.kill(polisd, signal.SIGKILL)
    wait_until(lambda: not desk.pids("-m cash.daemon"), "it has ended")
    assert json.loads(desk.polis("locks", "--json").out) == before
    assert desk.polis("reserve", "src/x", "--agent", "bob").status == 126


def test_what_a_removed_agent_held_is_free(desk: Desk) -> None:
    assert desk.polis("agents", "add", "carol").status == 0
    assert desk.polis("reserve", "src/**", "--agent", "carol").status == 0
    assert desk.polis("agents", "remove", "carol").status == 0
    assert _locks(desk) == []


def test_a_reservation_ends_when_its_time_is_up(desk: Desk) -> None:
    assert desk.polis("reserve", "a", "--agent", "alice", "--for", "1s").status == 0
    ran = desk.polis("shell", "bob", "-c", "sleep 2.5; echo x > a")
    assert (ran.status, ran.err) == (0, "")
    assert desk.log("lock-released")[-1]["body"]["end"] == "expired"


def test_watch_goes_on_as_it_changes(desk: Desk) -> None:
    watching = subprocess.Popen(
        ["polis", "locks", "--watch", "--json"],
        cwd=desk.repository,
        env=desk.installation.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    try:
        assert json.loads(watching.stdout.readline())["locks"] == []
        with locking(desk.installation, desk.repository, "a.py", agent="alice"):
            (held,) = json.loads(watching.stdout.readline())["locks"]
            assert (held["kind"], held["paths"]) == ("lock", ["a.py"])
        assert json.loads(watching.stdout.readline())["locks"] == []
    finally:
        watching.kill()
        watching.wait()
        watching.stdout.close()


def test_completion_knows_what_is_reserved(desk: Desk) -> None:
    assert desk.polis("reserve", "src/**", "--agent", "alice").status == 0
    ran = desk.installation.run(
        "polis",
        cwd=desk.repository,
        environment={
            "_POLIS_COMPLETE": "bash_complete",
            "COMP_WORDS": "polis release --agent alice ",
            "COMP_CWORD": "4",
        },
    )
    assert "src/**" in ran.out
