"""git inside reaches the user's remotes through polisd, with the user's keys, and the hub."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import pytest
from desk import Desk, make_desk
from far import ADDRESS, Far, make_far
from homecoming import commit, work
from installation import Installation
from running import start, until
from speaking import client

pytestmark = pytest.mark.kernel


@pytest.fixture
def far(desk: Desk) -> Far:
    return make_far(desk)


def test_a_branch_is_pushed_with_the_users_keys(desk: Desk, far: Far) -> None:
    tip = commit(desk, "a.txt", "a\n")
    ran = desk.line("git push -u origin agent/alice")
    assert ran.status == 0, ran.err
    assert far.tips()["refs/heads/agent/alice"] == tip
    assert "To far.example:shop.git\n * [new branch]" in ran.err
    assert far.asked[-1].endswith("far.example git-receive-pack 'shop.git'")
    assert work(desk, "git rev-parse origin/agent/alice @{u}").split() == [tip, tip]
    tracked = desk.installation.git(desk.repository, "rev-parse", "origin/agent/alice").strip()
    assert tracked == tip
    (event,) = [one["body"] for one in desk.log("remote") if one["body"]["operation"] == "push"]
    assert event["refspecs"] == ["refs/heads/agent/alice:refs/heads/agent/alice"]
    assert (event["remote"], event["decision"], event["approval"]) == ("origin", "allow", "policy")


def test_what_others_have_pushed_is_fetched(desk: Desk, far: Far) -> None:
    work(desk, "git ls-remote origin")
    tracked = desk.installation.git(desk.repository, "rev-parse", "origin/main")
    tip = far.commit()
    ran = desk.line("git fetch origin")
    assert ran.status == 0, ran.err
    assert work(desk, "git rev-parse origin/main").strip() == tip
    assert work(desk, "git log -1 --format=%s origin/main") == "from afar\n"
    assert work(desk, "git fsck --connectivity-only") == ""
    # The user's own remote-tracking refs are theirs: a lease of a push of theirs goes by them.
    assert desk.installation.git(desk.repository, "rev-parse", "origin/main") == tracked
    assert "fetching" not in desk.installation.git(desk.repository, "for-each-ref")
    assert work(desk, "git pull -q --rebase origin main; git log -1 --format=%s") == "from afar\n"
    assert tip in work(desk, "git remote update; git ls-remote")


def test_a_forced_push_is_asked_about_once_and_goes_through(desk: Desk, far: Far) -> None:
    commit(desk, "a.txt", "a\n")
    work(desk, "git push -q origin agent/alice")
    tip = work(desk, "git commit -q --amend -m other; git rev-parse HEAD").strip()
    refused = desk.line("git push origin agent/alice")
    assert refused.status != 0
    assert "[rejected]" in refused.err
    line = "git push --force origin agent/alice"
    ran = desk.line(line)
    assert (ran.status, "asked by force-push" in ran.err) == (124, True)
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = desk.line(line)
    assert ran.status == 0, ran.err
    assert "(forced update)" in ran.err
    assert far.tips()["refs/heads/agent/alice"] == tip
    (event,) = [one["body"] for one in desk.log("remote") if one["body"]["decision"] == "ask"]
    assert event["approval"] == "allowed with its line"
    assert event["refspecs"] == ["+refs/heads/agent/alice:refs/heads/agent/alice"]
    assert len(desk.log("asked")) == 1


def test_what_is_really_asked_of_the_remote_is_judged(desk: Desk, far: Far) -> None:
    """A setting that nobody has seen makes another push of a plain one: it is asked about by what
    it does, and goes through when that was allowed."""
    before = far.tips()["refs/heads/main"]
    text = '[remote "origin"]\n\tpush = +HEAD:refs/heads/main\n'
    commit(desk, "a.txt", "a\n")
    tip = work(desk, "git commit -q --amend --allow-empty -m x; git rev-parse HEAD").strip()
    commit_of_others = far.commit()
    config = desk.folder_of("alice") / "git/config"
    with config.open("a") as file:
        file.write("[include]\n\tpath = more\n")
    (config.parent / "more").write_text(text)
    ran = desk.line("git push")
    assert "polis: asked by force-push: " in ran.err
    assert "hint: asked as q1" in ran.err
    assert far.tips()["refs/heads/main"] == commit_of_others != before
    (question,) = json.loads(desk.polis("approvals", "--json").out)
    assert question["line"] == "git push origin +HEAD:refs/heads/main"
    assert desk.polis("approvals", "allow", "q1").status == 0
    ran = desk.line("git push")
    assert ran.status == 0, ran.err
    assert far.tips()["refs/heads/main"] == tip


def test_an_answer_for_one_push_is_none_for_another(desk: Desk, far: Far) -> None:
    """Below an allowed line another process of the agent's forces another branch."""
    far.commit("topic")
    commit(desk, "a.txt", "a\n")
    topic = far.tips()["refs/heads/topic"]
    line = (
        "(sleep 1; git -c include.path=/tmp/more push origin) & "
        "git push --force origin agent/alice; wait"
    )
    (desk.folder_of("alice") / "scratch/more").write_text(
        '[remote "origin"]\n\tpush = +HEAD:refs/heads/topic\n'
    )
    assert desk.line(line).status == 124
    (question,) = json.loads(desk.polis("approvals", "--json").out)
    assert desk.polis("approvals", "allow", question["id"]).status == 0
    ran = desk.line(line)
    assert "asked by force-push" in ran.err, ran.err
    assert "refs/heads/agent/alice" in far.tips()
    assert far.tips()["refs/heads/topic"] == topic


