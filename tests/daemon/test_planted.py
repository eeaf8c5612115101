"""Whatever of git's own an agent plants: nothing of it runs outside its walls, when its commits are
carried out, pushed, fetched for, looked at, merged, thrown away or kept."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from desk import Desk, make_desk
from far import Far, make_far
from installation import Installation

pytestmark = pytest.mark.kernel

_LOG = "ran.log"
# Section, and what stands below it; RUN is a program that tells where it ran, and why.
KEYS = {
    "core.fsmonitor": ("core", "fsmonitor = RUN"),
    "core.sshCommand": ("core", "sshCommand = RUN"),
    "core.hooksPath": ("core", "hooksPath = HOOKS"),
    "core.pager": ("core", "pager = RUN"),
    "core.editor": ("core", "editor = RUN"),
    "core.askPass": ("core", "askPass = RUN"),
    "core.gitProxy": ("core", "gitProxy = RUN"),
    "core.alternateRefsCommand": ("core", "alternateRefsCommand = RUN"),
    "core.worktree": ("core", "worktree = /etc"),
    "core.attributesFile": ("core", "attributesFile = attributes"),
    "core.excludesFile": ("core", "excludesFile = RUN"),
    "sequence.editor": ("sequence", "editor = RUN"),
    "diff.external": ("diff", "external = RUN"),
    "diff.*.textconv": ('diff "x"', "textconv = RUN\n\tcommand = RUN"),
    "filter.*.clean": ('filter "x"', "clean = RUN"),
    "filter.*.smudge": ('filter "x"', "smudge = RUN"),
    "filter.*.process": ('filter "x"', "process = RUN\n\trequired = true"),
    "merge.*.driver": ('merge "x"', "driver = RUN %O %A %B"),
    "credential.helper": ("credential", "helper = !RUN"),
    "gpg.program": ("gpg", "program = RUN\n[commit]\n\tgpgSign = true"),
    "gpg.ssh": ('gpg "ssh"', "program = RUN\n\tdefaultKeyCommand = RUN\n[gpg]\n\tformat = ssh"),
    "uploadpack.packObjectsHook": ("uploadpack", "packObjectsHook = RUN"),
    "receive.procReceiveRefs": ("receive", "procReceiveRefs = refs"),
    "remote.*.uploadpack": ('remote "origin"', "uploadpack = RUN"),
    "remote.*.receivepack": ('remote "origin"', "receivepack = RUN"),
    "remote.*.vcs": ('remote "origin"', "vcs = ext"),
    "remote.*.proxy": ('remote "origin"', "proxy = http://127.0.0.1:1"),
    "remote.*.url": ('remote "origin"', "url = ext::RUN\n\tpushurl = ext::RUN"),
    "remote.*.push": ('remote "origin"', "push = --receive-pack=RUN"),
    "url.*.insteadOf": ('url "ext::RUN "', "insteadOf = git@far.example"),
    "url.*.pushInsteadOf": ('url "ext::RUN "', "pushInsteadOf = git@far.example"),
    "alias.*": ("alias", "fetch = !RUN\n\tupload-pack = !RUN\n\tremote-polis = !RUN"),
    "include.path": ("include", "path = more"),
    "includeIf": ('includeIf "gitdir:/"', "path = more"),
    "submodule.*.update": ('submodule "part"', "update = !RUN\n\turl = ext::RUN\n\tactive = true"),
    "protocol.ext.allow": ("protocol", "allow = always\n[protocol.ext]\n\tallow = always"),
    "interactive.diffFilter": ("interactive", "diffFilter = RUN"),
    "init.templateDir": ("init", "templateDir = HOOKS"),
    "pager.*": ("pager", "fetch = RUN\n\tpush = RUN\n\tlog = RUN"),
    "trailer.*.command": ('trailer "x"', "command = RUN\n\tcmd = RUN"),
    "extensions.worktreeConfig": ("extensions", "worktreeConfig = true"),
    "http.proxy": ("http", "proxy = ext::RUN\n\tcookieFile = RUN"),
}
_HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-applypatch", "post-checkout"),
    *("post-commit", "post-index-change", "post-merge", "post-receive", "post-rewrite"),
    *("post-update", "pre-applypatch", "pre-auto-gc", "pre-commit", "pre-merge-commit", "pre-push"),
    *("pre-rebase", "pre-receive", "prepare-commit-msg", "proc-receive", "push-to-checkout"),
    *("reference-transaction", "sendemail-validate", "update"),
)


@dataclass(frozen=True)
class Field:
    """Where things are planted."""

    desk: Desk
    far: Far

    @property
    def git(self) -> Path:
        return self.desk.folder_of("alice") / "git"

    def plant(self, section: str, text: str) -> None:
        """In the agent's configuration, in its home's, and where includes lead."""
        text = text.replace("RUN", str(self.desk.tree / "run.sh"))
        section = section.replace("RUN", str(self.desk.tree / "run.sh"))
        text = f"\n[{section}]\n\t{text.replace('HOOKS', str(self.desk.tree / 'hooks'))}\n"
        plain = (self.git / "config.plain").read_text()
        (self.git / "config").write_text(plain + text)
        (self.git / "config.worktree").write_text(text)
        (self.git / "more").write_text(f"[core]\n\tfsmonitor = {self.desk.tree}/run.sh\n")
        (self.git / "attributes").write_text("* filter=x diff=x merge=x\n")

    def ran_outside(self) -> list[str]:
        """What ran in the mount namespace of polisd, or with the uid of none of the agent's."""
        outside = os.readlink("/proc/self/ns/mnt")
        log = self.desk.tree / _LOG
        lines = log.read_text().splitlines() if log.exists() else []
        return [line for line in lines if line.startswith(outside)]


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    desk = make_desk(installation)
    field = Field(desk, make_far(desk))
    tree = desk.tree
    program = f'#!/bin/sh\necho "$(readlink /proc/self/ns/mnt) $0 $*" >>{tree}/{_LOG}\ncat\n'
    (tree / "hooks/hooks").mkdir(parents=True)
    for folder in (tree / "hooks", tree / "hooks/hooks", field.git / "hooks"):
        for name in _HOOKS:
            (folder / name).write_text(program)
            (folder / name).chmod(0o755)
    (tree / "run.sh").write_text(program)
    (tree / "run.sh").chmod(0o755)
    (field.git / "info/exclude").write_text("/ran.log\n/hooks\n/run.sh\n")
    (field.git / "config.plain").write_text((field.git / "config").read_text())
    (tree / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    (tree / ".gitmodules").write_text('[submodule "part"]\n\tpath = part\n\turl = ./part\n')
    yield field
    installation.stop()


@pytest.mark.parametrize("key", KEYS)
def test_no_key_runs_outside(field: Field, key: str) -> None:
    desk = field.desk
    field.plant(*KEYS[key])
    for line in (
        f"echo '{key}' >>file.txt; git add -A; git commit -q -m '{key}'",
        "git push -q origin HEAD:refs/heads/agent/alice",
        "git fetch -q origin; git fetch -q hub; git ls-remote -q origin",
    ):
        desk.line(line)
    desk.polis("agents", "diff", "alice")
    assert field.ran_outside() == []


def test_most_of_it_was_really_carried_out(field: Field) -> None:
    """The test above is worth something: with nearly all keys planted commits came out, and what
    was planted ran inside."""
    log = (field.desk.tree / _LOG).read_text()
    assert sum(name in log for name in _HOOKS) >= 4, log[:2000]
    assert log.count("run.sh") >= 10
    assert len(field.far.git("rev-list", "agent/alice").splitlines()) >= 10
    imported = field.desk.log("imported")
    assert len([one for one in imported if one["body"]["updated"]]) >= 10


def test_the_planted_program_would_tell(field: Field) -> None:
    """git, run outside on what the agent has written, does obey it."""
    field.plant(*KEYS["core.fsmonitor"])
    place = ("--git-dir", str(field.git), "--work-tree", str(field.desk.tree))
    safe = ("-c", "safe.directory=*")
    field.desk.installation.run("git", *safe, *place, "status", cwd=field.desk.tree)
    assert field.ran_outside() != []
    (field.desk.tree / _LOG).unlink()


def test_work_that_comes_home_or_is_thrown_away_runs_nothing(field: Field) -> None:
    desk = field.desk
    for key in ("core.fsmonitor", "core.hooksPath", "filter.*.process", "merge.*.driver"):
        field.plant(*KEYS[key])
        desk.line(f"echo {key} >new.txt")
        desk.polis("agents", "discard", "alice", "--yes")
        desk.line(f"echo {key} >>more.txt; git add more.txt; git commit -q --no-gpg-sign -m x")
        desk.polis("agents", "merge", "alice", "--yes")
    field.plant("core", "fsmonitor = RUN")
    desk.line("echo left >left.txt")
    assert desk.polis("agents", "remove", "alice", "--force").status == 0
    trash = desk.state / "trash"
    outside = os.readlink("/proc/self/ns/mnt")
    logs = [path.read_text() for path in trash.glob(f"*/volume/tree/{_LOG}")]
    assert outside not in "".join(logs)
    log = desk.installation.git(desk.repository, "log", "--format=%s", "--all")
    assert "\nx\n" in log


def test_a_hostile_alternates_file_and_garbage_stay_inside(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    try:
        desk = make_desk(installation)
        far = make_far(desk)
        git = desk.folder_of("alice") / "git"
        before = installation.git(desk.repository, "for-each-ref", "refs/heads/main")
        with (git / "objects/info/alternates").open("a") as file:
            file.write("/etc\n/proc/self/root\n")
        bad = (
            "b=$(printf 'tree %s\\nauthor x <x> 0 +0000\\nnonsense\\n\\nm\\n' "
            "$(git rev-parse HEAD^{tree}) | git hash-object -t commit -w --stdin --literally); "
            "git push origin $b:refs/heads/bad; echo $?"
        )
        ran = desk.line(bad)
        assert "polis: the work of alice cannot be carried over: " in ran.err, ran.err
        assert "refs/heads/bad" not in far.tips()
        assert installation.git(desk.repository, "for-each-ref", "refs/heads/main") == before
        assert desk.line("git push origin HEAD:refs/heads/fine").status == 0
        assert "refs/heads/fine" in far.tips()
        (desk.tree / ".gitmodules").write_text(
            '[submodule "x"]\n\tpath = x\n\turl = ./x\n\tupdate = !touch /tmp/x\n'
        )
        commit = "git add .gitmodules; git commit -q -m x; git push origin HEAD:refs/heads/bad"
        ran = desk.line(commit)
        assert "disallowed submodule update setting" in ran.err
        assert "refs/heads/bad" not in far.tips()
        assert installation.git(desk.repository, "fsck") == ""
    finally:
        installation.stop()
