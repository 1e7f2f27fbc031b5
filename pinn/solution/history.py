"""What happened in a run, one row a step: a list of plain dictionaries that goes to CSV and to pictures."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pinn.files import replacing

Row = dict[str, float]


class History:
    """The rows of a run.

    Each row has `step` (optimizer steps so far), `stage` (index), `seconds` (wall time since the call), `loss` (half
    the weighted mean square of the residuals at the training points), `points`, `rows` (of the residual), `parameters`
    (p, which a growing network changes), where evaluated `validation` (loss on points never trained on) and
    `validation/NAME` (what of it is the constraint's), at some of
    these, the last of each stage and the best, `error` (relative L2 against the reference), and what the optimizer
    tells of itself (`damping`, `ratio`, ...). Where linear solves made the answer, the last row is its own, with
    `answer` 1, and `validation` on points that are fresh once more. All dimensionless but the seconds.
    """

    def __init__(self, rows: list[Row] | None = None) -> None:
        self.rows: list[Row] = list(rows or [])

    def append(self, row: Row) -> None:
        """Add one row."""
        self.rows.append(row)

    def conclude(
        self, seconds: float, loss: float, error: float | None, coefficients: Mapping[str, float] | None = None
    ) -> None:
        """End in an answer that linear solves have made.

        Args:
            seconds: wall time when it was there.
            loss: of it on points that nothing has used.
            error: relative L2 against the reference; None without one.
            coefficients: unknown numbers as found.
        """
        told = {"answer": 1.0} | ({} if error is None else {"error": error})
        told |= {f"coefficient/{name}": value for name, value in (coefficients or {}).items()}
        if not self.rows:  # an earlier answer that was taken as it is
            self.append({"step": 0, "stage": 0, "seconds": seconds})
        last = self.rows[-1]
        if last["step"] == 0:  # the one row of solves without training, which have written it themselves
            last |= told
            return
        kept: Row = {name: last[name] for name in ("step", "stage", "points", "rows", "parameters") if name in last}
        self.append({**kept, "seconds": seconds, "validation": loss, **told})

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: int) -> Row:
        return self.rows[index]

    def column(self, name: str) -> NDArray[np.float64]:
        """One quantity over the rows, NaN where a row does not have it; shape (rows,)."""
        return np.array([row.get(name, np.nan) for row in self.rows], dtype=np.float64)

    def as_plain(self) -> dict[str, Any]:
        """The rows as a few matrices, one for all rows with the same entries, which `from_plain` reads bit for bit."""
        groups: dict[tuple[tuple[str, bool], ...], list[int]] = {}
        for index, row in enumerate(self.rows):
            groups.setdefault(tuple((name, type(value) is int) for name, value in row.items()), []).append(index)
        return {
            "rows": len(self.rows),
            "groups": [
                {
                    "names": [name for name, _ in layout],
                    "whole": [whole for _, whole in layout],
                    "at": torch.tensor(at, dtype=torch.int64),
                    "values": torch.tensor(
                        [[float(value) for value in self.rows[index].values()] for index in at], dtype=torch.float64
                    ),
                }
                for layout, at in groups.items()
            ],
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> History:
        """The history that `as_plain` made plain."""
        rows: list[Row] = [{} for _ in range(plain["rows"])]
        for group in plain["groups"]:
            for index, values in zip(group["at"].tolist(), group["values"].tolist(), strict=True):
                rows[index] = {
                    name: int(value) if whole else value
                    for name, whole, value in zip(group["names"], group["whole"], values, strict=True)
                }
        return cls(rows)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a CSV file; quantities that a row does not have stay empty."""
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with replacing(path) as temporary, open(temporary, "w", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=names)
            writer.writeheader()
            writer.writerows(self.rows)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> History:
        """Read what `save` wrote."""
        with open(path, newline="") as file:
            rows = [{name: float(value) for name, value in row.items() if value != ""} for row in csv.DictReader(file)]
        return cls(rows)