def test_a_denied_push_never_reaches_the_remote(desk: Desk, far: Far) -> None:
    assert desk.polis("policy", "level", "strict").status == 0
    commit_line = "git commit -q --allow-empty -m x"
    desk.line(commit_line)
    talk = client("push", "origin", ADDRESS, "0", "+", _tip(desk), "HEAD", "refs/heads/main")
    ran = desk.polis("exec", "alice", "--", "python3", "-c", talk)
    assert "denied by force-push" in ran.out or ran.status in (124, 126)
    assert far.asked == []


def test_a_lease_a_deletion_a_dry_run_and_tags(desk: Desk, far: Far) -> None:
    commit(desk, "a.txt", "a\n")
    work(desk, "git push -q --dry-run origin agent/alice")
    assert "refs/heads/agent/alice" not in far.tips()
    work(desk, "git push -q origin agent/alice; git tag -a -m one v1; git push -q origin v1")
    assert far.git("cat-file", "-t", "v1") == "tag"
    work(desk, "git commit -q --amend -m other; git push -q --force-with-lease origin agent/alice")
    tip = work(desk, "git rev-parse HEAD").strip()
    assert far.tips()["refs/heads/agent/alice"] == tip
    other = far.commit("agent/alice")
    ran = desk.line(
        "git commit -q --amend -m third; git push --force-with-lease origin agent/alice"
    )
    assert "stale info" in ran.err
    assert far.tips()["refs/heads/agent/alice"] == other
    line = "git push origin --delete agent/alice"
    assert "asked by delete-remote-branch" in desk.line(line).err
    assert desk.polis("approvals", "allow", "q1").status == 0
    assert desk.line(line).status == 0
    assert "refs/heads/agent/alice" not in far.tips()


def test_the_hub_is_a_remote_too(desk: Desk) -> None:
    git = desk.installation.git
    git(desk.repository, "commit", "-q", "--allow-empty", "-m", "mine")
    git(desk.repository, "branch", "side")
    tip = git(desk.repository, "rev-parse", "main").strip()
    work(desk, "git fetch hub")
    assert work(desk, "git rev-parse hub/main hub/side").split() == [tip, tip]
    git(desk.repository, "branch", "-q", "-D", "side")
    git(desk.repository, "reset", "-q", "--hard", "HEAD~1")
    git(desk.repository, "reflog", "expire", "--expire=now", "HEAD", "refs/heads/main")
    git(desk.repository, "gc", "-q", "--prune=now")
    assert work(desk, "git log -1 --format=%s hub/side") == "mine\n"
    ran = desk.line("git push hub HEAD:refs/heads/x")
    assert ran.status != 0
    assert ran.err == (
        "polis: nothing is pushed to the hub: what you commit comes out by itself\n"
        "hint: git commit; it is agent/alice there\n"
    )


