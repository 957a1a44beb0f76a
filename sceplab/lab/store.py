"""The persistent state of a CA, in SQLite: keys, certificates, transactions, challenges.

Rule: rows in, rows out; `ca` decides what is granted. A grant is one database
transaction (certificate, state and used challenge together), so that a process
killed at any moment has either granted or not; several processes may share one
store. Threads that write at the same time share one commit, and each waits for it: what
a method returned about is on the disk. The file holds private keys and is readable by
its owner only.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from sceplab.errors import InputError, ScepError


class StoreError(ScepError):
    """The store cannot be written or read (disk full, file damaged); nothing was granted."""


class State(StrEnum):
    """The state of a transaction."""

    PENDING = "pending"
    GRANTED = "granted"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Transaction:
    """A request for a certificate. `requester` is the SHA-256 of its signer's SubjectPublicKeyInfo.

    `certificate` (DER) is set once it was granted, `why` once it was denied.
    """

    id: int
    transaction_id: str
    request: bytes = field(repr=False)
    requester: bytes = field(repr=False)
    state: State
    created: datetime
    certificate: bytes | None = field(default=None, repr=False)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that the CA issued."""

    serial: int
    der: bytes = field(repr=False)
    revoked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """A one-time challengePassword: the SHA-256 of its text, the subject (DER) it is bound to, and its end."""

    digest: bytes = field(repr=False)
    subject: bytes | None
    expires: datetime | None
    used: bool


