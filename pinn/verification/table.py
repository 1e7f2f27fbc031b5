"""What a verification says: comparisons, each a relative difference and what is allowed, in one table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VerificationRow:
    """One comparison: what, the relative difference found, and what is allowed (both dimensionless)."""

    what: str
    difference: float
    allowed: float

    @property
    def ok(self) -> bool:
        """Whether the difference is allowed; NaN never is."""
        return self.difference <= self.allowed


@dataclass(frozen=True)
class VerificationTable:
    """All comparisons made before a run."""

    rows: tuple[VerificationRow, ...]

    @property
    def ok(self) -> bool:
        """Whether every comparison holds."""
        return all(row.ok for row in self.rows)

    def __str__(self) -> str:
        width = max(len("comparison"), *(len(row.what) for row in self.rows))
        lines = [f"{'comparison':<{width}}  difference  allowed"]
        lines += [
            f"{row.what:<{width}}  {row.difference:10.1e}  {row.allowed:7.0e}  {'ok' if row.ok else 'FAILED'}"
            for row in self.rows
        ]
        return "\n".join(lines)


class VerificationError(ValueError):
    """The comparisons before a run failed; `table` says which."""

    def __init__(self, table: VerificationTable) -> None:
        self.table = table
        failed = ", ".join(row.what for row in table.rows if not row.ok)
        super().__init__(
            f"refusing to train, these comparisons failed: {failed}\n{table}\n"
            "Mend the equation, network or reference; solve(..., verify=False) trains all the same."
        )
