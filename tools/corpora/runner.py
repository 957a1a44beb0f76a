"""Run a function on very many files, each within limits of time and memory.

Rule: a file affects no other file: a worker that hangs, dies or exceeds its memory
is replaced, and the file is named. Works on Linux only.
"""

from __future__ import annotations

import multiprocessing
import resource
import signal
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

Work = Callable[[Path], Iterable[str] | None]
"""Works on a file; may yield a label after each part, which then has the full time limit of a file."""
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one file, or for each part of it.

    `seconds` of processor time, plus `per_megabyte` seconds for each megabyte of the
    file; `megabytes` beyond those of an idle worker; `patience` seconds of wall-clock time.
    """

    seconds: float = 5
    per_megabyte: float = 1
    megabytes: int = 500
    patience: float = 300

    def allowed(self, path: Path) -> float:
        """Return the limit of processor time for a file, in seconds."""
        size = path.stat().st_size if path.exists() else 0
        return self.seconds + round(self.per_megabyte * size / 1e6, 1)


@dataclass(frozen=True, slots=True)
class Failure:
    """A file that failed, and why: the exception with its place, or the limit that was exceeded."""

    path: Path
    what: str


def run(
    files: Sequence[Path], work: Work, limits: Limits, jobs: int = 2, counts: Counter[str] | None = None
) -> Iterator[Failure]:
    """Yield the failures of `work` on the files; it runs in `jobs` processes, so it must be importable.

    The labels that `work` yields are counted in `counts`.
    """
    parts = [files[start::jobs] for start in range(jobs)]
    each: list[Counter[str]] = [Counter() for _ in parts]
    with ThreadPoolExecutor(jobs) as pool:
        for failures in pool.map(lambda part, own: list(_failures(part, work, limits, own)), parts, each):
            yield from failures
    if counts is not None:
        for own in each:
            counts.update(own)


def _failures(files: Sequence[Path], work: Work, limits: Limits, counts: Counter[str]) -> Iterator[Failure]:
    worker: _Worker | None = None
    for path in files:
        if worker is None:
            worker = _Worker(work, limits)
        told = worker.do(path, counts)
        if told:
            yield Failure(path, told)
        if not worker.alive:
            worker = None
    if worker is not None:
        worker.end()


class _Worker:
    """A process that works on one file after another."""

    def __init__(self, work: Work, limits: Limits) -> None:
        self._limits = limits
        self._pipe, theirs = _SPAWN.Pipe()
        self._process: SpawnProcess = _SPAWN.Process(target=_serve, args=(theirs, work, limits), daemon=True)
        self._process.start()
        theirs.close()
        self.alive = True
        self._pipe.recv()  # wait for "ready"

    def do(self, path: Path, counts: Counter[str]) -> str:
        """Work on a file and count its parts; return the failure, or ""."""
        try:
            self._pipe.send(path)
            while self._pipe.poll(self._limits.patience):
                part, told = self._pipe.recv()
                if not part:
                    return str(told)
                counts[part] += 1
            told = f"hangs: no end after {self._limits.patience:g} seconds by the clock"
        except (EOFError, OSError):
            self._process.join()
            exitcode = self._process.exitcode
            late = exitcode == -signal.SIGPROF
            told = f"took more than {self._limits.allowed(path):g} seconds" if late else f"died: {exitcode}"
        self.end()
        return told

    def end(self) -> None:
        """End the process."""
        self.alive = False
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, work: Work, limits: Limits) -> None:
    """Work on each file name from the pipe, until the pipe is closed."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pipe.send("ready")
    limited = False
    while True:
        try:
            path = pipe.recv()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_PROF, limits.allowed(path))  # the signal is not caught, so it ends the process
        if not limited:
            resource.setrlimit(resource.RLIMIT_AS, (_size() + (limits.megabytes << 20),) * 2)
            limited = True
        try:
            for part in work(path) or ():
                signal.setitimer(signal.ITIMER_PROF, limits.allowed(path))
                pipe.send((part, ""))
            told = ""
        except MemoryError:
            told = f"took more than {limits.megabytes} MB"
        except BaseException as error:  # noqa: BLE001 - every exception is reported
            frames = traceback.extract_tb(error.__traceback__)[-2:]
            told = f"{type(error).__name__}: {error} ({', '.join(f'{f.filename}:{f.lineno}' for f in frames)})"
        signal.setitimer(signal.ITIMER_PROF, 0)
        pipe.send(("", told))


def _size() -> int:
    """Return the size of this process's address space in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