_SCHEMA = """
CREATE TABLE IF NOT EXISTS identities (
    role TEXT PRIMARY KEY, certificate BLOB NOT NULL, key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS certificates (
    serial TEXT PRIMARY KEY, der BLOB NOT NULL, revoked REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS transactions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    transaction_id TEXT NOT NULL, digest BLOB NOT NULL, request BLOB NOT NULL, requester BLOB NOT NULL,
    state TEXT NOT NULL, serial TEXT REFERENCES certificates (serial), why TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL, UNIQUE (transaction_id, digest, requester));
CREATE INDEX IF NOT EXISTS pending ON transactions (id) WHERE state = 'pending';
CREATE TABLE IF NOT EXISTS challenges (
    digest BLOB PRIMARY KEY, subject BLOB, expires REAL,
    used_by INTEGER REFERENCES transactions (id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_TRANSACTION = (
    "SELECT t.id, t.transaction_id, t.request, t.requester, t.state, t.created, c.der, t.why "
    "FROM transactions t LEFT JOIN certificates c ON c.serial = t.serial "
)
# With the types of the schema.
Row = tuple[Any, ...]
T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Job:
    """Something to write, and what became of it."""

    do: Callable[[sqlite3.Connection], Any]
    result: Any = None
    error: Exception | None = None
    over: bool = False


# The version of a store whose requests have no challengePassword (see `ca`).
_MASKED = 1
# Seconds to wait while another process writes.
_PATIENCE = 20.0


class Store:
    """An open store. Safe to use from several threads and processes; `close` it at the end."""

    def __init__(self, path: Path | str) -> None:
        """Open the file, or create it. Raises InputError when it is not a store, and StoreError."""
        self.path = Path(path)
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        # Of writing: whether a thread commits, and what waits until it has.
        self._turn = threading.Condition()
        self._committing = False
        self._waiting: list[_Job] = []
        self._page_size = 0
        try:
            if not self.path.exists():
                self.path.touch(mode=0o600)
            self._connection.executescript(_SCHEMA)
        except OSError as error:
            raise InputError(f"{self.path} cannot be opened: {error.strerror}") from error
        except sqlite3.DatabaseError as error:
            self.close()
            raise InputError(f"{self.path} is not the store of a lab CA: {error}") from error

    @property
    def _connection(self) -> sqlite3.Connection:
        """The connection of this thread."""
        found = getattr(self._local, "connection", None)
        if found is None:
            found = sqlite3.connect(self.path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
            # FULL: committed data survives a power failure.
            found.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;")
            self._local.connection = found
            with self._lock:
                self._opened.append(found)
        connection: sqlite3.Connection = found
        return connection

    def close(self) -> None:
        """Close every thread's connection; nothing may be in progress."""
        with self._lock:
            for connection in self._opened:
                connection.close()
            self._opened.clear()
        self._local = threading.local()

    def _write(self, do: Callable[[sqlite3.Connection], T]) -> T:
        """Do something in a transaction: all of it or nothing. Returns when it is on the disk. Raises StoreError.

        A transaction takes the time of a disk to sync, so what came meanwhile goes into one, the next. The
        first thread that waits commits it for all.
        """
        job = _Job(do)
        with self._turn:
            self._waiting.append(job)
            while self._committing and not job.over:
                self._turn.wait()
            if not job.over:
                self._committing = True
                group, self._waiting = self._waiting, []
        if not job.over:
            try:
                self._commit(group)
            finally:
                with self._turn:
                    for each in group:
                        each.over = True
                    self._committing = False
                    self._turn.notify_all()
        if job.error is not None:
            raise job.error
        result: T = job.result
        return result

    def _commit(self, group: list[_Job]) -> None:
        """Do the jobs in one transaction, in which each is a savepoint: one that fails leaves the others alone."""
        done = False
        try:
            connection = self._connection
            connection.execute("BEGIN IMMEDIATE")
            try:
                for job in group:
                    connection.execute("SAVEPOINT job")
                    try:
                        job.result = job.do(connection)
                    except sqlite3.IntegrityError as error:
                        job.error = error
                        connection.execute("ROLLBACK TO job")
                    connection.execute("RELEASE job")
                connection.execute("COMMIT")
                done = True
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            for job in group:
                job.error = StoreError(f"{self.path} cannot be written: {error}")
        finally:
            if not done:
                for job in group:
                    job.error = job.error or StoreError(f"{self.path} was not written")

    def _written(self, do: Callable[[sqlite3.Connection], object]) -> bool:
        """As `_write`; False, and nothing is written, where another was first. Raises StoreError."""
        try:
            self._write(do)
        except sqlite3.IntegrityError:
            return False
        return True

    def _change(self, sql: str, *values: object) -> int:
        """Return how many rows a statement changed. Raises StoreError."""
        return self._write(lambda connection: connection.execute(sql, values).rowcount)

    def _read(self, sql: str, *values: object) -> list[Row]:
        try:
            rows: list[Row] = self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"{self.path} cannot be read: {error}") from error
        return rows

    # ---------------------------------------------------------- keys

    def identities(self) -> dict[str, tuple[bytes, bytes]]:
        """Return certificate and private key (PKCS#8) of each role, both DER."""
        return {role: (c, key) for role, c, key in self._read("SELECT role, certificate, key FROM identities")}

    def set_identities(self, **roles: tuple[bytes, bytes] | None) -> None:
        """Write certificates and keys of roles at once; None removes a role."""

        def write(connection: sqlite3.Connection) -> None:
            for role, pair in roles.items():
                if pair is None:
                    connection.execute("DELETE FROM identities WHERE role = ?", (role,))
                else:
                    connection.execute("INSERT OR REPLACE INTO identities VALUES (?, ?, ?)", (role, *pair))

        self._write(write)

    def add_identities(self, **roles: tuple[bytes, bytes]) -> bool:
        """Write roles that are not there yet; False if another process was first."""
        rows = [(role, *pair) for role, pair in roles.items()]
        return self._written(lambda c: c.executemany("INSERT INTO identities VALUES (?, ?, ?)", rows))

    # ---------------------------------------------------------- certificates

    def issued(self, serial: int) -> Issued | None:
        """Return the certificate with this serial, or None."""
        rows = self._read("SELECT serial, der, revoked FROM certificates WHERE serial = ?", f"{serial:x}")
        return _issued(rows[0]) if rows else None

    def all_issued(self) -> list[Issued]:
        """Return every certificate."""
        return [_issued(row) for row in self._read("SELECT serial, der, revoked FROM certificates")]

    def all_revoked(self) -> list[Issued]:
        """Return the revoked certificates."""
        rows = self._read("SELECT serial, der, revoked FROM certificates WHERE revoked IS NOT NULL ORDER BY revoked")
        return [_issued(row) for row in rows]

    def revoke(self, serial: int, at: datetime) -> bool:
        """Mark a certificate as revoked; False if there is none, or it already was."""
        sql = "UPDATE certificates SET revoked = ? WHERE serial = ? AND revoked IS NULL"
        return self._change(sql, at.timestamp(), f"{serial:x}") == 1

    def next_number(self, name: str) -> int:
        """Return the next number of a counter, from 1; for CRL numbers."""
        sql = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value"
        return self._write(lambda connection: int(connection.execute(sql, (name,)).fetchone()[0]))

    # ---------------------------------------------------------- transactions

    def find(self, transaction_id: str, digest: bytes, requester: bytes) -> Transaction | None:
        """Return the transaction of this very request (`digest` of its CSR) by this requester, or None."""
        sql = _TRANSACTION + "WHERE t.transaction_id = ? AND t.digest = ? AND t.requester = ?"
        rows = self._read(sql, transaction_id, digest, requester)
        return _transaction(rows[0]) if rows else None

    def latest(self, transaction_id: str, requester: bytes) -> Transaction | None:
        """Return the newest transaction with this transactionID by this requester, or None."""
        sql = _TRANSACTION + "WHERE t.transaction_id = ? AND t.requester = ? ORDER BY t.id DESC LIMIT 1"
        rows = self._read(sql, transaction_id, requester)
        return _transaction(rows[0]) if rows else None

    def size(self) -> int:
        """Return how many bytes the store has, without what waits to be written into its file."""
        if not self._page_size:
            self._page_size = int(self._read("PRAGMA page_size")[0][0])
        return int(self._read("PRAGMA page_count")[0][0]) * self._page_size

    def mask(self, change: Callable[[bytes, bytes], bytes]) -> int:
        """Rewrite the requests of a store that was made before they were masked; once, in one transaction.

        `change` gets a request and its requester, and returns the request to keep. Returns how many changed.
        """

        def write(connection: sqlite3.Connection) -> int:
            if connection.execute("PRAGMA user_version").fetchone()[0] >= _MASKED:
                return 0
            changed = 0
            for (number,) in connection.execute("SELECT id FROM transactions").fetchall():
                sql = "SELECT request, requester FROM transactions WHERE id = ?"
                request, requester = connection.execute(sql, (number,)).fetchone()
                kept = change(request, requester)
                if kept != request:
                    connection.execute("UPDATE transactions SET request = ? WHERE id = ?", (kept, number))
                    changed += 1
            connection.execute(f"PRAGMA user_version = {_MASKED}")
            return changed

        if self._read("PRAGMA user_version")[0][0] >= _MASKED:
            return 0
        # What is overwritten is zeroed, also in the log of the database.
        self._read("PRAGMA secure_delete = ON")
        changed = self._write(write)
        self._read("PRAGMA wal_checkpoint(TRUNCATE)")
        return changed

    def transaction(self, number: int) -> Transaction | None:
        """Return a transaction by its own number, or None."""
        rows = self._read(_TRANSACTION + "WHERE t.id = ?", number)
        return _transaction(rows[0]) if rows else None

    def transactions(self, state: State | None = None) -> list[Transaction]:
        """Return the transactions in a state, or all, oldest first."""
        if state is None:
            rows = self._read(_TRANSACTION + "ORDER BY t.id")
        else:
            rows = self._read(_TRANSACTION + "WHERE t.state = ? ORDER BY t.id", state.value)
        return [_transaction(row) for row in rows]

    def count(self, state: State) -> int:
        """Return how many transactions are in a state."""
        return int(self._read("SELECT count(*) FROM transactions WHERE state = ?", state.value)[0][0])

    def pending_size(self) -> int:
        """Return how many bytes the pending requests have together."""
        sql = "SELECT coalesce(sum(length(request)), 0) FROM transactions WHERE state = 'pending'"
        return int(self._read(sql)[0][0])

    def add(
        self,
        transaction_id: str,
        digest: bytes,
        request: bytes,
        requester: bytes,
        now: datetime,
        *,
        certificate: tuple[int, bytes] | None = None,
        challenge: bytes | None = None,
    ) -> bool:
        """Write a new transaction: granted if given a `certificate` (serial, DER), else pending.

        `challenge` is the digest of the one-time challengePassword that it uses
        up. Returns False, and writes nothing, if another process was first
        with this request, serial or challenge.
        """
        serial = f"{certificate[0]:x}" if certificate is not None else None
        state = State.GRANTED if certificate is not None else State.PENDING
        row = (transaction_id, digest, request, requester, state.value, serial, now.timestamp())

        def write(connection: sqlite3.Connection) -> None:
            if certificate is not None:
                connection.execute("INSERT INTO certificates VALUES (?, ?, NULL)", (serial, certificate[1]))
            done = connection.execute(
                "INSERT INTO transactions (transaction_id, digest, request, requester, state, serial, created) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            if challenge is not None:
                sql = "UPDATE challenges SET used_by = ? WHERE digest = ? AND used_by IS NULL"
                if connection.execute(sql, (done.lastrowid, challenge)).rowcount != 1:
                    raise sqlite3.IntegrityError("used by another")

        return self._written(write)

    def grant(self, number: int, serial: int, certificate: bytes) -> bool:
        """Grant a pending transaction; False if it is no longer pending or the serial is taken."""

        def write(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO certificates VALUES (?, ?, NULL)", (f"{serial:x}", certificate))
            sql = "UPDATE transactions SET state = 'granted', serial = ? WHERE id = ? AND state = 'pending'"
            if connection.execute(sql, (f"{serial:x}", number)).rowcount != 1:
                raise sqlite3.IntegrityError("pending no more")

        return self._written(write)

    def deny(self, number: int, why: str) -> bool:
        """Deny a pending transaction; False if it is no longer pending."""
        sql = "UPDATE transactions SET state = 'denied', why = ? WHERE id = ? AND state = 'pending'"
        return self._change(sql, why, number) == 1

    # ---------------------------------------------------------- challenges

    def add_challenge(self, digest: bytes, subject: bytes | None, expires: datetime | None) -> None:
        """Write a one-time challengePassword (its digest)."""
        end = expires.timestamp() if expires is not None else None
        self._change("INSERT INTO challenges VALUES (?, ?, ?, NULL)", digest, subject, end)

    def challenge(self, digest: bytes) -> Challenge | None:
        """Return a one-time challengePassword by its digest, used or not, or None."""
        rows = self._read("SELECT digest, subject, expires, used_by FROM challenges WHERE digest = ?", digest)
        if not rows:
            return None
        _, subject, expires, used = rows[0]
        moment = None if expires is None else datetime.fromtimestamp(expires, UTC)
        return Challenge(digest, subject, moment, used is not None)


def _issued(row: Row) -> Issued:
    serial, data, revoked = row
    moment = None if revoked is None else datetime.fromtimestamp(float(revoked), UTC)
    return Issued(int(str(serial), 16), bytes(data), moment)


def _transaction(row: Row) -> Transaction:
    number, transaction_id, request, requester, state, created, certificate, why = row
    return Transaction(
        int(number),
        str(transaction_id),
        bytes(request),
        bytes(requester),
        State(str(state)),
        datetime.fromtimestamp(float(created), UTC),
        None if certificate is None else bytes(certificate),
        str(why),
    )
