"""What polis remembers besides the journal: repositories, agents, settings, trust, answers."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cash.faults import UsageFault
from cash.store.chain import match_key
from cash.store.database import explained, open_store, transaction
from cash.store.key import key_file
from cash.store.records import (
    AgentRecord,
    Answer,
    Decision,
    RepositoryRecord,
    Scope,
    Session,
    Trusted,
)

# How long an answer waits for the agent to send the same line again.
_WAIT = 3600.0


class State:
    """Typed and transactional; any thread. Lies in the same file as the journal.

    Methods raise Fault when the disk or the file does not let them, with nothing half done.
    """

    def __init__(self, path: Path, key: Path | None = None) -> None:
        self.path = path
        self._turn = threading.Lock()
        self._connection = open_store(path)
        try:
            with explained(path):
                self._key = match_key(self._connection, key or key_file(path))
        except BaseException:
            self._connection.close()
            raise

    @classmethod
    def open(cls, path: Path, key: Path | None = None) -> State:
        """The state in the store's file, made first if missing; raises what Journal.open does."""
        return cls(path, key)

    def close(self) -> None:
        """Lets go of the file."""
        with self._turn:
            self._connection.close()

    def add_repository(self, record: RepositoryRecord) -> RepositoryRecord:
        """Adopts a repository; the record that is there when its id is known already."""
        with self._writing() as store:
            store.execute("INSERT OR IGNORE INTO repositories VALUES (?, ?, ?, ?)", _row(record))
            row = store.execute("SELECT * FROM repositories WHERE id = ?", (record.id,)).fetchone()
        if row is None:
            raise UsageFault(f"{record.common_dir} is adopted already under another id")
        return RepositoryRecord(*row)

    def repositories(self) -> tuple[RepositoryRecord, ...]:
        """All that are adopted, oldest first."""
        rows = self._select("SELECT * FROM repositories ORDER BY adopted, id")
        return tuple(RepositoryRecord(*row) for row in rows)

    def remove_repository(self, identity: str) -> None:
        """Forgets a repository and whatever belongs to its agents."""
        for record in self.agents(identity):
            self.remove_agent(identity, record.name)
        with self._writing() as store:
            store.execute("DELETE FROM repositories WHERE id = ?", (identity,))

    def add_agent(self, record: AgentRecord) -> None:
        """Raises UsageFault when the name or the branch is taken in that repository."""
        with self._writing() as store:
            holder = store.execute(
                "SELECT name FROM agents WHERE repository = ? AND (name = ? OR branch = ?) "
                "ORDER BY name = ? DESC",
                (record.repository, record.name, record.branch, record.name),
            ).fetchone()
            if holder and holder[0] == record.name:
                raise UsageFault(
                    f"there is an agent {record.name} already",
                    hint=f"polis shell {record.name}, or choose another name",
                )
            if holder:
                raise UsageFault(
                    f"the branch {record.branch} belongs to agent {holder[0]}",
                    hint="choose another with --branch",
                )
            store.execute("INSERT INTO agents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", _row(record))

    def agents(self, repository: str | None = None) -> tuple[AgentRecord, ...]:
        """The agents of a repository, or of all, by name."""
        rows = self._select(
            "SELECT * FROM agents WHERE ?1 IS NULL OR repository = ?1 ORDER BY name, repository",
            repository,
        )
        return tuple(AgentRecord(*row) for row in rows)

    def agent(self, repository: str, name: str) -> AgentRecord | None:
        """One agent; None when there is none of that name."""
        rows = self._select(
            "SELECT * FROM agents WHERE repository = ? AND name = ?", repository, name
        )
        return AgentRecord(*rows[0]) if rows else None

    def change_agent(
        self,
        repository: str,
        name: str,
        *,
        status: str | None = None,
        mode: str | None = None,
        branch: str | None = None,
        base: str | None = None,
    ) -> AgentRecord:
        """The agent with what is given changed. Raises UsageFault when there is none."""
        with self._writing() as store:
            store.execute(
                "UPDATE agents SET status = coalesce(?, status), mode = coalesce(?, mode), "
                "branch = coalesce(?, branch), base = coalesce(?, base) "
                "WHERE repository = ? AND name = ?",
                (status, mode, branch, base, repository, name),
            )
        record = self.agent(repository, name)
        if record is None:
            raise UsageFault(f"there is no agent {name}", hint="polis agents list")
        return record

    def remove_agent(self, repository: str, name: str) -> AgentRecord | None:
        """Forgets an agent with its sessions and answers; what it was, None if unknown."""
        with self._writing() as store:
            row = store.execute(
                "SELECT * FROM agents WHERE repository = ? AND name = ?", (repository, name)
            ).fetchone()
            if row is None:
                return None
            record = AgentRecord(*row)
            store.execute("DELETE FROM agents WHERE incarnation = ?", (record.incarnation,))
            store.execute("DELETE FROM answers WHERE agent = ?", (record.incarnation,))
            store.execute("DELETE FROM sessions WHERE agent = ?", (record.incarnation,))
        return record

    def setting(self, name: str, default: str = "") -> str:
        """The value of a setting (level, …), or the default."""
        rows = self._select("SELECT value FROM settings WHERE name = ?", name)
        return str(rows[0][0]) if rows else default

    def set_setting(self, name: str, value: str) -> None:
        """Keeps a setting."""
        with self._writing() as store:
            store.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    def trust(self, content: bytes, path: str, now: float) -> Trusted:
        """The user trusts exactly these bytes, wherever they are."""
        record = Trusted(hashlib.sha256(content).hexdigest(), path, now)
        with self._writing() as store:
            store.execute("INSERT OR REPLACE INTO trusted VALUES (?, ?, ?)", _row(record))
        return record

    def is_trusted(self, content: bytes) -> bool:
        """Whether exactly these bytes were trusted."""
        digest = hashlib.sha256(content).hexdigest()
        return bool(self._select("SELECT 1 FROM trusted WHERE sha256 = ?", digest))

    def trusted(self) -> tuple[Trusted, ...]:
        """All that is trusted, oldest first."""
        rows = self._select("SELECT * FROM trusted ORDER BY since, sha256")
        return tuple(Trusted(*row) for row in rows)

    def distrust(self, sha256: str) -> bool:
        """Takes trust back; whether there was any."""
        with self._writing() as store:
            gone = store.execute("DELETE FROM trusted WHERE sha256 = ?", (sha256,))
        return gone.rowcount > 0

    def remember_answer(
        self,
        agent: str,
        line: str,
        decision: Decision,
        scope: Scope,
        *,
        now: float,
        session: str = "",
    ) -> Answer:
        """Keeps the user's answer about an agent's line, as an HMAC: the text is stored nowhere,
        and nobody without the key can plant one. agent: the incarnation, so that a new agent of
        the same name inherits nothing. session: of scope "session", until end_session."""
        answer = Answer(decision, scope, float("inf") if scope == "session" else now + _WAIT)
        if scope == "session" and not session:
            raise ValueError("an answer for the session needs the session")
        row = (
            self._sign_line(agent, line),
            session if scope == "session" else "",
            agent,
            answer.decision,
            answer.scope,
            answer.expiry,
        )
        with self._writing() as store:
            store.execute("DELETE FROM answers WHERE expiry <= ?", (now,))
            store.execute("INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?)", row)
        return answer

    def recall_answer(
        self, agent: str, line: str, *, now: float, session: str = ""
    ) -> Answer | None:
        """The answer to exactly this line that is still good, None if the user must be asked.
        One given for once is used up by this."""
        signed = self._sign_line(agent, line)
        query = (
            "SELECT rowid, decision, scope, expiry FROM answers WHERE line = ? "
            "AND session IN ('', ?) AND expiry > ? ORDER BY decision = 'deny' DESC, scope = 'once'"
        )
        if not self._select(query, signed, session, now):
            return None  # the usual case, without taking the file for writing
        with self._writing() as store:
            row = store.execute(query, (signed, session, now)).fetchone()
            if row and row[2] == "once":
                store.execute("DELETE FROM answers WHERE rowid = ?", (row[0],))
        return Answer(*row[1:]) if row else None

    def forget_answers(self, agent: str | None = None) -> int:
        """Forgets what was answered about an agent's lines, or about all; returns how many."""
        with self._writing() as store:
            return store.execute(
                "DELETE FROM answers WHERE ?1 IS NULL OR agent = ?1", (agent,)
            ).rowcount

    def start_session(self, session: Session) -> None:
        """Keeps a session. Raises sqlite3.IntegrityError, as a Fault, for an id used before."""
        with self._writing() as store:
            store.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", _row(session))

    def end_session(self, identity: str, now: float) -> None:
        """Ends a session and what was answered for its length."""
        with self._writing() as store:
            store.execute(
                "UPDATE sessions SET ended = ? WHERE id = ? AND ended IS NULL", (now, identity)
            )
            store.execute("DELETE FROM answers WHERE session = ?", (identity,))

    def sessions(self, *, running: bool = True) -> tuple[Session, ...]:
        """Sessions that run, or all, oldest first."""
        rows = self._select(
            "SELECT * FROM sessions WHERE ended IS NULL OR NOT ? ORDER BY started, id", running
        )
        return tuple(Session(*row) for row in rows)

    def _sign_line(self, agent: str, line: str) -> bytes:
        # surrogatepass: invalid UTF-8 in a line is kept as lone surrogates.
        return self._key.sign(b"answer", f"{agent}\0{line}".encode("utf-8", "surrogatepass"))

    def _select(self, query: str, *values: object) -> list[Any]:
        with self._turn, explained(self.path):
            return self._connection.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._turn, explained(self.path), transaction(self._connection):
            yield self._connection


def _row(record: object) -> tuple[object, ...]:
    return tuple(getattr(record, name) for name in record.__slots__)  # type: ignore[attr-defined]
