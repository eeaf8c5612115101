"""What polis remembers besides the journal: settings, trust, open questions, answers, claims.

Agents and repositories are not here: what lies on the disk says which there are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cash.store.body import JSON
from cash.store.chain import match_key
from cash.store.database import explained, open_store, transaction
from cash.store.key import key_file
from cash.store.records import Answer, Asked, Decision, Scope, Trusted

# How long an answer waits for the agent to send the same line again.
_WAIT = 3600.0
# How long a question waits for an answer: its person may be away until the next morning.
OPEN_SECONDS = 24 * 3600.0


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
        subject: bytes,
        decision: Decision,
        scope: Scope,
        *,
        now: float,
        session: str = "",
    ) -> Answer:
        """Keeps the user's answer about what sign_line gave. agent: the incarnation, for
        forget_answers. session: of scope "session", its id."""
        answer = Answer(decision, scope, float("inf") if scope == "session" else now + _WAIT)
        if scope == "session" and not session:
            raise ValueError("an answer for the session needs the session")
        row = (
            subject,
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
        self, subject: bytes, *, now: float, session: str = "", keep: bool = False
    ) -> Answer | None:
        """The answer to exactly this line that is still good, None if the user must be asked.
        One given for once is used up by this, unless it is to be kept."""
        query = (
            "SELECT rowid, decision, scope, expiry FROM answers WHERE line = ? "
            "AND session IN ('', ?) AND expiry > ? ORDER BY decision = 'deny' DESC, scope = 'once'"
        )
        if not self._select(query, subject, session, now):
            return None  # the usual case, without taking the file for writing
        with self._writing() as store:
            row = store.execute(query, (subject, session, now)).fetchone()
            if row and row[2] == "once" and not keep:
                store.execute("DELETE FROM answers WHERE rowid = ?", (row[0],))
        return Answer(*row[1:]) if row else None

    def forget_answers(self, agent: str, *, sessions_only: bool = False) -> int:
        """Forgets what was answered about an agent's lines, or just what was answered for the
        length of a session; how many."""
        with self._writing() as store:
            return store.execute(
                "DELETE FROM answers WHERE agent = ? AND (session != '' OR NOT ?)",
                (agent, sessions_only),
            ).rowcount

    def keep_question(self, asked: Asked) -> None:
        """Keeps an open question; again is fine. Those that are too old go."""
        shown = json.dumps(asked.shown)
        row = (asked.id, asked.key, asked.agent, asked.subject, asked.asked, shown)
        with self._writing() as store:
            store.execute("DELETE FROM questions WHERE asked <= ?", (asked.asked - OPEN_SECONDS,))
            store.execute(
                "INSERT OR IGNORE INTO questions VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*row, self._seal(row)),
            )

    def questions(self, now: float) -> tuple[Asked, ...]:
        """The open questions, oldest first; none that was put there without the key."""
        rows = self._select(
            "SELECT id, key, agent, subject, asked, shown, seal FROM questions "
            "WHERE asked > ? ORDER BY asked, rowid",
            now - OPEN_SECONDS,
        )
        return tuple(
            Asked(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]))
            for row in rows
            if hmac.compare_digest(row[6], self._seal(row[:6]))
        )

    def drop_question(self, key: str) -> None:
        """Forgets a question that was answered."""
        with self._writing() as store:
            store.execute("DELETE FROM questions WHERE key = ?", (key,))

    def drop_questions(self, agent: str) -> None:
        """Forgets what an agent has asked."""
        with self._writing() as store:
            store.execute("DELETE FROM questions WHERE agent = ?", (agent,))

    def keep_claims(self, kept: Mapping[int, Mapping[str, JSON]], gone: Iterable[int]) -> None:
        """Keeps claims on paths by their fence, and forgets others; all or nothing."""
        rows = [(fence, json.dumps(body)) for fence, body in kept.items()]
        with self._writing() as store:
            store.executemany("DELETE FROM claims WHERE fence = ?", [(fence,) for fence in gone])
            store.executemany(
                "INSERT OR REPLACE INTO claims VALUES (?, ?, ?)",
                [(*row, self._seal(row)) for row in rows],
            )

    def claims(self) -> tuple[dict[str, Any], ...]:
        """The claims kept, by their fence; none that was put there without the key."""
        rows = self._select("SELECT fence, body, seal FROM claims ORDER BY fence")
        return tuple(
            json.loads(row[1])
            for row in rows
            if hmac.compare_digest(row[2], self._seal((row[0], row[1])))
        )

    def next_fences(self, count: int) -> int:
        """The first of so many numbers that were never given before, nor will be again."""
        with self._writing() as store:
            row = store.execute("SELECT value FROM settings WHERE name = 'fences'").fetchone()
            first = int(row[0]) + 1 if row else 1
            last = str(first + count - 1)
            store.execute("INSERT OR REPLACE INTO settings VALUES ('fences', ?)", (last,))
        return first

    def _seal(self, row: Sequence[object]) -> bytes:
        text = json.dumps([part.hex() if isinstance(part, bytes) else part for part in row])
        return self._key.sign(b"question", text.encode())

    def sign_line(self, agent: str, line: str) -> bytes:
        """What stands for an agent's line: an HMAC. The text is stored nowhere, and nobody
        without the key can plant an answer to it. agent: the incarnation, so that a new agent of
        the same name inherits nothing."""
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
