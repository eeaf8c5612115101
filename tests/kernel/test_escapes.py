"""Ways out, each tried as an agent would."""

from __future__ import annotations

import os
import platform
import socket
import threading
from typing import Final

import pytest
from walled import Walled

pytestmark = pytest.mark.kernel

_CALLS: Final = {
    # what is tried: the call, its arguments, the errno that refuses it
    "ptrace(TRACEME)": ("ptrace", "0, 0, 0, 0", 1),
    "process_vm_readv": ("process_vm_readv", "1, 0, 0, 0, 0, 0", 1),
    "process_vm_writev": ("process_vm_writev", "1, 0, 0, 0, 0, 0", 1),
    "pidfd_getfd": ("pidfd_getfd", "0, 0, 0", 1),
    "mount": ("mount", "0, 0, 0, 0, 0", 1),
    "umount2": ("umount2", "0, 0", 1),
    "open_tree": ("open_tree", "-100, 0, 0", 1),
    "move_mount": ("move_mount", "-100, 0, -100, 0, 0", 1),
    "fsopen": ("fsopen", "0, 0", 1),
    "mount_setattr": ("mount_setattr", "-100, 0, 0, 0, 0", 1),
    "pivot_root": ("pivot_root", "0, 0", 1),
    "setns": ("setns", "0, 0", 1),
    "unshare(NEWUSER)": ("unshare", "0x10000000", 1),
    "clone(NEWUSER)": ("clone", "0x10000011, 0, 0, 0, 0", 1),
    "clone3": ("clone3", "0, 0", 38),
    "unshare(NEWNS)": ("unshare", "0x20000", 1),
    "unshare(NEWNET)": ("unshare", "0x40000000", 1),
    "io_uring_setup": ("io_uring_setup", "1, 0", 38),
    "open_by_handle_at": ("open_by_handle_at", "0, 0, 0", 38),
    "bpf": ("bpf", "0, 0, 0", 1),
    "perf_event_open": ("perf_event_open", "0, 0, 0, 0, 0", 1),
    "userfaultfd": ("userfaultfd", "0", 1),
    "keyctl": ("keyctl", "0, 0", 1),
    "add_key": ("add_key", "0, 0, 0, 0, 0", 1),
    "kexec_load": ("kexec_load", "0, 0, 0, 0", 1),
    "init_module": ("init_module", "0, 0, 0", 1),
    "reboot": ("reboot", "0, 0, 0, 0", 1),
    "socket(AF_VSOCK)": ("socket", "40, 1, 0", 97),
    "socket(AF_PACKET)": ("socket", "17, 3, 0", 97),
    "socket(AF_ALG)": ("socket", "38, 5, 0", 97),
    "ioctl(TIOCSTI)": ("ioctl", "0, 0x5412, 0", 1),
    "ioctl(TIOCSTI) with high bits": ("ioctl", "0, 0x500005412, 0", 1),
    "ioctl(TIOCLINUX)": ("ioctl", "0, 0x541C, 0", 1),
    "mknod(block device)": ("mknodat", "-100, b'node', 0o60600, 0x801", 13),
}
# The kernel's own numbers, written again: a slip in the filter's table must show.
_NUMBERS: Final = """
x86_64  ptrace 101 process_vm_readv 310 process_vm_writev 311 pidfd_getfd 438 mount 165
x86_64  umount2 166 open_tree 428 move_mount 429 fsopen 430 mount_setattr 442 pivot_root 155
x86_64  setns 308 unshare 272 clone 56 clone3 435 io_uring_setup 425 open_by_handle_at 304
x86_64  bpf 321 perf_event_open 298 userfaultfd 323 keyctl 250 add_key 248 kexec_load 246
x86_64  init_module 175 reboot 169 socket 41 ioctl 16 mknodat 259
aarch64 ptrace 117 process_vm_readv 270 process_vm_writev 271 pidfd_getfd 438 mount 40
aarch64 umount2 39 open_tree 428 move_mount 429 fsopen 430 mount_setattr 442 pivot_root 41
aarch64 setns 268 unshare 97 clone 220 clone3 435 io_uring_setup 425 open_by_handle_at 265
aarch64 bpf 280 perf_event_open 241 userfaultfd 282 keyctl 219 add_key 217 kexec_load 104
aarch64 init_module 105 reboot 142 socket 198 ioctl 29 mknodat 33
"""
_TRY: Final = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
words = [w if isinstance(w, bytes) else ctypes.c_long(w) for w in ({arguments},)]
print(libc.syscall(ctypes.c_long({number}), *words), ctypes.get_errno())
"""


@pytest.mark.parametrize("attempt", _CALLS, ids=str)
def test_system_calls_that_are_never_right(walled: Walled, attempt: str) -> None:
    name, arguments, error = _CALLS[attempt]
    lines = [line.split() for line in _NUMBERS.split("\n")]
    words = [word for line in lines if line[:1] == [platform.machine()] for word in line[1:]]
    number = words[words.index(name) + 1]
    text = _TRY.format(number=number, arguments=arguments)
    assert walled.python(text).out == f"-1 {error}\n"


@pytest.mark.parametrize(
    "line",
    [
        "echo '|/bin/false' > /proc/sys/kernel/core_pattern",
        "echo 1 > /proc/sysrq-trigger",
        "mount -t tmpfs none /tmp",
        "mount --bind / /tmp",
        "umount ~/.ssh",
        "mount -o remount,rw /usr",
        "unshare -Ur true",
        "unshare -Urm mount -t tmpfs none /tmp",
        "nsenter -t 1 -m true",
        "chroot / true",
        "rm .git",
        "mv .git gone",
        "ln -f /etc/passwd .git",
        "rmdir ~/.ssh",
        "mv ~/.ssh ~/elsewhere",
        "touch ~/.ssh/config",
        "ls /proc/1/root/",
        "readlink /proc/1/fd/0",
        "cat /proc/1/environ",
        "ls /proc/1/cwd/",
        "kill -9 1 && sleep 0.1 && ! test -d /proc/1",
        "su -c true",
        "sudo -n true",
        "chown 0 README",
        "cp /bin/true ./t && chmod u+s ./t && test $(./t; stat -c %u ./t) = 0",
        "mknod dev c 1 3",
        "dmesg",
        "hostname other",
        "sysctl -w kernel.hostname=x",
        "setpriv --reuid=0 true",
        "ip link add dummy0 type dummy",
        "touch /usr/x",
        "touch /etc/x",
        "touch /x",
        "touch /run/x",
        "touch /dev/x",
        "echo x > /run/polis/bin/cash",
        "touch {hub}/.git/objects/x",
        "cat {tree}/../user/notes.txt",
        "ln -s {folder}/user user && cat user/notes.txt",
        "cat /proc/self/root/{folder}/user/notes.txt",
        "cd /proc/self/cwd/.. && cat user/notes.txt",
        "ln {hub}/.git/objects/info/x here",
    ],
)
def test_ways_out(walled: Walled, line: str) -> None:
    places = {"tree": walled.view.tree, "folder": walled.folder, "hub": walled.folder / "hub"}
    result = walled.sh(line.format(**places) if "{" in line else line)
    assert result.status != 0, result
    assert walled.sh("test -d /proc/1 && test -f .git").status == 0


def test_kernel_settings_are_as_before(walled: Walled) -> None:
    with open("/proc/sys/kernel/core_pattern") as file:
        before = file.read()
    text = """
