"""One command inside the walls, beside the peers that do the same job."""

from __future__ import annotations

import shutil

from bench.home import Home
from bench.measure import Budget, Row, Unready, compare, program, ratio

_BWRAP = "bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all --die-with-parent true"

_DIFFERENCE = (
    "polis judges the command, records it, and keeps its walls standing between commands; the "
    "peers judge and record nothing, and build their walls each time."
)


def measure_exec(home: Home, rounds: int) -> Row:
    """`polis exec alice -- true` with its walls standing, as an agent's second command finds
    them; the peers make theirs anew each time, because that is how they work."""
    commands = {
        "polis exec alice -- true": ["polis", "exec", "alice", "--", "true"],
        "bwrap … true": _BWRAP.split(),
        "codex sandbox -- true": ["codex", "sandbox", "--", "true"],
        "srt true": ["srt", "true"],
    }
    path = home.environment["PATH"]
    missing = [argv[0] for argv in commands.values() if not shutil.which(argv[0], path=path)]
    if missing:
        raise Unready(f"missing peers: {', '.join(missing)}; make bench installs them")
    subjects = {name: program(argv, home.environment) for name, argv in commands.items()}
    home.stand_in_repository()
    home.polis("exec", "alice", "--", "true")
    figures = compare(subjects, rounds)
    polis, bwrap, codex, srt = figures
    return Row(
        name="exec",
        title="`polis exec alice -- true` beside bubblewrap, codex and srt",
        figures=figures,
        budgets=[
            Budget("polis exec / bwrap", ratio(figures, polis, bwrap), 3),
            Budget("polis exec / codex sandbox", ratio(figures, polis, codex), 0.5),
            Budget("polis exec / srt", ratio(figures, polis, srt), 0.1),
        ],
        notes=[_DIFFERENCE],
    )
