"""What hooks/SKILL.md tells agents is so: each statement, tried inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, make_desk
from installation import Installation

from cash.daemon.inside_calls import INSIDE

pytestmark = pytest.mark.kernel

_SKILL = (Path(__file__).parents[2] / "hooks/SKILL.md").read_text()


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    yield make_desk(installation)
    installation.stop()


def _says(*texts: str) -> None:
    """The statement is still in the skill: who changes it comes by here."""
    words = " ".join(_SKILL.split())
    for text in texts:
        assert text in words, text


def test_its_head_is_what_skills_have() -> None:
    lines = _SKILL.splitlines()
    assert lines[0] == "---"
    assert lines[1] == "name: polis"
    assert lines[2].startswith("description: ")
    assert len(lines[2]) < 1024
    assert lines[3] == "---"


def test_a_refusal(desk: Desk) -> None:
    _says("ends with **126**", "No part of the line has run", "polis: denied by RULE: why")
    ran = desk.line("echo before; mkfs.ext4 /dev/x")
    assert (ran.status, ran.out) == (126, "")
    first, second = ran.err.splitlines()
    assert first.startswith("polis: denied by no-disk-tools: ")
    assert second.startswith("hint: ")
    _says("another spelling of the same thing is refused as well")
    assert desk.line("'mk''fs.ext4' /dev/x").status == 126
    assert desk.line("bash -c 'mkfs.ext4 /dev/x'").status == 126
    _says("`polis explain 'LINE'` tells beforehand", "`polis refusals` shows your last refusals")
    assert json.loads(desk.line("polis explain 'mkfs.ext4 /dev/x'").out)["decision"] == "deny"
    assert json.loads(desk.line("polis refusals").out)["refusals"][0]["hint"] == "lsblk"


def test_a_question(desk: Desk) -> None:
    _says(
        "it ends with **124**", "polis: asked by RULE: why", "send **exactly the same line** again"
    )
    ran = desk.line("git push --force . HEAD:main")
    assert ran.status == 124
    first, waiting, last = ran.err.splitlines()
    assert first.startswith("polis: asked by force-push: ")
    number = last.partition("asked as ")[2].partition(";")[0]
    assert waiting == f"hint: asked as {number}, waiting for: polis approvals allow {number}"
    assert (
        last
        == f"hint: asked as {number}; send it again when allowed (polis approvals allow {number})"
    )
    _says("`polis approvals …` are the person's; they do not work in here")
    inside = desk.line(f"polis approvals allow {number}")
    assert inside.status == 126
    assert "These commands are for the person who runs the agents" in inside.err
    assert desk.polis("approvals", "allow", number).status == 0
    assert desk.line("git push --force . HEAD:main").status != 124


def test_a_write_that_is_asked_about(desk: Desk) -> None:
    _says('fails at once with "Permission denied"', "the same write goes through after the answer")
    (desk.tree / ".github/workflows").mkdir(parents=True)
    (desk.tree / "save.sh").write_text("echo on: push >.github/workflows/ci.yml\n")
    ran = desk.line("sh save.sh")
    assert "Permission denied" in ran.err
    (question,) = [
        one
        for one in json.loads(desk.polis("approvals", "--json").out)
        if one["rule"] == "change-ci"
    ]
    assert desk.polis("approvals", "allow", question["id"]).status == 0
    assert desk.line("sh save.sh").status == 0


def test_a_rewritten_command(desk: Desk) -> None:
    _says("`npm install x` is carried out as `pnpm add x` where the repository uses pnpm")
    (desk.tree / "package.json").write_text("{}")
    (desk.tree / "pnpm-lock.yaml").write_text("lockfileVersion: '9.0'\n")
    found = json.loads(desk.line("polis explain npm install left-pad").out)
    assert (found["decision"], found["rewritten"]) == ("rewrite", "pnpm add left-pad")


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("Your tree is the directory you start in; it is yours to write", "touch mine && pwd"),
        ("`/tmp` is your own as well", "touch /tmp/kept"),
        ("stays from one command to the next", "test -e /tmp/kept"),
        ("Your home is your own", 'touch "$HOME/mine"'),
        ("The rest of the machine is read-only or not there", "test ! -w /usr -a ! -e /var/lib"),
        ("`git commit` as usual, on your own branch", "git commit -q --allow-empty -m x"),
        ("on your own branch", 'test "$(git branch --show-current)" = agent/alice'),
        ("The network is a proxy (`HTTPS_PROXY` is set)", 'test -n "$HTTPS_PROXY"'),
    ],
)
def test_places(desk: Desk, statement: str, line: str) -> None:
    _says(statement)
    ran = desk.line(line)
    assert ran.status == 0, ran.err


def test_writing_a_file_whole(desk: Desk) -> None:
    _says("`polis write FILE <CONTENT` (or `--append`, `--replace OLD --with NEW`, `--move TO`,")
    for words in ("<<<one", "--append <<<two", "--replace two --with 2", "--move w", "--delete"):
        name = "w" if words == "--delete" else "written"
        ran = desk.line(f"polis write {name} {words}")
        assert (ran.status, ran.err) == (0, ""), words
    assert not (desk.tree / "w").exists()


def test_there_is_no_sudo(desk: Desk) -> None:
    _says("There is no `sudo`")
    assert desk.line("sudo -n true").status == 126


def test_other_hosts_are_asked_about_or_refused(desk: Desk) -> None:
    _says("other hosts are asked about or refused")
    ran = desk.line("curl -sS https://unknown.example/ -o /dev/null")
    assert ran.status != 0


def test_files_of_other_agents(desk: Desk) -> None:
    _says(
        "`polis locks` shows who holds what",
        "`polis reserve 'src/**' --for 2h --why 'what you do'` keeps all others from writing there",
        "`polis release 'src/**'` gives it back",
        'fails at once with "Device or resource busy", and says who holds it',
        "hint: work on something else, or ask: polis appeal 'WHY YOU NEED IT'",
    )
    assert desk.polis("reserve", "src/**", "--why", "moving it").status == 0
    ran = desk.line("mkdir -p src")
    first, second, third = ran.err.splitlines()
    assert first.startswith("polis: src is held by ")
    assert first.endswith(", with src/**: moving it")
    assert second == "hint: work on something else, or ask: polis appeal 'WHY YOU NEED IT'"
    assert third.endswith("Device or resource busy")
    assert len(json.loads(desk.line("polis locks").out)["locks"]) == 1
    assert desk.polis("release", "--all").status == 0
    assert desk.line("polis reserve 'src/**' --for 2h --why 'what you do'").status == 0
    assert desk.line("polis release 'src/**'").status == 0


def test_asking_a_person(desk: Desk) -> None:
    _says("`polis appeal 'why you need it'` puts a question before your person")
    _says("Send the same words again to get the answer")
    number = json.loads(desk.line("polis appeal 'why you need it'").out)["id"]
    assert desk.polis("approvals", "deny", number).status == 0
    assert json.loads(desk.line("polis appeal 'why you need it'").out)["answer"] == "no"
    _says("`polis whoami` says who you are: name, branch, tree, level, hosts")
    who = json.loads(desk.line("polis whoami").out)
    for name in ("agent", "branch", "tree", "level", "hosts"):
        assert name in who


def test_every_verb_it_names_is_one() -> None:
    named = {
        word.split()[1].strip("`'…")
        for word in _SKILL.split("`")
        if word.startswith("polis ") and len(word.split()) > 1
    }
    assert named - {"approvals", "mcp"} <= INSIDE.keys()
