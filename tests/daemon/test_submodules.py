"""An agent's submodules: cloned, fetched and pushed with the user's keys, from the user's own."""

from __future__ import annotations

import os
import re
import tarfile

import pytest
from desk import Desk
from far import make_far
from homecoming import work

pytestmark = pytest.mark.kernel

ADDRESS = "git@far.example:part.git"
PUSH = "git push -q origin HEAD:refs/heads/topic"
# What git may run of a repository's own, where it is fetched from, pushed from, or worked in.
PLANTED = """
[core]
	fsmonitor = RUN
	sshCommand = RUN
	alternateRefsCommand = RUN
	askPass = RUN
[uploadpack]
	packObjectsHook = RUN
[remote "origin"]
	receivepack = RUN
	uploadpack = RUN
[credential]
	helper = !RUN
[gpg]
	program = RUN
[protocol "ext"]
	allow = always
"""


@pytest.fixture
def parted(desk: Desk) -> Desk:
    """The user's repository with a submodule `part`, and agent bob."""
    make_far(desk)
    git, folder = desk.installation.git, desk.installation.folder
    git(folder, "clone", "-q", "--bare", str(desk.repository), str(folder / "part.git"))
    git(folder / "part.git", "remote", "remove", "origin")
    with (desk.installation.home / ".gitconfig").open("a") as file:
        file.write(f"[core]\n\tsshCommand = {folder}/ssh\n")
    git(desk.repository, "submodule", "--quiet", "add", "-b", "main", ADDRESS, "part")
    git(desk.repository, "commit", "-q", "-m", "A part")
    assert desk.polis("agents", "add", "bob").status == 0
    return desk


def bare(desk: Desk, *words: str) -> str:
    """In the submodule's remote repository."""
    return desk.installation.git(desk.installation.folder / "part.git", *words).strip()


def test_a_submodule_is_cloned_fetched_and_pushed(parted: Desk) -> None:
    ran = parted.polis("shell", "bob", "-c", "git submodule update --init && cat part/README.md")
    assert (ran.status, ran.out.splitlines()[-1]) == (0, "A small shop."), ran.err
    tree = bare(parted, "rev-parse", "main^{tree}")
    theirs = bare(parted, "commit-tree", "-p", "main", "-m", "Theirs", tree)
    bare(parted, "update-ref", "refs/heads/main", theirs)
    line = "cd part && git pull -q --ff-only origin main && git log -1 --format=%s"
    assert work(parted, line, "bob") == "Theirs\n"
    line = (
        "cd part && git commit -q --allow-empty -m Ours && git push -q origin HEAD:refs/heads/topic"
    )
    work(parted, line, "bob")
    assert bare(parted, "log", "-1", "--format=%s", "topic") == "Ours"
    assert "topic" not in parted.installation.git(parted.installation.folder / "shop.git", "branch")
    pushed = [one["body"] for one in parted.log("remote") if one["body"]["operation"] == "push"]
    assert [one["remote"] for one in pushed] == [ADDRESS]


def test_a_new_commit_of_it_shows_and_is_committed_as_with_plain_git(parted: Desk) -> None:
    line = "git submodule --quiet update --init && git status --short"
    assert work(parted, line, "bob") == ""
    bump = "git -C part commit -q --allow-empty -m Ours && git status --short"
    assert work(parted, bump, "bob") == " M part\n"
    assert "+Subproject commit" in parted.polis("agents", "diff", "bob").out
    line = f"git add part && git commit -q -m Bump && git -C part rev-parse HEAD && {bump}"
    tip, shown = work(parted, line, "bob").splitlines()
    assert shown == " M part"
    work(parted, "git commit -q -a -m 'Once more'", "bob")
    parted.polis("agents", "merge", "bob", "--yes")
    assert parted.installation.git(parted.repository, "rev-parse", "main~1:part").strip() == tip


