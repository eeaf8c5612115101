"""A program that changes files in every way, and says how each went: run bare and inside walls, it
must say the same."""

from __future__ import annotations

from typing import Final

# Each entry of `tries` is an expression; what it gives, or the name of its errno, is printed.
PROGRAM: Final = r"""
import ctypes, errno, fcntl, os, stat, sys, termios, threading
libc = ctypes.CDLL(None, use_errno=True)
W, C, T, A, E = os.O_WRONLY, os.O_CREAT, os.O_TRUNC, os.O_APPEND, os.O_EXCL

def say(name, action):
    try:
        found = action()
    except OSError as fault:
        found = errno.errorcode.get(fault.errno, fault.errno)
    print(name, found)

def make(path, flags, mode=0o666, **more):
    number = os.open(path, flags, mode, **more)
    try:
        found = os.fstat(number)
        kept = fcntl.fcntl(number, fcntl.F_GETFL) & (A | os.O_NONBLOCK)
        heir = fcntl.fcntl(number, fcntl.F_GETFD)
        return oct(found.st_mode), found.st_size, kept, heir
    finally:
        os.close(number)

def fill(path, text):
    with open(path, "w") as file:
        file.write(text)
    return open(path).read()

def raw(path, flags):
    number = libc.open(path, flags, 0o666)
    if number < 0:
        raise OSError(ctypes.get_errno(), "")
    os.close(number)
    return "opened"

os.umask(0o027)
say("create", lambda: make("a", W | C))
say("create with a mode", lambda: make("exe", W | C, 0o777))
os.umask(0o077)
say("create under another mask", lambda: make("private", W | C))
os.umask(0o022)
say("fill", lambda: fill("a", "hello"))
say("there already, exclusively", lambda: make("a", W | C | E))
say("append", lambda: make("a", W | A))
say("truncate", lambda: make("a", W | T))
say("not there", lambda: make("none", W))
say("no such folder", lambda: make("none/a", W | C))
say("a file as a folder", lambda: make("a/b", W | C))
say("a folder", lambda: make(".", W))
say("a folder to be made", lambda: make("newdir/", W | C))
say("mkdir", lambda: os.mkdir("d", 0o777) or oct(os.stat("d").st_mode))
say("from a descriptor", lambda: make("in", W | C, dir_fd=os.open("d", os.O_RDONLY)))
say("from a bad descriptor", lambda: make("in", W | C, dir_fd=99))
say("up and down", lambda: make("d/../d/./in", W))
say("symlink", lambda: os.symlink("a", "l"))
say("through a link", lambda: fill("l", "via") + open("a").read())
say("not through a link", lambda: make("l", W | os.O_NOFOLLOW))
say("dangling", lambda: os.symlink("nowhere", "dl"))
say("made through a link", lambda: make("dl", W | C) and os.path.exists("nowhere"))
say("exclusively at a link", lambda: make("dl", W | C | E))
say("a ring", lambda: (os.symlink("r2", "r1"), os.symlink("r1", "r2")) and make("r1", W))
say("an absolute link", lambda: (os.symlink(os.getcwd() + "/a", "al")) or fill("al", "abs"))
say("temporary", lambda: make(".", os.O_TMPFILE | os.O_RDWR, 0o600))
say("close on exec", lambda: raw(b"a", W | os.O_CLOEXEC))
say("too long", lambda: make("x" * 300, W | C))
say("far too long", lambda: make("x/" * 3000, W | C))
say("no pointer", lambda: raw(None, W))
say("a wild pointer", lambda: raw(ctypes.c_void_p(4096), W))
say("empty", lambda: make("", W | C))
say("null", lambda: make("/dev/null", W)[0])
say("full", lambda: os.write(os.open("/dev/full", W), b"x"))
say("no terminal", lambda: make("/dev/tty", os.O_RDWR))
say("rename", lambda: os.rename("exe", "exe2") or os.path.exists("exe"))
say("rename onto", lambda: os.rename("exe2", "private") or os.stat("private").st_mode)
say("rename nothing", lambda: os.rename("nothing", "b"))
say("link", lambda: os.link("a", "hard") or os.stat("a").st_nlink)
say("unlink", lambda: os.unlink("hard") or os.path.exists("hard"))
say("unlink nothing", lambda: os.unlink("hard"))
say("unlink a folder", lambda: os.unlink("d"))
say("rmdir, not empty", lambda: os.rmdir("d"))
say("chmod", lambda: os.chmod("a", 0o600) or oct(os.stat("a").st_mode))
say("fchmod", lambda: os.fchmod(os.open("a", os.O_RDONLY), 0o640) or oct(os.stat("a").st_mode))
say("utime", lambda: os.utime("a", (1, 2)) or os.stat("a").st_mtime)
say("truncate a path", lambda: os.truncate("a", 2) or os.stat("a").st_size)
say("fifo", lambda: os.mkfifo("f", 0o600))
say("fifo, not waiting", lambda: make("f", W | os.O_NONBLOCK))
reader = threading.Timer(0.2, lambda: os.read(os.open("f", os.O_RDONLY), 10))
reader.start()
say("fifo, waiting", lambda: make("f", W)[2])
reader.join()
say("unlink them", lambda: [os.unlink(name) for name in ("l", "dl", "al", "f", "d/in")] and "done")
say("rmdir", lambda: os.rmdir("d"))
say("owner", lambda: (os.stat("a").st_uid == os.getuid(), os.stat("a").st_gid == os.getgid()))
pipe = os.pipe()
say("a pipe once more", lambda: make(f"/proc/self/fd/{pipe[1]}", W)[0])
say("a file once more", lambda: make(f"/dev/fd/{os.open('a', os.O_RDONLY)}", W)[1])
"""
