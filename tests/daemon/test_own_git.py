"""polisd's own git inside starts nothing that the agent has chosen: nobody judges that."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from desk import Desk
from homecoming import work

pytestmark = pytest.mark.kernel

_PLANT = """
import os, subprocess
tree, git = os.getcwd(), subprocess.run(
    ["git", "rev-parse", "--absolute-git-dir"], capture_output=True, text=True
).stdout.strip()
program = os.path.join(tree, "own.sh")
with open(program, "w") as file:
    file.write(f"#!/bin/sh\\necho $0 $* >>{tree}/ran\\ncat\\n")
os.chmod(program, 0o755)
with open(f"{git}/config", "a") as file:
    file.write(f'''
[filter "own"]
\\tclean = {program} clean
\\tsmudge = {program} smudge
\\trequired = true
[filter "lfs"]
\\tclean = {program} lfs
\\tprocess = {program} lfs-process
[url "ext::{program} "]
\\tinsteadOf = polis::hub
[protocol "ext"]
\\tallow = always
[core]
\\talternateRefsCommand = {program} refs
\\tfsmonitor = {program} monitor
''')
with open(".gitattributes", "w") as file:
    file.write("*.own filter=own\\n*.big filter=lfs\\n")
for name in ("a.own", "b.big"):
    with open(name, "w") as file:
        file.write("content\\n")
"""


def test_what_an_agent_has_configured_does_not_run(desk: Desk) -> None:
    assert desk.polis("agents", "add", "bob").status == 0
    (desk.tree / "plant.py").write_text(_PLANT)
    work(desk, "python3 plant.py")
    for words in (("diff", "alice"), ("discard", "alice", "--yes", "a.own")):
        ran = desk.polis("agents", *words)
        assert ran.status == 0, ran.err
    assert desk.polis("conflicts").status == 0
    # The hub's branches are brought in while it works, within some ten seconds.
    work(desk, "git commit -q --allow-empty -m new", "bob")
    time.sleep(13)
    assert not (desk.tree / "ran").exists(), (desk.tree / "ran").read_text()
    # As the agent's own git would, judged as any other.
    desk.polis("shell", "alice", "-c", "git add b.big")
    assert (desk.tree / "ran").exists()


# Gives git's configuration one content while errands look for filters in it, and another to every
# git after that: the race between looking and reading, won each time.
_RACE = """
import os, subprocess
tree, git = os.getcwd(), subprocess.run(
    ["git", "rev-parse", "--absolute-git-dir"], capture_output=True, text=True
).stdout.strip()
program = os.path.join(tree, "git-own")
with open(program, "w") as file:
    file.write(f"#!/bin/sh\\necho $0 $* >>{tree}/ran\\ncat\\n")
os.chmod(program, 0o755)
with open(".gitattributes", "w") as file:
    file.write("*.own filter=own\\n")
with open("a.own", "w") as file:
    file.write("content\\n")
setting = open("setting").read().replace("PROGRAM", program)
fifo = os.path.join(git, "settings")
os.mkfifo(fifo)
with open(f"{git}/config", "a") as file:
    file.write(f"[include]\\n\\tpath = {fifo}\\n")
open("ready", "w").close()
def is_looking():
    for one in os.listdir("/proc"):
        try:
            words = open(f"/proc/{one}/cmdline", "rb").read().split(b"\\0")
        except OSError:
            continue
        if words[0].endswith(b"git") and b"config" in words[:2]:
            return True
while True:
    with open(fifo, "wb", buffering=0) as file:
        try:
            file.write(b"" if is_looking() else setting.encode())
        except BrokenPipeError:
            pass
"""


@contextmanager
def _racing(desk: Desk, setting: str) -> Iterator[None]:
    (desk.tree / "race.py").write_text(_RACE)
    (desk.tree / "setting").write_text(f"{setting}\n")
    words = ["polis", "shell", "alice", "-c", "python3 race.py"]
    with subprocess.Popen(
        words, cwd=desk.repository, env=desk.installation.environment, stdin=subprocess.DEVNULL
    ) as racer:
        try:
            until = time.monotonic() + 20
            while not (desk.tree / "ready").exists():
                assert time.monotonic() < until
                assert racer.poll() is None
                time.sleep(0.02)
            yield
        finally:
            racer.terminate()


_SETTINGS = {
    "a program": '[filter "own"]\nclean = PROGRAM',
    "a line": '[filter "own"]\nclean = PROGRAM --clean',
    "a program of the walls": '[filter "own"]\nclean = touch ran',
    "a git": '[filter "own"]\nclean = git -c alias.x=!PROGRAM x',
    "a script of git's that evaluates settings": """[filter "own"]
clean = git-mergetool
[merge]
tool = own
[mergetool]
prompt = false
[mergetool "own"]
cmd = PROGRAM""",
    "git-lfs and more": '[filter "own"]\nclean = "/usr/bin/git-lfs clean -- %f; PROGRAM"',
}


@pytest.mark.parametrize("setting", _SETTINGS.values(), ids=_SETTINGS)
def test_what_is_named_after_the_look_does_not_run_either(desk: Desk, setting: str) -> None:
    work(desk, "git commit -q --allow-empty -m first")
    with _racing(desk, setting):
        ran = desk.polis("agents", "diff", "alice", timeout=60)
    assert not (desk.tree / "ran").exists(), (desk.tree / "ran").read_text()
    assert "errand" in _refused(desk)["reason"]
    assert ran.status == 0, ran.err


def test_no_program_takes_the_place_of_git_s_packer(desk: Desk) -> None:
    """git takes this setting from the files of the user's own, which are the agent's here."""
    home = desk.folder_of("alice") / "home"
    (home / ".gitconfig").write_text("[uploadpack]\npackObjectsHook = touch ran;\n")
    work(desk, "echo new >new && git add new && git commit -q -m new")
    assert "errand" in _refused(desk)["reason"]
    assert not (desk.tree / "ran").exists()


def _refused(desk: Desk) -> dict[str, Any]:
    (refused,) = [one["body"] for one in desk.log("exec") if one["body"]["decision"] == "deny"]
    return cast(dict[str, Any], refused)


_SIGNER = """
import os, subprocess
tree = os.getcwd()
with open("gpg.sh", "w") as file:
    file.write(f'''#!/bin/sh
case "$*" in
*--verify*) echo "$*" >>{tree}/ran ;;
*) cat >/dev/null; echo "[GNUPG:] SIG_CREATED " >&2
    echo "-----BEGIN PGP SIGNATURE-----"; echo; echo x; echo "-----END PGP SIGNATURE-----" ;;
esac
''')
os.chmod("gpg.sh", 0o755)
git = subprocess.run(["git", "rev-parse", "--absolute-git-dir"], capture_output=True, text=True)
with open(f"{git.stdout.strip()}/config", "a") as file:
    file.write(f"[gpg]\\n\\tprogram = {tree}/gpg.sh\\n[log]\\n\\tshowSignature = true\\n")
subprocess.run("git add . && git commit -q -S -m signed", shell=True, check=True)
open("new.txt", "w").close()
"""


def test_no_signature_is_asked_about(desk: Desk) -> None:
    (desk.tree / "sign.py").write_text(_SIGNER)
    work(desk, "python3 sign.py")
    assert desk.polis("agents", "diff", "alice").status == 0
    assert not (desk.tree / "ran").exists(), (desk.tree / "ran").read_text()
    # It would have been.
    work(desk, "git log -1 >/dev/null 2>&1")
    assert (desk.tree / "ran").exists()
