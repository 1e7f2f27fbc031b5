"""What a report tells, as headline, sentences and tables; as plain text and as Markdown. The page is made of the same.

account(report)  ->  Account(headline, sentences, tables)  ->  text, Markdown, or HTML (`pinn.solution.page`)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pinn.solution.error import score

if TYPE_CHECKING:
    from pinn.solution.report import Report


@dataclass(frozen=True)
class Table:
    """Rows of text under a title.

    Attributes:
        title: what it shows.
        head: of the columns.
        rows: one text a column each.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Account:
    """A report before it is laid out.

    Attributes:
        headline: the problem and the verdict.
        sentences: the evidence, the gravest first, and what to do.
        facts: of the run, one line each.
        tables: those that have rows.
    """

    headline: str
    sentences: tuple[str, ...]
    facts: tuple[str, ...]
    tables: tuple[Table, ...]

    @property
    def text(self) -> str:
        """Plain text, columns aligned."""
        lines = [self.headline, *(f"  {sentence}" for sentence in self.sentences), *self.facts]
        for table in self.tables:
            cells = [(table.title, *table.head[1:]), *table.rows]
            widths = [max(len(row[column]) for row in cells) for column in range(len(table.head))]
            for row in cells:
                padded = [
                    cell.ljust(width) if column in (0, len(row) - 1) else cell.rjust(width)
                    for column, (cell, width) in enumerate(zip(row, widths, strict=True))
                ]
                lines.append("  ".join(padded).rstrip())
        return "\n".join(lines)

    @property
    def markdown(self) -> str:
        """Markdown with tables."""
        parts = [f"# {self.headline}", "\n".join(f"- {sentence}" for sentence in self.sentences)]
        for table in self.tables:
            rows = [table.head, ("---",) * len(table.head), *table.rows]
            escaped = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
            parts += [f"## {table.title[:1].upper()}{table.title[1:]}", "\n".join(escaped)]
        parts += ["## The run", "\n".join(f"- {fact}" for fact in self.facts)]
        return "\n\n".join(part for part in parts if part) + "\n"


def account(report: Report) -> Account:
    """Headline, sentences and tables of a report."""
    judgement = report.judgement
    advice = (f"next: {judgement.advice}",) if judgement.advice else ()
    tables = (
        constraint_table(report),
        _outputs(report),
        _unknowns(report),
        _correlations(report),
        _fields(report),
        _noise(report),
        _weights(report),
        _row_scales(report),
        Table("chosen", ("what", "choice"), tuple((name, choice) for name, choice in report.chosen.items())),
    )
    return Account(
        f"{report.problem}: {judgement}",
        (*judgement.evidence, *advice),
        tuple(_facts(report)),
        tuple(table for table in tables if table.rows),
    )


def constraint_table(report: Report) -> Table:
    """Each constraint on fresh points."""
    rows = []
    for one in report.constraints:
        place = ", ".join(f"{name} = {value:.3g}" for name, value in one.where.items())
        noise = "" if one.noise is None else f"{one.noise:.2g} σ"
        relative = "—" if one.relative is None else f"{one.relative:.1e}"
        largest, part = f"{one.largest:.1e}", f"{one.fraction_of_loss:.0%}"
        rows.append((one.name, f"{one.rms:.1e}", relative, noise, largest, part, place))
    head = ("constraint", "rms resid.", "of its terms", "misfit", "largest", "of loss", "at")
    return _without_empty(Table("on fresh points", head, tuple(rows)))


def _outputs(report: Report) -> Table:
    """Error, estimate, shift and size by output; nothing where the one output has no more than its error."""
    estimated = {} if report.certificate is None else report.certificate.errors
    noise = {} if report.certificate is None else report.certificate.noise_errors
    shifts = {} if report.scales is None else report.scales.outputs
    names = list(dict.fromkeys([*report.errors, *(name for name in estimated if name not in report.fields), *shifts]))
    if len(names) < 2 and not shifts and not noise:
        return Table("by output", ("output",), ())
    rows = [
        (
            name,
            _number(report.errors.get(name)),
            _estimate(report, name, estimated),
            _number(noise.get(name)),
            *(f"{value:.3g}" for value in shifts.get(name, ())[:2]),
        )
        for name in names
    ]
    head = ("output", "error", "estimated", "from noise", *(("shift", "size") if shifts else ()))
    return _without_empty(Table("by output", head, tuple(row + ("",) * (len(head) - len(row)) for row in rows)))


def _unknowns(report: Report) -> Table:
    certificate = report.certificate
    standard = {} if certificate is None else certificate.standard_errors
    estimated = {} if certificate is None else certificate.coefficient_errors
    rows = tuple(
        (
            name,
            f"{value:.8g}",
            f"{standard[name]:.2g}" if math.isfinite(standard.get(name, math.inf)) else "",
            _estimate(report, name, estimated),
            _number(report.coefficient_errors.get(name)),
        )
        for name, value in report.coefficients.items()
    )
    head = ("unknown", "found", "standard error", "estimated error", "relative error")
    return _without_empty(Table("unknown numbers", head, rows))


