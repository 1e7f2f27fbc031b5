"""One self-contained page a run: HTML with its style and its pictures inside, which asks nothing of a network.

Verdict and evidence stand first, then the solution, its estimated error, the residuals and their balance, the losses
over time, scales and unknowns; what the optimizer told of its steps is folded away. No script runs.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pinn import plotting
from pinn.domains import Points
from pinn.plotting import Banded, Fields
from pinn.solution.account import Table, account
from pinn.solution.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pinn.solution.report import Report

_STYLE = """
.pinn{font:15px/1.5 system-ui,sans-serif;color:#333;background:#fff;max-width:70rem;margin:0 auto;padding:1.5rem}
.pinn h1{font-size:1.5rem;margin:0 0 .5rem}.pinn h2{font-size:1.1rem;margin:1.8rem 0 .5rem;color:#1f4e79}
.pinn .verdict{border-left:.4rem solid #b5651d;background:#fbf5ee;padding:.8rem 1rem;border-radius:.2rem}
.pinn .verdict.trusted{border-color:#2a9d8f;background:#eef8f6}.pinn .verdict ul{margin:.3rem 0 0;padding-left:1.2rem}
.pinn .next{font-weight:600;margin:.5rem 0 0}.pinn table{border-collapse:collapse;font-size:.9rem}
.pinn th,.pinn td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #e6e6e6}
.pinn td{font-variant-numeric:tabular-nums}.pinn img{max-width:100%;height:auto}
.pinn .bar{display:inline-block;height:.7rem;background:#1f4e79;vertical-align:middle}
.pinn .bar.over{background:#d1495b}.pinn .facts{color:#777;font-size:.85rem}
.pinn details{margin-top:1.5rem}.pinn summary{cursor:pointer;color:#1f4e79;font-weight:600}
"""


@dataclass(frozen=True)
class Drawn:
    """What the page draws.

    Attributes:
        fields: makes the solution's fields, as `Solution.fields` does.
        history: of the run.
        residuals: constraint -> points and |r| there, (n,), in the equation's units.
        reference_error: relative L2 that the reference is known to be wrong by.
        error: makes the estimated error of each output as fields; None where it is not known.
        unknowns: unknown field -> makes it, with its standard error where noise of the data leaves one.
    """

    fields: Callable[[], Fields]
    history: History
    residuals: Mapping[str, tuple[Points, NDArray[np.float64]]]
    reference_error: float = 0.0
    error: Callable[[], Fields] | None = None
    unknowns: Mapping[str, Callable[[], Banded]] = field(default_factory=dict)


def page(report: Report, *, whole: bool = True) -> str:
    """A report as HTML.

    Args:
        report: what it shows.
        whole: a page of its own; otherwise a part of one, such as a notebook's.
    """
    told = account(report)
    judgement = report.judgement
    evidence = "".join(f"<li>{html.escape(one)}</li>" for one in judgement.evidence)
    advice = f'<p class="next">Next: {html.escape(judgement.advice)}.</p>' if judgement.advice else ""
    body = [
        f"<h1>{html.escape(told.headline)}</h1>",
        f'<div class="verdict{" trusted" if report.trusted else ""}"><ul>{evidence}</ul>{advice}</div>',
        *_pictures(report),
        _balance(report),
        *(_table(table) for table in told.tables),
        _trace(report),
        f'<div class="facts"><h2>The run</h2>{"<br>".join(html.escape(fact) for fact in told.facts)}</div>',
    ]
    inside = f'<style>{_STYLE}</style><div class="pinn">{"".join(part for part in body if part)}</div>'
    if not whole:
        return inside
    head = f'<meta charset="utf-8"><title>{html.escape(told.headline)}</title>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{inside}</body></html>\n'


def _pictures(report: Report) -> list[str]:
    drawn = report.drawn
    if drawn is None:
        return []
    parts = []
    if math.isfinite(report.loss):
        parts.append(_section("Solution", plotting.plot_solution(plotting.Shown(drawn.fields()))))
    if drawn.error is not None:
        parts.append(
            _section("Estimated error", plotting.plot_solution(plotting.Shown(drawn.error()), kind="estimate"))
        )
    elif opened := report.judgement.undetermined(report.certificate, drawn.fields().outputs):
        parts.append(f"<h2>Estimated error</h2><p>{html.escape(', '.join(opened))}: not determined</p>")
    if drawn.unknowns and math.isfinite(report.loss):
        made = [make() for make in drawn.unknowns.values()]
        known = all(one.deviation is None for one in made)
        title = "Unknown fields" if known else "Unknown fields, with bands of one and two standard errors"
        parts.append(_section(title, plotting.plot_bands(made)))
    if drawn.residuals and math.isfinite(report.loss):
        place = {
            name: ({key: points.column(key).cpu().double().numpy() for key in points.names}, size)
            for name, (points, size) in drawn.residuals.items()
        }
        parts.append(_section("Residuals on points never trained on", plotting.plot_residuals(place)))
    if len(drawn.history):
        figure = plotting.plot_history(drawn.history, reference_error=drawn.reference_error)
        parts.append(_section("Losses over time", figure))
        parts.append(_section("Balance of the constraints over time", plotting.plot_balance(drawn.history)))
    return parts


def _trace(report: Report) -> str:
    if report.drawn is None or not len(report.drawn.history):
        return ""
    picture = plotting.as_html(plotting.plot_trace(report.drawn.history), "what the optimizer told of its steps")
    return f"<details><summary>What the optimizer told of its steps</summary>{picture}</details>"


def _balance(report: Report) -> str:
    """Each constraint's residual against its own terms as a bar of decades, from 1e-12 to all."""
    rows = []
    for one in report.constraints:
        if one.relative is None or not math.isfinite(one.relative):
            continue
        decades = min(12.0, max(0.1, 12 + math.log10(max(one.relative, 1e-12))))
        over = " over" if one.relative > 0.05 and (one.noise is None or one.noise > 1.5) else ""
        bar = f'<span class="bar{over}" style="width:{1.5 * decades:.2f}rem"></span>'
        share = f"{one.fraction_of_loss:.0%} of the loss"
        rows.append(f"<tr><td>{html.escape(one.name)}</td><td>{bar} {one.relative:.1e}</td><td>{share}</td></tr>")
    if not rows:
        return ""
    head = "<tr><th>constraint</th><th>residual over its own terms, each twelfth a decade</th><th></th></tr>"
    return f"<h2>Balance of the constraints at the end</h2><table>{head}{''.join(rows)}</table>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head)
    rows = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in table.rows)
    title = html.escape(table.title[:1].upper() + table.title[1:])
    return f"<h2>{title}</h2><table><tr>{head}</tr>{rows}</table>"


def _section(title: str, figure: Figure) -> str:
    return f"<h2>{html.escape(title)}</h2>{plotting.as_html(figure, title)}"
