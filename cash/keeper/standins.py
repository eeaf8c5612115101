"""The small programs that an exec is turned into: one that refuses, one that runs bash text
instead, one that waits for a person. All are interpreters the walls show read-only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

# Waits under ordinary signals and job control, since it is an ordinary process: then it becomes
# what it stands for, as itself, or ends. Nothing is loaded, so nothing of it is felt.
_WAITER: Final = r"""
my ($number, $said, $path, @argv) = @ARGV;
print STDERR $said;
open(my $answer, "<&=", $number) or exit 125;
local $/;
my ($word, $rest) = split(/\n/, <$answer> // "", 2);
close($answer);
if (($word // "") eq "allow") { exec {$path} @argv; print STDERR "polis: $path: $!\n"; exit 126 }
if (($word // "") eq "run") { exec {"/bin/bash"} "bash", "-c", "--", $rest; exit 126 }
if (($word // "") =~ /^end (\d+)$/) { print STDERR $rest; exit $1 }
print STDERR "polis: the question was lost\nhint: send it again\n";
exit 125;
"""
_REFUSER: Final = 'printf %s "$2" >&2; exit "$1"'


@dataclass(frozen=True, slots=True)
class StandIn:
    """What to become instead: a program of the walls and its argv."""

    program: bytes
    argv: tuple[bytes, ...]


def refuser(text: str, status: int) -> StandIn:
    """Prints `text` on standard error and ends with `status`."""
    words = (b"sh", b"-c", _REFUSER.encode(), b"polis", b"%d" % status, os.fsencode(text))
    return StandIn(b"/bin/sh", words)


def runner(text: str) -> StandIn:
    """Runs bash text; each exec of it is judged."""
    return StandIn(b"/bin/bash", (b"bash", b"-c", b"--", os.fsencode(text)))


def waiter(said: str, answer: int, name: bytes, argv: tuple[bytes, ...]) -> StandIn:
    """Prints `said`, waits for an answer on the descriptor `answer`, and does as it says."""
    code = _WAITER.strip().encode()
    words = (b"polis", b"-e", code, b"--", b"%d" % answer, os.fsencode(said), name, *argv)
    return StandIn(b"/usr/bin/perl", words)


def answer_text(word: str, text: str, status: int) -> bytes:
    """What a waiter is told. word: allow, run (bash text), or refuse."""
    head = f"end {status}" if word == "refuse" else word
    return os.fsencode(f"{head}\n{text}")
