"""What derivatives cost, told: one row a measurement in Markdown, and bars of the loss gradient's cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from .derivative_cases import CASES
from .derivative_timing import MAY_END, Measurement


def line(m: Measurement) -> str:
    """One row of the table, in Markdown."""
    base = m.seconds["plain"]
    numbers = [m.plain.get(name) for name in ("jets", "nested", "torch.func", "jets forward", "nested forward")]
    reference = m.seconds["nested 16 rows"] / 16 / (m.seconds["jets J"] / m.rows)
    memory = " / ".join(f"{value / 2**20:.0f}" for value in m.memory.values()) or "–"
    target = f" (≥ {CASES[m.case].target:g})" if m.width == 50 else ""
    return (
        f"| {m.case} | {m.width} | {m.dtype} | {m.entries} | "
        + " | ".join("–" if value is None else f"{value:.1f}" for value in numbers)
        + f" | {m.floor / base:.1f} | **{m.speedup:.1f}**{target} | {m.per_gradient:.1f} | {reference:.0f} | {memory} |"
    )


HEAD = (
    "| equation | width | precision | K | jets | nested | `torch.func` | jets, rows only | nested, rows only | floor "
    "| nested ÷ jets | J ÷ loss gradient | a row of J, nested ÷ jets | peak MB, jets / nested |"
)


def table(found: Sequence[Measurement], origin: str) -> str:
    """The whole account in Markdown."""
    rule = "|" + "---|" * (HEAD.count("|") - 1)
    note = (
        f"{origin}. Loss gradient (columns jets, nested, torch.func), rows alone without a graph, and the floor in "
        "plain forward-backward passes of the same network on the same points."
    )
    if any(MAY_END not in m.plain for m in found):
        note += f" Where `{MAY_END}` has no figure, the machine's memory did not suffice for it."
    return "\n".join([note, "", HEAD, rule, *map(line, found)]) + "\n"


def picture(found: Sequence[Measurement], path: Path) -> None:
    """Bars of the loss gradient's cost in plain passes, jets beside nested autograd, at the middle width."""
    from pinn.plotting.canvas import MUTED, PALETTE, new_figure, quiet, save

    widths = sorted({m.width for m in found})
    width = 50 if 50 in widths else widths[len(widths) // 2]
    dtypes = sorted({m.dtype for m in found})
    figure = new_figure(4.5 * len(dtypes) + 1, 3.6)
    for index, dtype in enumerate(dtypes):
        axes = quiet(figure.add_subplot(1, len(dtypes), index + 1))
        shown = [m for m in found if m.width == width and m.dtype == dtype]
        for place, (name, label) in enumerate((("jets", "jets"), ("nested", "nested"), ("torch.func", "torch.func"))):
            heights = [m.plain.get(name, math.nan) for m in shown]
            places = [i + 0.27 * (place - 1) for i in range(len(shown))]
            axes.bar(places, heights, 0.25, color=PALETTE[place], label=label)
        for i, m in enumerate(shown):
            axes.plot([i - 0.4, i - 0.14], [m.floor / m.seconds["plain"]] * 2, color=MUTED, linewidth=1.5)
            axes.annotate(
                f"{m.speedup:.1f}×",
                (i - 0.27, m.plain["jets"]),
                ha="center",
                va="bottom",
                fontsize=8,
                color=PALETTE[0],
            )
        axes.set_yscale("log")
        axes.set_xticks(range(len(shown)), [m.case.replace("_", " ") for m in shown], rotation=30, ha="right")
        axes.set_title(f"loss gradient, width {width}, {dtype}", fontsize=10)
        if index == 0:
            axes.set_ylabel("plain forward-backward passes")
            axes.legend(frameon=False, fontsize=9)
    save(figure, path)
