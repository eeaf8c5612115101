"""polisd's own git inside starts nothing that the agent has chosen: nobody judges that."""

from __future__ import annotations

import time

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
