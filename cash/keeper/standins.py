"""The small programs that an exec is turned into: one that refuses, one that runs bash text
instead, one that waits for a person. All are interpreters the walls show read-only."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

# Waits under ordinary signals and job control, since it is an ordinary process: then it becomes
# what it stands for, as itself, or ends. Nothing is loaded, so nothing of it is felt. By the call
# itself, as perl's exec would hand on its own environment, not the very bytes it was given.
_WAITER: Final = r"""
my ($number, $said, $call, $path, $count, @rest) = @ARGV;
my @argv = splice(@rest, 0, $count);
sub become {
  my ($path, $argv, $environment) = @_;
  $SIG{FPE} = "DEFAULT";
  syscall($call + 0, $path, pack("p*", @$argv, undef), pack("p*", @$environment, undef));
  print STDERR "polis: $path: $!\n";
  exit 126;
}
print STDERR $said;
open(my $answer, "<&=", $number) or exit 125;
local $/;
my ($word, $text) = split(/\n/, <$answer> // "", 2);
close($answer);
become($path, \@argv, \@rest) if ($word // "") eq "allow";
become("/bin/bash", ["bash", "-c", "--", $text], \@rest) if ($word // "") eq "run";
if (($word // "") =~ /^end (\d+)$/) { print STDERR $text; exit $1 }
print STDERR "polis: its keeper was killed; the question stays open\n",
    "hint: polis approvals  # answer it there, then send it again\n";
exit 125;
"""
TOO_LONG: Final = (
    "polis: a person has to be asked about this, or it runs as another command: too long for either"
    "\nhint: send it with fewer or shorter words\n"
)
TRACED: Final = (
    "polis: what is traced (gdb, strace) cannot start a program: its exec could not be judged\n"
    "hint: start it first, then attach to it: gdb -p PID, strace -p PID\n"
)
_REFUSER: Final = 'printf %s "$2" >&2; exit "$1"'


@dataclass(frozen=True, slots=True)
class StandIn:
    """What to become instead: a program of the walls and its argv. environment: None leaves what
    the exec was given."""

    program: bytes
    argv: tuple[bytes, ...]
    environment: tuple[bytes, ...] | None = None


def refuser(text: str, status: int) -> StandIn:
    """Prints `text` on standard error and ends with `status`."""
    words = (b"sh", b"-c", _REFUSER.encode(), b"polis", b"%d" % status, os.fsencode(text))
    # What an agent exports (a function named printf) must not silence it.
    return StandIn(b"/bin/sh", words, ())


def runner(text: str) -> StandIn:
    """Runs bash text; each exec of it is judged."""
    return StandIn(b"/bin/bash", (b"bash", b"-c", b"--", os.fsencode(text)))


def waiter(
    said: str,
    answer: int,
    call: int,
    path: bytes,
    argv: tuple[bytes, ...],
    environment: tuple[bytes, ...],
) -> StandIn:
    """Prints `said`, waits for an answer on the descriptor `answer`, and does as it says. call:
    the number of execve. path, argv, environment: of what it stands for."""
    code = _WAITER.strip().encode()
    numbers = (b"%d" % answer, os.fsencode(said), b"%d" % call)
    words = (b"polis", b"-e", code, b"--", *numbers, path, b"%d" % len(argv), *argv, *environment)
    # Its own environment is empty: perl would complain of a locale, or load what PERL5OPT names.
    return StandIn(b"/usr/bin/perl", words, ())


def answer_text(word: str, text: str, status: int) -> bytes:
    """What a waiter is told. word: allow, run (bash text), or refuse."""
    head = f"end {status}" if word == "refuse" else word
    return os.fsencode(f"{head}\n{text}")