import os
for path in ("/proc/sys/kernel/core_pattern", "/proc/self/../sys/kernel/core_pattern"):
    for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC):
        try:
            os.write(os.open(path, flags), b"|/bin/false")
        except OSError as fault:
            print("refused")
print(os.statvfs(path).f_flag & os.ST_RDONLY)
"""
    # The mount is read-only, so that not even uid 0 could.
    assert walled.python(text).out.split() == ["refused"] * 6 + ["1"]
    with open("/proc/sys/kernel/core_pattern") as file:
        assert file.read() == before


def test_the_hosts_ports_are_not_there(walled: Walled) -> None:
    with socket.create_server(("127.0.0.1", 0)) as host:
        port = host.getsockname()[1]
        line = f"exec 3<>/dev/tcp/127.0.0.1/{port}"
        assert "Connection refused" in walled.sh(line).err
    assert "unreachable" in walled.sh("exec 3<>/dev/tcp/1.1.1.1/80").err


def test_the_hosts_abstract_sockets_are_not_there(walled: Walled) -> None:
    name = f"\0polis-test-{id(walled)}"
    with socket.socket(socket.AF_UNIX) as host:
        host.bind(name)
        host.listen()
        text = f"import socket; socket.socket(socket.AF_UNIX).connect({name!r})"
        assert "ConnectionRefusedError" in walled.python(text).err


def test_the_proxys_port_is_taken_before_any_command(walled: Walled) -> None:
    text = "import socket; socket.create_server(('127.0.0.1', 3128))"
    assert "Address already in use" in walled.python(text).err


def test_a_listener_made_inside_serves_the_outside(walled: Walled) -> None:
    for port in (3128, 4000, 4000):
        walled.link.listen(port)
        message = walled.hear(lambda found: hasattr(found, "descriptor") or hasattr(found, "fatal"))
        if port == 4000 and not hasattr(message, "descriptor"):
            assert "Address already in use" in message.message  # type: ignore[union-attr]
            continue
        with socket.socket(fileno=message.descriptor) as listener:  # type: ignore[union-attr]

            def serve(listener: socket.socket = listener) -> None:
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(b"from outside\n")

            thread = threading.Thread(target=serve)
            thread.start()
            line = f"exec 3<>/dev/tcp/127.0.0.1/{port}; cat <&3"
            assert walled.sh(line).out == "from outside\n"
            thread.join()


def test_descriptors_handed_in_cannot_be_reopened_for_writing(walled: Walled) -> None:
    secret = walled.folder / "log.txt"
    secret.write_text("before\n")
    secret.chmod(0o666)
    with open(secret) as file:
        line = "echo changed > /proc/self/fd/7"
        client = walled.start("bash", "-c", line, descriptors={7: file.fileno()})
        assert int(walled.finish(client)[-1][1]) != 0
        walled.ended(f"run-{walled.count}")
    assert secret.read_text() == "before\n"


def test_a_pipe_of_the_hosts_that_was_handed_in_to_be_read_is_not_written_to(
    walled: Walled,
) -> None:
    fifo = walled.folder / "fifo"
    os.mkfifo(fifo)
    fifo.chmod(0o666)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        line = "echo changed > /proc/self/fd/7"
        client = walled.start("bash", "-c", line, descriptors={7: reader})
        assert int(walled.finish(client)[-1][1]) != 0
        walled.ended(f"run-{walled.count}")
        assert os.read(reader, 10) == b""
    finally:
        os.close(reader)
        fifo.unlink()


_EXCHANGE: Final = """ln -s /etc {packages}/other
python3 - {packages}/other {tree} <<'END'
import ctypes, os, sys
old, new = map(os.fsencode, sys.argv[1:])
renamed = ctypes.CDLL(None).renameat2(-100, old, -100, new, 2)
os.unlink(sys.argv[1])
sys.exit(renamed != 0)
END"""
_ANOTHER_TREE: Final = {
    "moved away": "mv {tree} {tree}s",
    "moved into the packages": "mv {tree} {packages}/tree",
    "replaced by a link": "ln -s /etc {packages}/other; mv -T {packages}/other {tree}; "
    "status=$?; rm {packages}/other; exit $status",
    "exchanged": _EXCHANGE,
    "emptied and removed": "mkdir {packages}/kept && mv {tree}/* {packages}/kept; "
    "rmdir {tree}; status=$?; mv {packages}/kept/* {tree}; rmdir {packages}/kept; exit $status",
    "by its other path": "mv /run/polis/pins/tree /run/polis/pins/trees",
    "its packages moved away": "mv {packages} {packages}s",
    "its packages for the tree": "rmdir {packages} && ln -s /etc {packages}",
}


@pytest.mark.parametrize("attempt", _ANOTHER_TREE, ids=str)
def test_nothing_can_be_put_in_the_place_of_the_tree(walled: Walled, attempt: str) -> None:
    """polisd and the user's git follow its path from outside, as root perhaps."""
    tree, packages = walled.view.tree, walled.view.packages
    before = os.stat(tree).st_ino, os.stat(packages).st_ino
    line = _ANOTHER_TREE[attempt].format(tree=tree, packages=packages)
    assert walled.run("sh", "-c", f"{line} 2>/dev/null").status != 0
    assert (os.lstat(tree).st_ino, os.lstat(packages).st_ino) == before
    assert sorted(os.listdir(tree.parent)) == ["packages", "tree"]


def test_files_are_linked_from_the_packages_into_the_tree(walled: Walled) -> None:
    tree, packages = walled.view.tree, walled.view.packages
    line = f"echo x > {packages}/x && ln {packages}/x {tree}/x && rm {packages}/x"
    assert walled.run("sh", "-c", line).status == 0
    assert (tree / "x").read_text() == "x\n"
    (tree / "x").unlink()
