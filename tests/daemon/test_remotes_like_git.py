"""Inside, each command that reaches a remote does and says what plain git does and says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from desk import Desk
from installation import Installation, Ran
from served import serve_git

pytestmark = pytest.mark.kernel

# The same commits on both sides.
_DATES = {
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}
_EXPORTS = "export " + " ".join(f"{key}={value}" for key, value in _DATES.items())
_REFS = "git for-each-ref --format='%(refname) %(objectname) %(symref)' | grep -v /hub/"
# `far BRANCH` is a commit to a branch of the remote by somebody else, `far -BRANCH` its end,
# `far-tag NAME` a tag; each comes before the rest of its step.
STEPS = (
    "git ls-remote origin",
    "git ls-remote --heads origin main",
    "git ls-remote --tags origin",
    "git ls-remote --exit-code origin refs/heads/none",
    "git ls-remote --symref origin HEAD",
    "git ls-remote",
    "git fetch origin",
    "git fetch origin",
    "far main; git fetch",
    "far main; git fetch -q origin main",
    "far main; git fetch origin main && git merge --ff-only FETCH_HEAD",
    "far topic; git fetch origin topic:refs/heads/local",
    "far topic; git fetch origin refs/heads/topic && git log -1 --format=%s FETCH_HEAD",
    "far main; far-tag v1; git fetch origin",
    "far main; git fetch --no-tags origin",
    "far side; far other; git fetch --multiple origin origin",
    "far main; git remote update origin",
    "far gone; git fetch origin && git remote show origin",
    "far -gone; git fetch origin",
    "git fetch --prune origin",
    "far gone; git fetch -q origin",
    "far -gone; git remote prune origin",
    "git fetch --dry-run origin",
    "git fetch origin no-such-branch",
    "git fetch nowhere",
    "git commit -q --allow-empty -m mine; git pull --rebase origin main",
    "far main; git pull --no-rebase --no-commit origin main; git commit -q -m merged",
    "far main; git pull --ff-only origin main",
    "git pull 2>/dev/null",
    "git push origin agent/alice",
    "git push origin agent/alice",
    "git commit -q --allow-empty -m more; git push -u origin HEAD",
    "git commit -q --allow-empty -m more; git push",
    "far agent/alice; git commit -q --allow-empty -m late; git push",
    "git pull --rebase && git push",
    "git status -sb",
    "git commit -q --allow-empty -m dry; git push --dry-run origin HEAD",
    "git push --porcelain origin HEAD",
    "git tag v2; git tag -a -m three v3; git push origin v2 v3",
    "git tag v4; git push --tags origin",
    "git push origin HEAD:refs/heads/agent/alice-two",
    "git commit -q --allow-empty -m at; git push --atomic origin HEAD HEAD:agent/alice-two",
    "git commit -q --amend --allow-empty -m at2; git push --force-with-lease origin HEAD",
    "git push origin none",
    "git push -q nowhere HEAD",
    "far agent/alice; git pull; git log -3 --format='%s %h'",
    "git commit -q --allow-empty -m said; git push -v origin HEAD",
    "far-tag v9; git fetch --tags origin",
    "far main; git fetch -q origin $(git ls-remote origin main | cut -f1); git log -1 FETCH_HEAD",
    "far main; git fetch --jobs 2 --atomic origin",
    "git fetch origin '+refs/heads/*:refs/remotes/all/*'",
)


@dataclass(frozen=True)
class Twins:
    """alice inside, and a plain clone with a remote of its own; both remotes stay the same."""

    desk: Desk
    plain: Path
    remotes: tuple[Path, Path]
    base: str

    def far(self, branch: str) -> None:
        """Somebody pushes to the branch, or deletes it."""
        git = self.desk.installation.git
        for remote in self.remotes:
            if branch.startswith("-"):
                git(remote, "update-ref", "-d", f"refs/heads/{branch[1:]}")
                continue
            tip = git(remote, "for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}")
            parent = tip.strip() or git(remote, "rev-parse", "main").strip()
            words = ("commit-tree", "-p", parent, "-m", f"to {branch}", f"{parent}^{{tree}}")
            ran = self.desk.installation.run("git", *words, cwd=remote, environment=_DATES)
            assert ran.status == 0, ran.err
            git(remote, "update-ref", f"refs/heads/{branch}", ran.out.strip())

    def tag(self, name: str) -> None:
        for remote in self.remotes:
            words = ("git", "tag", "-a", "-m", name, name, "main")
            ran = self.desk.installation.run(*words, cwd=remote, environment=_DATES)
            assert ran.status == 0, ran.err

    def prepare(self, step: str) -> str:
        """Does what happens afar; the rest of the step."""
        words = step.split("; ")
        for word in words:
            match word.split():
                case ["far", branch]:
                    self.far(branch)
                case ["far-tag", name]:
                    self.tag(name)
        return "; ".join(word for word in words if not word.startswith("far"))

    @property
    def sides(self) -> tuple[Callable[[str], Ran], Callable[[str], Ran]]:
        """A line inside, and by plain git."""
        return (
            lambda line: self.desk.line(f"{_EXPORTS}\n{line}"),
            lambda line: self.desk.installation.run(
                "bash", "-c", f"{_EXPORTS}\n{line}", cwd=self.plain
            ),
        )

    def same(self, *ran: Ran) -> list[tuple[int, str, str]]:
        """But for which of the twins it is."""
        return [(one.status, self._plainly(one.out), self._plainly(one.err)) for one in ran]

    def _plainly(self, text: str) -> str:
        # On which machine that is, only who connects there says (--verbose).
        text = re.sub(r"(?:Looking up|Connecting to) .*\n", "", text)
        return re.sub(re.escape(self.base) + r"/\w+(\.git)?", r"REMOTE\1", text)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twins]:
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    git, served = installation.git, installation.folder / "served"
    served.mkdir()
    repository = installation.make_repository()
    remotes = (served / "inside.git", served / "plain.git")
    for remote in remotes:
        git(repository, "clone", "-q", "--bare", str(repository), str(remote))
    with serve_git(served) as base:
        plain = installation.folder / "plain"
        git(repository, "clone", "-q", f"{base}/plain.git", str(plain))
        git(plain, "switch", "-q", "-c", "agent/alice", "--no-track")
        git(plain, "branch", "-q", "-D", "main")
        git(repository, "remote", "add", "origin", f"{base}/inside.git")
        git(repository, "fetch", "-q", "origin")
        git(repository, "remote", "set-head", "origin", "-a")
        desk = Desk(installation, repository)
        for words in (("init",), ("config", "set", "ask-seconds", "2"), ("agents", "add", "alice")):
            ran = desk.polis(*words)
            assert ran.status == 0, ran.err
        yield Twins(desk, plain, remotes, base)
        installation.stop()


def test_each_command_does_what_plain_git_does(twins: Twins) -> None:
    differing = []
    for step in STEPS:
        line = twins.prepare(step)
        (inside, outside) = [twins.same(run(line), run(_REFS)) for run in twins.sides]
        if inside != outside:
            differing += [step, *map(str, inside), "where plain git gives", *map(str, outside)]
    assert not differing, "\n".join(differing)
