"""What is there inside, tried by reading and writing it."""

from __future__ import annotations

import os
import pwd
from typing import Final

import pytest
from walled import Walled

pytestmark = pytest.mark.kernel

# One word a path: absent, or what listing/reading and writing gave.
_LOOK: Final = r"""
look() {
    if [ ! -e "$1" ] && [ ! -L "$1" ]; then echo absent; return; fi
    if [ -d "$1" ]; then
        if list=$(ls -A "$1" 2>/dev/null); then
            [ -n "$list" ] && seen=r || seen=empty
        else seen=shut; fi
        if mkdir "$1/.try" 2>/dev/null; then rmdir "$1/.try"; echo "$seen+w"; else echo "$seen"; fi
    else
        if head -c1 "$1" >/dev/null 2>&1; then seen=r; else seen=shut; fi
        if (: >> "$1") 2>/dev/null; then echo "$seen+w"; else echo "$seen"; fi
    fi
}
for path; do look "$path"; done
"""

_ROWS: Final = [
    # The system: to read and run, never to write.
    ("/", "r"),
    ("/usr", "r"),
    ("/usr/bin/env", "r"),
    ("/etc", "r"),
    ("/etc/passwd", "r"),
    ("/etc/ssl/certs", "r"),
    ("/etc/shadow", "shut"),
    ("/opt", "r"),
    # Its own.
    ("{tree}", "r+w"),
    ("{tree}/../packages", "r+w"),
    ("{tree}/README", "r+w"),
    ("{tree}/.git", "r"),
    ("{git}", "r+w"),
    ("{git}/config", "r+w"),
    ("{user}", "r+w"),
    ("{user}/.ssh", "empty"),
    ("{user}/.aws", "empty"),
    ("{user}/.gnupg", "empty"),
    ("{user}/.kube", "empty"),
    ("{user}/.docker", "empty"),
    ("{user}/.config/gcloud", "empty"),
    ("{user}/.config", "r+w"),
    ("/tmp", "r+w"),
    ("/var/tmp", "r+w"),
    ("/dev/shm", "empty+w"),
    ("/run/user/{uid}", "empty+w"),
    ("/run", "r"),
    ("/run/polis/bin/cash", "r"),
    # The hub: objects to read, nothing else.
    ("{hub}/.git/objects", "r"),
    ("{hub}/.git/config", "absent"),
    ("{hub}/README", "absent"),
    # What belongs to others.
    ("{user}/.ssh/id_ed25519", "absent"),
    ("{user}/notes.txt", "absent"),
    ("{folder}/other/tree", "absent"),
    ("{folder}/token", "absent"),
    ("{folder}/run", "absent"),
    ("/root/.bashrc", "absent"),
    ("/home", "absent"),
    ("/var/lib", "absent"),
    ("/var/log", "absent"),
    ("/mnt", "absent"),
    ("/boot", "absent"),
    # Devices.
    ("/dev/null", "r+w"),
    ("/dev/urandom", "r+w"),
    ("/dev/pts", "r"),
    ("/dev/kmsg", "absent"),
    ("/dev/mem", "absent"),
    ("/dev/sda", "absent"),
    ("/dev/vda", "absent"),
    ("/dev/fuse", "absent"),
    ("/dev/kvm", "absent"),
    # The kernel.
    ("/proc", "r"),
    ("/proc/cpuinfo", "r"),
    ("/proc/self/status", "r"),
    ("/proc/self/comm", "r"),
    ("/proc/self/mem", "shut"),
    ("/proc/sys/kernel/core_pattern", "r"),
    ("/proc/sys/kernel/hostname", "r"),
    ("/proc/sys/vm/drop_caches", "shut"),
    ("/proc/irq", "r"),
    ("/sys", "r"),
    ("/sys/kernel", "r"),
]


@pytest.fixture(scope="module")
def seen(walled: Walled) -> dict[str, str]:
    places = _places(walled)
    for name in ("other/tree", "run"):
        (walled.folder / name).mkdir(parents=True, exist_ok=True)
    (walled.folder / "token").write_text("secret")
    paths = [row.format(**places) for row, _ in _ROWS]
    result = walled.run("sh", "-c", _LOOK, "look", *paths)
    assert result.status == 0, result
    return dict(zip((row for row, _ in _ROWS), result.out.splitlines(), strict=True))


def _places(walled: Walled) -> dict[str, object]:
    return {
        "tree": walled.view.tree,
        "git": walled.view.git_directory,
        "user": walled.view.home_inside,
        "hub": walled.folder / "hub",
        "folder": walled.folder,
        "uid": walled.view.ids[0],
    }


@pytest.mark.parametrize(("row", "expected"), _ROWS, ids=[row for row, _ in _ROWS])
def test_what_is_there(seen: dict[str, str], row: str, expected: str) -> None:
    assert seen[row] == expected


