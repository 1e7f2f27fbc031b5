"""What a verification says: comparisons, each a relative difference and what is allowed, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from pinn.verification.finding import Finding


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
    """All comparisons made before a run, and what was found wrong with the problem itself.

    Attributes:
        rows: the comparisons.
        findings: what is missing in the problem, superfluous or contradictory; see `pinn.verification.posedness`.
    """

    rows: tuple[VerificationRow, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every comparison holds and nothing was found that no answer could be right about."""
        return all(row.ok for row in self.rows) and not any(one.refuses for one in self.findings)

    def __str__(self) -> str:
        width = max(len("comparison"), *(len(row.what) for row in self.rows))
        lines = [f"{'comparison':<{width}}  difference  allowed"]
        lines += [
            f"{row.what:<{width}}  {row.difference:10.1e}  {row.allowed:7.0e}  {'ok' if row.ok else 'FAILED'}"
            for row in self.rows
        ]
        return "\n".join(lines)


class VerificationError(ValueError):
    """The comparisons before a run failed, or the problem cannot be meant; `table` says which."""

    def __init__(self, table: VerificationTable) -> None:
        self.table = table
        refused = [str(one) for one in table.findings if one.refuses]
        failed = ", ".join(row.what for row in table.rows if not row.ok)
        lines = []
        if refused:
            lines.append(f"refusing to train: {'. '.join(refused)}. solve(..., verify=False) trains all the same.")
        if failed:
            lines.append(f"refusing to train, these comparisons failed: {failed}\n{table}")
            lines.append("Mend the equation, network or reference; solve(..., verify=False) trains all the same.")
        super().__init__("\n".join(lines))