def test_one_at_a_plain_path_is_updated_fetched_and_pushed(parted: Desk) -> None:
    """Which git itself takes for a folder that must be there, and inside is none."""
    git, folder = parted.installation.git, parted.installation.folder
    allowed = ("-c", "protocol.file.allow=always")
    git(parted.repository, *allowed, "submodule", "--quiet", "add", f"{folder}/part.git", "plain")
    git(parted.repository, "commit", "-q", "-m", "At a plain path")
    assert parted.polis("agents", "add", "carol").status == 0
    # As with plain git: one that is not initialised stays empty.
    assert work(parted, "git submodule update; ls plain", "carol") == ""
    line = "git submodule --quiet update --init && cat plain/README.md && git status --short"
    assert work(parted, line, "carol") == "A small shop.\n"
    line = f"cd plain && git commit -q --allow-empty -m Ours && git fetch -q && {PUSH}"
    work(parted, line, "carol")
    assert bare(parted, "log", "-1", "--format=%s", "topic") == "Ours"
    assert not (parted.folder_of("carol") / "volume/tree/plain/.git").is_dir()


def test_its_large_files_go_with_it(parted: Desk) -> None:
    """Git LFS in a submodule: the object is in the submodule's store inside, and in the user's."""
    git, module = parted.installation.git, parted.repository / ".git/modules/part"
    git(module, "config", "remote.origin.lfsurl", f"file://{parted.installation.folder}/part.git")
    work(parted, "git submodule --quiet update --init", "bob")
    attributes = "echo '*.bin filter=lfs diff=lfs merge=lfs -text' >.gitattributes"
    line = f"cd part && {attributes} && echo x >x.bin && git add . && git commit -q -m X && {PUSH}"
    work(parted, line, "bob")
    for store in (module, parted.installation.folder / "part.git"):
        (place,) = [one for one in (store / "lfs/objects").rglob("*") if one.is_file()]
        assert place.read_text() == "x\n"
    inside = "$(git -C part rev-parse --git-dir)/lfs/objects"
    line = f"rm -r {inside} part/x.bin; git -C part checkout -q x.bin && cat part/x.bin"
    assert work(parted, line, "bob") == "x\n"


def test_what_it_borrows_outlives_a_gc_and_goes_with_the_agent(parted: Desk) -> None:
    module = parted.repository / ".git/modules/part"
    work(parted, "git submodule --quiet update --init", "bob")
    tree = bare(parted, "rev-parse", "main^{tree}")
    bare(parted, "update-ref", "refs/heads/side", bare(parted, "commit-tree", "-m", "Side", tree))
    work(parted, "git -C part fetch -q origin side", "bob")
    bare(parted, "update-ref", "-d", "refs/heads/side")
    parted.installation.git(module, "gc", "-q", "--prune=now")
    assert work(parted, "git -C part log -1 --format=%s FETCH_HEAD", "bob") == "Side\n"
    assert parted.polis("agents", "remove", "bob", "--force").status == 0
    refs = parted.installation.git(module, "for-each-ref", "--format=%(refname)")
    assert "refs/polis" not in refs
    assert parted.polis("uninstall", "--yes").status == 0
    assert not (module / "polis").exists()


def test_one_that_is_initialised_while_the_walls_stand_says_what_to_do(parted: Desk) -> None:
    git = parted.installation.git
    git(parted.installation.folder, "clone", "-q", "--bare", "part.git", "more.git")
    address = "git@far.example:more.git"
    work(parted, "true", "bob")
    git(parted.repository, "submodule", "--quiet", "add", "-b", "main", address, "more")
    ran = parted.polis("shell", "bob", "-c", f"git clone -q {address}")
    assert ran.status != 0
    assert ran.err.startswith("polis: this submodule is shown when the walls are raised anew\n")
    assert "hint: outside: polis agents stop bob\n" in ran.err
    assert parted.polis("agents", "stop", "bob").status == 0
    line = f"git clone -q {address} && git -C more log -1 --format=%s"
    assert work(parted, line, "bob") == "Begin\n"


