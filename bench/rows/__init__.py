"""The rows, in the order of the table."""

from __future__ import annotations

from collections.abc import Callable

from bench.home import Home
from bench.measure import Row
from bench.rows.agents import measure_agents
from bench.rows.conflicts import measure_conflicts
from bench.rows.exec import measure_exec
from bench.rows.hooks import measure_hooks
from bench.rows.journal import measure_journal
from bench.rows.keeper import measure_keeper
from bench.rows.list import measure_list
from bench.rows.locks import measure_locks
from bench.rows.memory import measure_memory
from bench.rows.peers import measure_peers
from bench.rows.reads import measure_reads
from bench.rows.real_agents import measure_real_agents
from bench.rows.sessions import measure_sessions
from bench.rows.together import measure_together
from bench.rows.verdict import measure_rules, measure_verdict
from bench.rows.work import measure_work

ROWS: dict[str, Callable[[Home, int], Row]] = {
    "exec": measure_exec,
    "verdict": measure_verdict,
    "rules": measure_rules,
    "agents": measure_agents,
    "keeper": measure_keeper,
    "work": measure_work,
    "peers": measure_peers,
    "memory": measure_memory,
    "list": measure_list,
    "reads": measure_reads,
    "real_agents": measure_real_agents,
    "hooks": measure_hooks,
    "sessions": measure_sessions,
    "journal": measure_journal,
    "locks": measure_locks,
    "conflicts": measure_conflicts,
    "together": measure_together,
}