def test_masked_files_are_empty(walled: Walled) -> None:
    line = "cat /proc/keys /proc/kallsyms /proc/timer_list 2>/dev/null | wc -c"
    assert walled.sh(line).out == "0\n"
    assert walled.sh("head -c1 /proc/kcore | wc -c").out == "0\n"


def test_only_its_own_processes(walled: Walled) -> None:
    listed = walled.sh("ls /proc | grep -c '^[0-9]'; cat /proc/1/comm").out.split()
    assert int(listed[0]) < 12
    assert listed[1] == "cat"


@pytest.mark.parametrize("kind", ["mnt", "pid", "net", "ipc", "uts", "cgroup", "user"])
def test_namespaces_of_its_own(walled: Walled, kind: str) -> None:
    inside = walled.run("readlink", f"/proc/self/ns/{kind}").out.strip()
    is_shared = inside == os.readlink(f"/proc/self/ns/{kind}")
    assert is_shared == (kind == "user" and walled.view.mode == "full")


def test_the_starter_can_be_killed_but_not_read(walled: Walled) -> None:
    listed = walled.sh("grep -l '[z]ygote' /proc/[0-9]*/cmdline").out.split()
    starter = listed[0].rpartition("/")[0]
    for line in ("cat {}/environ", "ls {}/fd/", "cat {}/maps", "ls {}/cwd/", "readlink {}/exe"):
        assert walled.sh(line.format(starter)).status != 0
    assert walled.run("stat", "-c", "%u", f"{starter}/environ").out in ("0\n", "65534\n")


def test_the_keeper_cannot_be_read_by_its_users_other_processes(walled: Walled) -> None:
    assert os.stat(f"/proc/{walled.ready.keeper}/fd").st_uid == 0
    # /proc files of a process that may be dumped belong to its user.
    assert os.stat(f"/proc/{walled.ready.holder}/fd").st_uid == walled.view.ids[0]


def test_only_loopback(walled: Walled) -> None:
    devices = walled.sh("tail -n +3 /proc/net/dev | cut -d: -f1").out.split()
    assert devices[0] == "lo"
    assert walled.sh("cat /proc/net/route | wc -l").out == "1\n"
    assert walled.run("hostname").out == "alice\n"


def test_who_it_is(walled: Walled) -> None:
    uid, gid = walled.view.ids
    assert walled.run("id", "-u").out == f"{uid}\n"
    assert walled.run("id", "-g").out == f"{gid}\n"
    assert walled.run("id", "-G").out == f"{gid}\n"
    # A uid without a line in /etc/passwd gets the agent's name.
    known = {entry.pw_uid: entry.pw_name for entry in pwd.getpwall()}
    assert walled.run("id", "-un").out == f"{known.get(uid, 'alice')}\n"
    fields = walled.sh("cat /proc/self/status").out.splitlines()
    status = dict(line.split(":\t", 1) for line in fields)
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {
        "0000000000000000"
    }
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert set(status["Uid"].split()) == {str(uid)}


def test_files_belong_to_the_owner_on_disk(walled: Walled) -> None:
    line = "echo x > made; mkdir -p deep/er; echo y > deep/er/made; ln -s made link; echo > ~/made"
    assert walled.sh(line).status == 0
    for path in ("made", "deep/er/made", "link", walled.folder / "home/made"):
        found = (walled.view.tree / path).lstat()
        assert (found.st_uid, found.st_gid) == walled.view.owner
    shown = walled.run("stat", "-c", "%u %g", "made", "README").out
    assert shown == "{} {}\n".format(*walled.view.ids) * 2


def test_git_works_inside(walled: Walled) -> None:
    walled.sh("git config user.name Ada; git config user.email ada@example.org")
    line = (
        "git status --short --branch | head -1 && echo work > new.txt && git add new.txt && "
        "git commit -qm work && git stash list && git branch other && git branch -d -q other && "
        "git log --format=%s"
    )
    result = walled.sh(line)
    assert (result.status, result.err) == (0, "")
    assert result.out == "## agent/alice\nwork\nfirst\n"
    assert walled.sh("rm -f .git; mv .git away; git status --short new.txt").status == 0
    assert walled.run("git", "rev-parse", "--git-dir").out == f"{walled.view.git_directory}\n"


def test_commands_see_each_other(walled: Walled) -> None:
    walled.sh("setsid sleep 777 </dev/null >/dev/null 2>&1 &")
    found = walled.run("pgrep", "-f", "sleep 777").out.split()
    assert len(found) == 1
    # /proc/PID/fd is what lsof and fuser read: Landlock forbids it between sibling domains.
    assert "0" in walled.sh(f"ls /proc/{found[0]}/fd").out.split()
    assert walled.sh(f"kill {found[0]}").status == 0
