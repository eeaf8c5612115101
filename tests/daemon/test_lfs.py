"""Git LFS inside: objects come and go through polisd, with the user's own git-lfs and keys."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk, make_desk
from far import ADDRESS, Far, make_far
from homecoming import work
from installation import Installation, Ran
from running import start, until
from served import PASSWORD, USER
from served_lfs import serve_lfs
from speaking import client

pytestmark = pytest.mark.kernel

PUSH = "git push -q origin HEAD:refs/heads/topic"
NO_PUSH = """\
version: 1
rules:
  - id: no-push
    on: git
    operation: push
    decide: deny
    reason: Nothing goes out.
    examples: {deny: [git push origin x], pass: [git status]}
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    """The user's repository, with a file of Git LFS that the remote has as well."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    desk = make_desk(installation)
    far, git = make_far(desk), installation.git
    git(desk.repository, "lfs", "install")
    git(desk.repository, "config", "remote.origin.lfsurl", f"file://{far.bare}")
    (desk.repository / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    (desk.repository / "a.bin").write_text("large\n")
    git(desk.repository, "add", ".")
    git(desk.repository, "commit", "-q", "-m", "Large")
    git(desk.repository, "push", "-q", "origin", "main")
    yield far
    installation.stop()


@pytest.fixture
def far(shared: Far) -> Iterator[Far]:
    """With agent bob, who begins anew, and main as it was."""
    git, repository = shared.desk.installation.git, shared.desk.repository
    main = git(repository, "rev-parse", "main").strip()
    assert shared.desk.polis("agents", "add", "bob").status == 0
    yield shared
    assert shared.desk.polis("agents", "remove", "bob", "--force").status == 0
    git(repository, "branch", "-q", "-D", "agent/bob")
    git(repository, "reset", "-q", "--hard", main)
    git(shared.bare, "update-ref", "refs/heads/main", main)
    git(shared.bare, "update-ref", "-d", "refs/heads/topic")


@pytest.fixture
def desk(far: Far) -> Desk:
    return far.desk


def oid_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def place(text: str) -> str:
    """Below a git directory."""
    oid = oid_of(text)
    return f"lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}"


def new(word: str) -> str:
    """A line that makes b.bin of it."""
    return f"echo {word} >b.bin; git add . && git commit -q -m New"


def bob(desk: Desk, line: str) -> Ran:
    return desk.polis("shell", "bob", "-c", line)


def elsewhere(far: Far, text: str) -> None:
    """Somebody else pushes c.bin to main."""
    git, folder = far.desk.installation.git, far.desk.installation.folder / text.strip()
    git(far.bare, "clone", "-q", str(far.bare), str(folder))
    (folder / "c.bin").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Theirs")
    git(folder, "push", "-q", "origin", "main")
    assert (far.bare / place(text)).is_file()


def test_a_new_object_is_pushed_and_comes_home(desk: Desk, far: Far) -> None:
    assert work(desk, "cat a.bin; git status --short", "bob") == "large\n"
    ran = bob(desk, f"{new('new')} && {PUSH}")
    assert ran.status == 0, ran.err
    assert (far.bare / place("new\n")).read_text() == "new\n"
    assert far.git("show", "topic:b.bin").startswith("version https://git-lfs")
    assert (desk.repository / ".git" / place("new\n")).read_text() == "new\n"
    # What is in the user's store is nothing that could be lost.
    assert json.loads(desk.polis("agents", "show", "bob", "--json").out)["dirty"] is False
    assert desk.polis("agents", "merge", "bob", "--yes").status == 0
    assert (desk.repository / "b.bin").read_text() == "new\n"


def test_what_others_have_pushed_is_pulled(desk: Desk, far: Far) -> None:
    elsewhere(far, "theirs\n")
    ran = bob(desk, "git pull -q --ff-only origin main && cat c.bin && git status --short")
    assert (ran.status, ran.out) == (0, "theirs\n"), ran.err
    assert (desk.repository / ".git" / place("theirs\n")).is_file()
    (event,) = [
        one["body"] for one in desk.log("remote") if one["body"]["operation"] == "lfs-fetch"
    ]
    assert (event["remote"], event["oid"]) == ("origin", oid_of("theirs\n"))


def test_a_new_tree_downloads_nothing_and_says_so(desk: Desk, far: Far) -> None:
    store = desk.repository / ".git/lfs/objects"
    shutil.rmtree(store)
    ran = desk.polis("agents", "add", "carol")
    assert ran.status == 0, ran.err
    assert "polis: 1 file is a pointer of Git LFS: your store has not what it stands for" in ran.err
    assert "hint: polis shell carol -c 'git lfs pull'" in ran.err
    assert not (store / oid_of("large\n")[:2]).exists()
    assert work(desk, "cat a.bin", "carol").startswith("version https://git-lfs")
    assert work(desk, "git lfs pull && cat a.bin && git status --short", "carol") == "large\n"
    assert (desk.repository / ".git" / place("large\n")).is_file()


def test_a_push_that_is_asked_about_sends_nothing_until_it_is_allowed(desk: Desk, far: Far) -> None:
    """The settings make another push of a plain one, which shows only when git is at it: its
    pre-push hook has run by then."""
    config = desk.folder_of("bob") / "git/config"
    with config.open("a") as file:
        file.write("[include]\n\tpath = more\n")
    (config.parent / "more").write_text('[remote "origin"]\n\tpush = +HEAD:refs/heads/main\n')
    ran = bob(desk, f"{new('asked')}; git push")
    assert "polis: asked by force-push: " in ran.err
    assert not (far.bare / place("asked\n")).exists()
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = bob(desk, "git push")
    assert ran.status == 0, ran.err
    assert (far.bare / place("asked\n")).is_file()


def test_objects_alone_are_a_push_as_well(desk: Desk, far: Far) -> None:
    work(desk, new("alone"), "bob")
    policy = desk.repository / ".polis/policy.yaml"
    policy.parent.mkdir()
    policy.write_text(NO_PUSH)
    try:
        until(lambda: "no-push" in desk.polis("policy", "list").out)
        ran = bob(desk, "git lfs push origin HEAD")
        assert ran.status != 0
        assert "denied by no-push" in ran.err
        assert not (far.bare / place("alone\n")).exists()
    finally:
        policy.unlink()
        until(lambda: "no-push" not in desk.polis("policy", "list").out)
    assert bob(desk, "git lfs push origin HEAD").status == 0
    assert (far.bare / place("alone\n")).is_file()


def test_an_object_that_is_not_what_its_name_says_goes_nowhere(desk: Desk, far: Far) -> None:
    work(desk, new("fake"), "bob")
    users, hers = desk.repository / ".git", desk.folder_of("bob") / "git"
    until((users / place("fake\n")).exists)
    (users / place("fake\n")).unlink()
    (hers / place("fake\n")).write_text("cafe\n")
    # The hook would have found it as well; an agent may have none.
    (hers / "hooks/pre-push").unlink()
    ran = bob(desk, PUSH)
    assert ran.status != 0
    oid = oid_of("fake\n")[:12]
    assert f"polis: the object {oid} is not what its name says" in ran.err
    assert f"polis: nothing is pushed: {oid} of Git LFS is neither here nor there" in ran.err
    assert "refs/heads/topic" not in far.tips()
    assert not (users / place("fake\n")).exists()
    assert not (far.bare / place("fake\n")).exists()
    (hers / place("fake\n")).write_text("fake\n")
    assert bob(desk, PUSH).status == 0
    assert (far.bare / place("fake\n")).is_file()


def test_the_server_wants_a_password_which_stays_outside(desk: Desk, far: Far) -> None:
    git = desk.installation.git
    helper = f"!printf 'username={USER}\\npassword={PASSWORD}\\n'"
    with serve_lfs() as server:
        git(desk.repository, "config", "remote.origin.lfsurl", server.address)
        git(desk.repository, "config", f"credential.{server.place}.helper", helper)
        try:
            ran = bob(desk, f"{new('secret')} && {PUSH}")
            assert ran.status == 0, ran.err
            assert server.objects == {oid_of("secret\n"): b"secret\n"}
            for store in (desk.repository / ".git", desk.folder_of("bob") / "git"):
                (store / place("secret\n")).unlink()
            ran = bob(desk, "rm b.bin; git checkout b.bin && cat b.bin; env; cat .git/config")
            assert ran.out.startswith("secret\n"), ran.err
            told = ran.out + ran.err + json.dumps(desk.log())
            assert PASSWORD not in told
        finally:
            git(desk.repository, "config", "remote.origin.lfsurl", f"file://{far.bare}")


def test_git_lfs_writes_its_hooks_and_who_bears_its_name_does_not(desk: Desk, far: Far) -> None:
    hooks = "$(git rev-parse --git-dir)/hooks"
    assert "pre-push" in work(desk, f"git lfs install && ls {hooks}", "bob")
    ran = bob(desk, f"cp $(command -v tee) /tmp/git-lfs; echo x | /tmp/git-lfs {hooks}/post-merge")
    assert ran.status != 0
    asked = [one["body"] for one in desk.log("asked")][-1]
    assert asked["line"].endswith(".git/hooks/post-merge")
    # Nor does what the file holds come to be a hook.
    bob(desk, f"git lfs checkout --to {hooks}/post-merge --ours a.bin")
    asked = [one["body"] for one in desk.log("asked")][-1]
    assert [one["id"] for one in asked["rules"]] == ["lfs-checkout-elsewhere"]


def test_what_is_thrown_away_comes_back(desk: Desk, far: Far) -> None:
    work(desk, "echo other >a.bin", "bob")
    assert desk.polis("agents", "discard", "bob", "--yes").status == 0
    assert work(desk, "cat a.bin", "bob") == "large\n"
    shutil.rmtree(desk.folder_of("bob") / "git/lfs")
    assert desk.polis("agents", "discard", "bob", "--undo").status == 0
    assert work(desk, "cat a.bin", "bob") == "other\n"


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        (("lfs-download", "origin", ADDRESS, "../../../config", "5"), "no object of Git LFS"),
        (("lfs-download", "origin", ADDRESS, "A" * 64, "5"), "no object of Git LFS"),
        (("lfs-download", "origin", ADDRESS, "a" * 64, "-5"), "no object of Git LFS"),
        (("lfs-download", "origin", ADDRESS, "a" * 64, "9" * 12), "carries at most 4 GiB"),
        (("lfs-download", "origin", ADDRESS, "a" * 64), "is no request"),
        (("lfs-download", "origin", "https://x.example/y", "a" * 64, "5"), "is no remote"),
        (("lfs-download", "origin", ADDRESS, "a" * 64, "5"), "has not given aaaaaaaaaaaa: "),
        (("lfs-upload", "origin", ADDRESS, "--all", "5"), "no object of Git LFS"),
        (("lfs-upload", "hub", "polis::hub", "a" * 64, "5"), "nothing is pushed to the hub"),
        (("lfs-upload", "origin", ADDRESS, "a" * 64, "5", "git-dir=/etc"), "is not in lfs/objects"),
    ],
)
def test_whatever_is_asked_gets_one_line(shared: Far, fields: tuple[str, ...], word: str) -> None:
    ran = shared.desk.polis("exec", "alice", "--", "python3", "-c", client(*fields))
    told = [line for line in ran.out.splitlines() if line.startswith("E polis: ")]
    assert word in told[-1], ran.out
    assert ran.out.splitlines()[-1] == "X 125"
    assert "D " not in ran.out


def test_a_server_that_never_answers_holds_nothing_of_the_hub(desk: Desk, far: Far) -> None:
    git = desk.installation.git
    elsewhere(far, "silent\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/shop.git"
        git(desk.repository, "config", "remote.origin.lfsurl", address)
        running = start(desk, "git pull -q --ff-only origin main && cat c.bin")
        try:
            server.settimeout(30)
            waiting, _ = server.accept()
            with waiting:
                work(desk, "git commit -q --allow-empty -m Mine", "bob")
                assert desk.polis("git", "gc", "-q").status == 0
                assert desk.polis("agents", "add", "dave").status == 0
                assert running.poll() is None
                running.send_signal(signal.SIGINT)
                running.communicate(timeout=20)
        finally:
            running.kill()
            running.communicate()
            git(desk.repository, "config", "remote.origin.lfsurl", f"file://{far.bare}")
    until(lambda: not desk.pids("lfs fetch"))


def test_many_who_hang_up_leave_nobody_reading(desk: Desk, far: Far) -> None:
    """One look at an agent's objects at a time, and none that nobody waits for."""
    (polisd,) = desk.pids("-m cash.daemon")
    wrong = desk.folder_of("alice") / "git" / place("wrong\n")

    def reading() -> int:
        count = 0
        for one in Path(f"/proc/{polisd}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                count += Path(os.readlink(one)).name == wrong.name
        return count

    wrong.parent.mkdir(parents=True, exist_ok=True)
    wrong.touch()
    os.truncate(wrong, 4 << 30)
    six = "import os\nfor _ in range(5):\n    if not os.fork():\n        break\n"
    program = six + client("lfs-upload", "origin", ADDRESS, "a" * 64, "5")
    running = start(desk, f"python3 -c {shlex.quote(program)}")
    try:
        until(lambda: reading() > 0)
        time.sleep(0.5)
        assert reading() == 1
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)
        until(lambda: reading() == 0, 3)
    finally:
        running.kill()
        running.communicate()
        wrong.unlink()
