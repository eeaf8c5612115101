"""What is tried to get by a keeper, as data: a policy with one forbidden program, ways to start
it, a race against the verdict."""

from __future__ import annotations

from typing import Final

# Of one length: the race writes one over the other.
FORBIDDEN: Final = "polis-forbidden"
PERMITTED: Final = "polis-permitted"
# Stands for either in a route.
WORD: Final = "@"
POLICY: Final = f"""\
version: 1
rules:
- id: polis-proof
  program: {FORBIDDEN}
  decide: deny
  reason: It is there to be refused.
  examples: {{deny: [{FORBIDDEN}], pass: [{PERMITTED}]}}
"""
# Promise → name → a line that starts the program.
ROUTES: Final = {
    "no child starts a forbidden program": {
        "sh": "./@; true",
        "env -i": "env -i ./@; true",
        "a grandchild": "sh -c 'sh -c \"./@; true\"; true'",
        "find -exec": "find @ -exec ./@ ';'",
        "in the background": "(setsid ./@ &); sleep 0.1",
    },
    "a forbidden program starts by no other name": {
        "a symbolic link": "ln -s @ by-link-@; ./by-link-@",
        "a hard link": "ln @ by-name-@; ./by-name-@",
        "a path about": "../tree/./@; true",
    },
}
RACES: Final = 200
# Starts what a word in shared memory names while that word is changed all the time.
RACE: Final = """
import ctypes, mmap, os, sys
start = ctypes.CDLL(None).execve
good, bad, count = (word.encode() for word in sys.argv[1:])
memory, none = mmap.mmap(-1, 4096), (ctypes.c_char_p * 1)(None)
words = (ctypes.c_char_p * 2)(b"race", None)
place = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
size = len(good)
other = os.fork()
while not other:
    memory[:size] = bad
    memory[:size] = good
for _ in range(int(count)):
    child = os.fork()
    if not child:
        start(place, words, none)
        os._exit(1)
    os.waitpid(child, 0)
os.kill(other, 9)
print("raced")
"""
# A keeper started this, and where it cannot be seen, there is no parent: nothing of /proc is it.
SIGHT: Final = "grep -q '^PPid:[[:space:]]*0$' /proc/$$/status"