def _correlations(report: Report) -> Table:
    pairs: Mapping[tuple[str, str], float] = {} if report.certificate is None else report.certificate.correlation
    rows = tuple((f"{first}, {second}", f"{value:+.2f}") for (first, second), value in pairs.items())
    return Table("correlation", ("pair", "correlation"), rows)


def _fields(report: Report) -> Table:
    estimated = {} if report.certificate is None else report.certificate.errors
    noise = {} if report.certificate is None else report.certificate.noise_errors
    rows = tuple(
        (
            name,
            f"{low:.4g} … {high:.4g}",
            _estimate(report, name, estimated),
            _number(noise.get(name)),
            "" if band is None else f"{band:.2g}",
        )
        for name, (low, high, band) in report.fields.items()
    )
    head = ("field", "range", "estimated error", "from noise", "standard error")
    return _without_empty(Table("unknown fields", head, rows))


def _noise(report: Report) -> Table:
    """The noise of each set of data, in the units of its rows, and what of it was held out."""
    noise = report.noise
    if noise is None:
        return Table("noise of the data", ("data",), ())
    rows = tuple(
        (
            name,
            ", ".join(f"{value:.3g}" for value in noise.sigma.get(name, ())),
            f"{noise.misfit[name]:.2f}" if name in noise.misfit else "",
            str(noise.held_out[name]) if noise.held_out.get(name) else "",
        )
        for name in dict.fromkeys([*noise.sigma, *noise.misfit, *noise.held_out])
    )
    head = ("data", "standard deviation", "over that stated", "held out")
    return _without_empty(Table("noise of the data", head, rows))


def _weights(report: Report) -> Table:
    """Weights that the run has changed for the noise."""
    weights: Mapping[str, float] = {} if report.noise is None else report.noise.weights
    rows = tuple((name, f"{value:.3g}") for name, value in weights.items())
    return Table("weights for the noise", ("constraint", "weight"), rows)


def _row_scales(report: Report) -> Table:
    if report.scales is None:
        return Table("sizes of rows", ("constraint",), ())
    rows = [(name, ", ".join(f"{size:.3g}" for size in sizes)) for name, sizes in report.scales.rows.items()]
    rows += [(name, f"{size:.3g}") for name, size in report.scales.unknowns.items()]
    return Table("sizes of rows", ("constraint or unknown", "size"), tuple(rows))


def _facts(report: Report) -> Iterable[str]:
    known = "no reference" if report.error is None else score(report.error, report.reference_error)
    yield (
        f"{report.seconds:.1f} s, {report.steps} steps, {report.parameters} parameters, {report.dtype}, "
        f"seed {report.seed}; {known}"
    )
    if report.reason:
        yield f"ended: {report.reason}"
    if report.outcome is not None:
        yield from (str(one) for one in report.outcome.contributions)
        if report.outcome.uncorrected:
            yield f"not corrected by linear solves: {report.outcome.uncorrected}"
    for name in report.energies:
        yield f"{name!r} was trained by its energy, and is judged by the equation that holds where that is least"
    yield f"checked before: {report.checked} comparisons held" if report.checked else "not verified before the run"
    yield from (f"as stated: {one}" for one in report.stated if one.what not in report.judgement.evidence)
    taken_over: dict[tuple[str, str], list[str]] = {}
    for name, choice in report.engines.items():
        if choice.reason:
            taken_over.setdefault((choice.engine, choice.reason), []).append(repr(name))
    for (engine, reason), constraints in taken_over.items():
        yield f"derivatives of {', '.join(constraints)} by {engine}: {reason}"
    names = sorted({choice.engine for choice in report.engines.values()})
    if names and not taken_over:
        yield f"derivatives by {' and '.join(names)}"
    for one in report.constraints:
        for name, (low, high) in one.concentrated.items():
            first, last = f"{low:.3g}", f"{high:.3g}"
            place = f"lies at {name} = {first}" if first == last else f"lies in {first} ≤ {name} ≤ {last}"
            yield f"half of the squared residual of {one.name!r} {place}"


def _estimate(report: Report, name: str, estimated: Mapping[str, float]) -> str:
    """The estimated error of an output or unknown, which there is none of where nothing determines it."""
    if report.judgement.undetermined(report.certificate, (name,)):
        return "not determined"
    return _number(estimated.get(name))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}"


def _without_empty(table: Table) -> Table:
    """The table without columns that no row fills."""
    kept = [index for index in range(len(table.head)) if index == 0 or any(row[index] for row in table.rows)]

    def pick(row: Sequence[str]) -> tuple[str, ...]:
        return tuple(row[index] for index in kept)

    return Table(table.title, pick(table.head), tuple(pick(row) for row in table.rows))
