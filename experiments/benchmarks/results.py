"""The file of results: one JSON object a line, one line a run; it can be resumed, added to, and read while it grows.

A run is the same as an earlier one when problem, method, seed, seconds, threads, every option of problem and method,
the number of runs beside it and its clock are the same: what ran side by side never passes for undisturbed. A run that
failed is on file too, with its reason, and does not count as done.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pinn.files import replacing

try:
    import fcntl
except ImportError:  # no such locks on Windows: there, one process at a time may add to a file
    fcntl = None  # type: ignore[assignment]

Record = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One cell of the benchmark, before it is run.

    Attributes:
        problem: its name in the suite.
        method: its name among the methods.
        seed: of weights and points.
        seconds: wall seconds of training at the most.
        threads: threads of its process.
        settings: the constructor of the problem and the options of the method, as the configuration has them.
        jobs: how many runs go on at a time, this one among them.
        clock: "wall", or "processor" where other programs use the machine: what seconds are counted by; one thread.
    """

    problem: str
    method: str
    seed: int
    seconds: float
    threads: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    jobs: int = 1
    clock: str = "wall"

    @property
    def peer(self) -> str | None:
        """The name of the other library that runs it, None for this one."""
        name = self.settings.get("method", {}).get("peer")
        return None if name is None else str(name)

    def as_dict(self) -> Record:
        """Plain values."""
        return asdict(self)


def key(record: Mapping[str, Any]) -> str:
    """What makes two runs the same, as text."""
    content = [record[name] for name in ("problem", "method", "seed", "seconds", "threads", "settings")]
    content[3] = float(content[3])
    return json.dumps([*content, record.get("jobs", 1), record.get("clock", "wall")], sort_keys=True)


def read(path: Path) -> list[Record]:
    """The lines of a file in the order they were written; none where there is no file.

    Raises:
        ValueError: for a line that is no JSON object or no record of a run, with its number and what is wrong.
    """
    if not path.exists():
        return []
    records = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}: line {number} is not JSON ({error}); mend or delete that line") from None
        if wrong := _wrong(record):
            raise ValueError(f"{path}: line {number} is not a run ({wrong}); mend or delete that line")
        records.append(record)
    return records


_ENTRIES: Mapping[str, type | tuple[type, ...]] = {
    "problem": str,
    "method": str,
    "seed": int,
    "seconds": (int, float),
    "threads": int,
    "settings": dict,
    "status": str,
}


def _wrong(record: Any) -> str:
    """What a line lacks to be the record of a run; empty where it is one."""
    if not isinstance(record, dict):
        return "no JSON object"
    for name, kind in _ENTRIES.items():
        if name not in record:
            return f"no {name}"
        if not isinstance(record[name], kind) or isinstance(record[name], bool):
            return f"{name} is {record[name]!r}"
    if record["status"] not in ("done", "failed"):
        return f"status is {record['status']!r}"
    return "no reason" if record["status"] == "failed" and "reason" not in record else ""


def add(path: Path, record: Mapping[str, Any]) -> None:
    """Add one line; a reader sees the file before or after, never between, and writers wait for each other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path):
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        if before and not before.endswith("\n"):
            before += "\n"
        with replacing(path) as temporary:
            temporary.write_text(before + json.dumps(record, allow_nan=False) + "\n", encoding="utf-8")


def finished(records: Sequence[Record], revision: str | None = None) -> dict[str, Record]:
    """The last run of each kind that came to its end, by its `key`.

    Args:
        records: of a file.
        revision: count only those of this git revision; left out, all.
    """
    return {
        key(record): record
        for record in records
        if record.get("status") == "done" and (revision is None or record.get("revision") == revision)
    }


def missing(planned: Sequence[Run], records: Sequence[Record], revision: str | None = None) -> list[Run]:
    """The planned runs that are not finished on file, in order."""
    done = finished(records, revision)
    return [run for run in planned if key(run.as_dict()) not in done]


def chosen(planned: Sequence[Run], records: Sequence[Record]) -> list[Record]:
    """The records of the planned runs that are finished, in the plan's order."""
    done = finished(records)
    return [done[name] for name in (key(run.as_dict()) for run in planned) if name in done]


def gaps(planned: Sequence[Run], records: Sequence[Record]) -> list[tuple[str, str, str]]:
    """What was planned and is not finished: (problem, method, why) in the plan's order.

    Why is `failed: ...` with the last reason on file, or `not run`; where n of m seeds are finished, that comes first.
    """
    done, last = finished(records), {key(record): record for record in records}
    groups: dict[tuple[str, str], list[str]] = {}
    for run in planned:
        groups.setdefault((run.problem, run.method), []).append(key(run.as_dict()))
    found = []
    for (problem, method), names in groups.items():
        left = [name for name in names if name not in done]
        whys = dict.fromkeys(f"failed: {last[name]['reason']}" if name in last else "not run" for name in left)
        part = [f"{len(names) - len(left)} of {len(names)} seeds"] if len(left) < len(names) else []
        if left:
            found.append((problem, method, "; ".join([*part, *whys])))
    return found


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the file `.NAME.lock` beside `path`; others who ask for it wait."""
    with open(path.with_name(f".{path.name}.lock"), "w") as lock:
        if fcntl is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            if fcntl is not None:
                fcntl.flock(lock, fcntl.LOCK_UN)
