"""What a killed git left in an agent's own git directory goes before the agent's next command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import uuid
from typing import TYPE_CHECKING, Final

from cash.faults import Fault
from cash.hub.own_locks import find_locks
from cash.workspace.agent import Agent

if TYPE_CHECKING:
    from cash.daemon.hosting import Hosted

# Longer than the second that it may wait for itself.
_SECONDS: Final = 5.0
# Runs inside, where it sees all that could own a lock, and can harm nobody else. Arguments: the
# git directory, names below it. A lock is dead when nobody has it open, every git that is alive
# began after it (two seconds for the clock's grain), and it is a second old: a library closes its
# lock before it renames it. What serves an import takes no locks, and may well be there. A git
# that began at about the same time has a moment to end.
_SCRIPT: Final = r"""
use strict;
my $directory = shift @ARGV;
chdir $directory or exit 1;
my ($serving, $unsure) = "upload-pack|pack-objects|rev-list";
my ($boot) = slurp("/proc/stat") =~ /^btime (\d+)/m;
sub slurp { open my $file, "<", $_[0] or return ""; local $/; return scalar <$file> // "" }
sub look {
    my ($oldest, %open);
    for my $process (grep { $_ ne "/proc/$$" } glob "/proc/[0-9]*") {
        my ($name, $state, $rest) = slurp("$process/stat") =~ /\((.*)\) (\S) (.*)/s or next;
        next if $state =~ /[ZX]/ or slurp("$process/cmdline") =~ /\0($serving)\0/;
        my $began = $boot + (split " ", $rest)[18] / 100;
        $oldest = $began if $name =~ /^git/ and (!defined $oldest or $began < $oldest);
        for (glob "$process/fd/*") { my @s = stat or next; $open{"$s[0]:$s[1]"} = 1 }
    }
    my %dead;
    for (@ARGV) {
        my @s = lstat or next;
        next if !-f _ or $open{"$s[0]:$s[1]"};
        my $since = defined $oldest ? $oldest - $s[9] : 2;
        $unsure = 1 if $since > -2 and $since < 2;
        next if $since < 2;
        $dead{$_} = "$s[0]:$s[1]:$s[9]";
    }
    return %dead;
}
my %first;
for (1 .. 4) {
    $unsure = 0;
    %first = look();
    last unless $unsure;
    select undef, undef, undef, 0.2;
}
exit 0 unless %first;
sleep 1 if grep { time - (split /:/)[2] < 2 } values %first;
my %second = look();
for (keys %second) { unlink if ($first{$_} // "") eq $second{$_} }
"""


async def sweep(hosted: Hosted, agent: Agent) -> None:
    """Takes away, and tells the journal, what is surely nobody's. The walls stand. Whatever cannot
    be done here, git says in its own words."""
    found = await asyncio.to_thread(find_locks, agent.git_directory)
    if not found:
        return
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    names = [os.fsencode(name) for name in (str(agent.git_directory), *found)]
    errand = hosted.keeping.run_own(
        hosted.key_of(agent),
        f"sweep-{uuid.uuid4().hex[:12]}",
        [b"/usr/bin/perl", b"-e", _SCRIPT.encode(), b"--", *names],
        dict.fromkeys((0, 1, 2), null),
    )
    try:
        with contextlib.suppress(Fault, OSError, TimeoutError):
            await asyncio.wait_for(errand, _SECONDS)
    finally:
        os.close(null)
    left = await asyncio.to_thread(find_locks, agent.git_directory)
    gone = sorted({*found} - {*left})
    if gone:
        hosted.note(agent, uuid.uuid4().hex, "swept", {"locks": gone})