def test_agents_that_work_see_the_hubs_branches_move(desk: Desk) -> None:
    git = desk.installation.git
    assert desk.polis("agents", "add", "bob").status == 0
    work(desk, "true")
    work(desk, "git commit -q --allow-empty -m bobs", "bob")
    git(desk.repository, "commit", "-q", "--allow-empty", "-m", "mine")
    until(lambda: work(desk, "git log -1 --format=%s hub/main") == "mine\n", 40)
    until(lambda: work(desk, "git log -1 --format=%s hub/agent/bob") == "bobs\n", 40)
    git(desk.repository, "branch", "gone")
    until(lambda: "hub/gone" in work(desk, "git branch -r"), 40)
    git(desk.repository, "branch", "-d", "gone")
    until(lambda: "hub/gone" not in work(desk, "git branch -r"), 40)
    assert [one for one in desk.log("imported") if one["body"]["refused"]] == []
    assert desk.polis("agents", "remove", "alice").status == 0  # nothing of it counts as work


def test_what_was_fetched_outlives_a_gc_of_the_hub(desk: Desk, far: Far) -> None:
    tip = far.commit("topic")
    work(desk, "git fetch -q origin")
    far.git("branch", "-D", "topic")
    desk.installation.git(desk.repository, "gc", "-q", "--prune=now")
    assert work(desk, "git cat-file -t origin/topic; git rev-parse origin/topic").split() == [
        "commit",
        tip,
    ]


def test_a_remote_that_hangs_keeps_only_its_own_command(desk: Desk) -> None:
    far = make_far(desk)
    ssh = desk.installation.folder / "ssh"
    ssh.write_text(f"#!/bin/sh\necho hanging >>{far.log}\nexec sleep 1000\n")
    running = start(desk, "git fetch origin")
    try:
        until(lambda: far.asked == ["hanging"])
        assert desk.polis("agents", "list").status == 0
        assert desk.line("git fetch hub && echo fine").out == "fine\n"
        (sleeping,) = desk.pids("sleep 1000")
        running.send_signal(signal.SIGINT)
        assert running.wait(20) != 0
        until(lambda: not _lives(sleeping))
    finally:
        running.kill()
        running.communicate()


def test_progress_comes_while_it_runs(desk: Desk) -> None:
    far = make_far(desk)
    ssh = desk.installation.folder / "ssh"
    ssh.write_text(
        "#!/bin/bash\n"
        'echo "remote: wait for me https://ada:hunter2@far.example/x" >&2\n'
        f"until [ -e {far.bare.parent}/go ]; do sleep 0.1; done\n"
        f'cd {far.bare.parent} && eval "${{!#}}"\n'
    )
    running = start(desk, "git ls-remote origin")
    try:
        assert running.stderr is not None
        heard = os.read(running.stderr.fileno(), 4096)
        assert heard == b"remote: wait for me https://far.example/x\n"
        (far.bare.parent / "go").touch()
        out, _ = running.communicate(timeout=20)
        assert b"refs/heads/main" in out
    finally:
        running.kill()
        running.communicate()


def test_a_remote_that_cannot_be_reached_says_so(desk: Desk) -> None:
    make_far(desk)
    ssh = desk.installation.folder / "ssh"
    ssh.write_text("#!/bin/sh\necho 'ssh: no route to far.example' >&2; exit 255\n")
    ran = desk.line("git fetch origin")
    assert ran.status == 128
    assert ran.err.startswith("ssh: no route to far.example\n")
    assert "polis" not in ran.err