def test_a_forced_push_in_a_submodule_is_asked_about_by_its_address(parted: Desk) -> None:
    """An answer about `origin` of the tree is none about `origin` of a part of it."""
    work(parted, "git submodule --quiet update --init", "bob")
    talk = "{ printf 'push +HEAD:refs/heads/main\\n\\n'; sleep 4; } | git remote-polis origin "
    ran = parted.polis("shell", "bob", "-c", f"cd part && {talk} {ADDRESS}")
    assert ran.status == 124, ran.err
    (asked,) = [one["body"] for one in parted.log("asked")]
    assert asked["line"] == f"git push {ADDRESS} +HEAD:refs/heads/main"


def test_nothing_planted_in_a_submodule_runs_outside(parted: Desk) -> None:
    work(parted, "git submodule --quiet update --init", "bob")
    tree = parted.folder_of("bob") / "volume/tree"
    module = parted.folder_of("bob") / "git/modules/part"
    program, log = tree / "run.sh", tree / "ran.log"
    program.write_text(f"#!/bin/sh\necho $(readlink /proc/self/ns/mnt) >>{log}\ncat\n")
    program.chmod(0o755)
    for name in ("pre-push", "reference-transaction", "post-index-change", "pre-receive"):
        (module / "hooks").mkdir(exist_ok=True)
        (module / "hooks" / name).symlink_to(program)
    with (module / "config").open("a") as file:
        file.write(PLANTED.replace("RUN", str(program)))
    owner = tree.stat()
    for place in (program, *module.rglob("*")):
        os.chown(place, owner.st_uid, owner.st_gid, follow_symlinks=False)
    ran = parted.polis("shell", "bob", "-c", f"cd part; git commit -q --allow-empty -m x; {PUSH}")
    assert bare(parted, "log", "-1", "--format=%s", "topic") == "x", ran.err
    places = set(log.read_text().split())
    assert places
    assert os.readlink("/proc/self/ns/mnt") not in places


def test_another_address_by_the_name_of_the_users_remote_is_not_theirs(parted: Desk) -> None:
    line = "{ echo list; sleep 4; } | git remote-polis origin git@far.example:x.git"
    ran = parted.polis("shell", "bob", "-c", line)
    assert "polis: 'git@far.example:x.git' is no remote of this repository\n" in ran.err


_COMMIT = "cd part && echo more >more && git add more && git commit -q -m More"


def test_work_in_it_that_is_nowhere_else_does_not_go_with_the_agent(parted: Desk) -> None:
    work(parted, f"git submodule --quiet update --init && {_COMMIT}", "bob")
    work(parted, "git commit -qam 'A newer part'", "bob")
    refused = parted.polis("agents", "remove", "bob")
    assert refused.status == 64, refused.out
    assert "bob has work in part that was not pushed from there" in refused.err
    work(parted, f"cd part && {PUSH}", "bob")
    work(parted, "cd part && echo new >new", "bob")
    assert "bob has work in part" in parted.polis("agents", "remove", "bob").err
    removed = parted.polis("agents", "remove", "bob", "--force")
    assert removed.status == 0, removed.err
    (archive,) = re.findall(r"its submodules, in (\S+\.tar) ", removed.out)
    with tarfile.open(archive) as kept:
        names = kept.getnames()
        new = kept.extractfile("volume/tree/part/new")
        assert new is not None
        assert new.read() == b"new\n"
    assert "git/modules/part/HEAD" in names
    assert any(name.startswith("git/modules/part/objects/") for name in names)


def test_what_was_pushed_from_it_keeps_no_agent(parted: Desk) -> None:
    work(parted, f"git submodule --quiet update --init && {_COMMIT} && {PUSH}", "bob")
    work(parted, "git commit -qam 'A newer part'", "bob")
    removed = parted.polis("agents", "remove", "bob")
    assert removed.status == 0, removed.err
    assert "submodules" not in removed.out