def test_a_remote_that_the_user_adds_later_is_known(desk: Desk, far: Far) -> None:
    git = desk.installation.git
    assert "upstream" not in work(desk, "git remote")
    bare = desk.installation.folder / "up.git"
    git(desk.repository, "clone", "-q", "--bare", str(far.bare), str(bare))
    git(desk.repository, "remote", "add", "upstream", "https://ada:hunter2@far.example/up.git")
    git(
        desk.repository, "config", f"url.{bare}.insteadOf", "https://ada:hunter2@far.example/up.git"
    )
    ran = desk.line("git fetch upstream && git rev-parse upstream/main")
    assert ran.status == 0, ran.err
    shown = work(desk, "git remote -v; git config --list; cat /run/polis/door/remotes")
    assert "https://far.example/up.git" in shown
    assert "hunter2" not in shown + ran.out + ran.err
    assert "hunter2" not in desk.polis("log", "--json", "--limit", "1000").out


def _tip(desk: Desk) -> str:
    return desk.installation.git(desk.repository, "rev-parse", "HEAD").strip()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


OBJECT = "1" * 40


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        (("list", "ext::sh -c 'touch /tmp/x'", "ext::sh -c x", "fetch"), "is no remote"),
        (("list", "--upload-pack=touch x", ADDRESS + "x", "fetch"), "is no remote"),
        (("list", "file:///etc", "file:///etc", "fetch"), "is no remote"),
        (
            ("list", "https://u:hunter2@h.example/x", "https://u:hunter2@h.example/x", "push"),
            "is no",
        ),
        (("list", "../shop", "../shop", "fetch"), "is no remote"),
        (("fetch", "origin", ADDRESS, "0", "--upload-pack=x"), "is no name of a ref"),
        (
            ("fetch", "origin", ADDRESS, "0", "refs/heads/main:refs/heads/main"),
            "is no name of a ref",
        ),
        (("fetch", "origin", ADDRESS, "0", "refs/heads/a\nrefs/heads/b"), "is no name of a ref"),
        (("fetch", "origin", ADDRESS, "0", "refs/heads/../../x"), "is no name of a ref"),
        (("fetch", "origin", ADDRESS, "0", "refs/heads/x.lock"), "is no name of a ref"),
        (("fetch", "origin", ADDRESS, "0"), "refs at a time"),
        (("push", "origin", ADDRESS, "0", "", OBJECT, "x", "--receive-pack=x"), "is no name"),
        (("push", "origin", ADDRESS, "0", "", "HEAD", "HEAD", "refs/heads/x"), "is no object"),
        (
            ("push", "origin", ADDRESS, "0", "", OBJECT, "x", "refs/heads/x y"),
            "is no name of a ref",
        ),
        (("push", "origin", ADDRESS, "0", "", OBJECT, "x"), "is no request"),
        (
            ("push", "origin", ADDRESS, "1", "cas=x:y", "", OBJECT, "x", "refs/heads/x"),
            "is no name",
        ),
        (
            ("push", "origin", ADDRESS, "0", "", OBJECT, "x", "refs/heads/x"),
            "cannot be carried over",
        ),
        (("push", "origin", ADDRESS, "x"), "is no request"),
        (("run", "origin", ADDRESS), "is no request"),
        ((), "is no request"),
        (("list",), "is no request"),
    ],
)
def test_whatever_is_said_gets_one_line(shared: Desk, fields: tuple[str, ...], word: str) -> None:
    ran = shared.polis("exec", "alice", "--", "python3", "-c", client(*fields))
    assert ran.status == 0, ran.err
    told = ran.out.splitlines()
    assert word in told[0], ran.out
    assert told[0].startswith("E polis: ")
    assert told[-1] == "X 125"
    assert "hunter2" not in ran.out + shared.polis("log", "--json", "--limit", "1000").out
    assert not (shared.installation.folder / "asked").exists()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all that is refused."""
    installation = Installation(tmp_path_factory.mktemp("i")).make()
    desk = make_desk(installation)
    make_far(desk)
    yield desk
    installation.stop()
