"""Draw the floors of the library from its imports, and copy the list of rooms to the page beside the picture.

    python docs/architecture.py        # writes docs/architecture.png and the table in docs/architecture.md

The floors and rooms come from `floors.toml`, lines and imports from the text of the modules, which are not run for it.
An arrow says that a room imports from another; where a longer way of arrows implies that, it is left out (the
transitive reduction), since with it the drawing would be a thicket. The rooms of a floor are put in an order that
crosses few arrows, by barycenter sweeps (Sugiyama, Tagawa, Toda, IEEE Trans. Syst. Man Cybern. 11 (1981) 109), and at
places that keep the arrows short, and above all straight where they pass a floor (Gansner et al., IEEE Trans. Softw.
Eng. 19 (1993) 214, section 4).
"""

from __future__ import annotations

import ast
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path as Curve

from pinn.plotting.canvas import INK, MUTED, PALETTE, new_figure, save

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ROOT / "docs" / "floors.toml"
PAGE = ROOT / "docs" / "architecture.md"
PICTURE = ROOT / "docs" / "architecture.png"
BEGIN, END = "<!-- rooms -->", "<!-- /rooms -->"


@dataclass(frozen=True)
class Floor:
    """One floor: what it is for, and what each of its rooms is for, by name."""

    name: str
    rooms: Mapping[str, str]


@dataclass(frozen=True)
class Import:
    """One import statement's target: a module of the library, or the dotted name of something else."""

    target: str
    deferred: bool  # inside a function
    line: int


def read_floors(path: Path = FLOORS) -> list[Floor]:
    """The floors, from the roof to the ground."""
    return [Floor(entry["name"], entry["rooms"]) for entry in tomllib.loads(path.read_text("utf-8"))["floor"]]


def read_deferred(path: Path = FLOORS) -> set[tuple[str, str]]:
    """Pairs of modules of which the first may import the second inside a function though that closes a circle."""
    listed = tomllib.loads(path.read_text("utf-8"))["deferred"]
    return {(module, target) for module, targets in listed.items() for target in targets}


def modules(package: Path = ROOT / "pinn") -> dict[str, Path]:
    """Every module of a package by dotted name; a package's `__init__` goes by the package's name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    """The room of a module: the second part of its dotted name, `__init__` for the library's own face."""
    return [*module.split("."), "__init__"][1]


def imports(module: str, known: Mapping[str, Path], lazily: bool = False) -> list[Import]:
    """What a module imports when it runs; imports for type checkers alone are none.

    Args:
        module: dotted name.
        known: all modules by dotted name, see `modules`: `from a import b` asks for the module a.b where there is one,
            and for a otherwise.
        lazily: count those for type checkers too, among which a lazy `__init__` lists what it loads when it is asked.
    """
    path = known[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]

    def targets(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                yield name if (name := f"{base}.{alias.name}") in known else base

    def visit(node: ast.AST, inside: bool) -> Iterator[Import]:
        if not lazily and isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        yield from (Import(target, inside, node.lineno) for target in targets(node) if hasattr(node, "lineno"))
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, inside)

    return list(visit(ast.parse(path.read_text("utf-8")), False))


def reachable(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """For each node those that a way of one arrow or more leads to."""
    found: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting.extend(graph.get(node, ()))
        found[start] = seen
    return found


def circles(graph: Mapping[str, set[str]]) -> set[frozenset[str]]:
    """The strongly connected components of two nodes or more, and nodes with an arrow to themselves."""
    reach = reachable(graph)
    return {
        frozenset({node, *(other for other in reach[node] if node in reach.get(other, ()))})
        for node in graph
        if node in reach[node]
    }


def room_graph(known: Mapping[str, Path]) -> dict[str, set[str]]:
    """Which rooms each room imports from, the library's own face those that it loads when it is asked."""
    graph: dict[str, set[str]] = {room_of(module): set() for module in known}
    for module in known:
        here = room_of(module)
        found = imports(module, known, lazily=here == "__init__")
        graph[here] |= {room_of(one.target) for one in found if one.target in known} - {here}
    return graph


def reduced(graph: Mapping[str, set[str]]) -> list[tuple[str, str]]:
    """The arrows of an acyclic graph that no longer way implies."""
    reach = reachable(graph)
    return sorted((a, b) for a in graph for b in graph[a] if not any(b in reach[c] for c in graph[a] - {b}))


# ---- where the rooms stand ----

GAP, ALONG, HEIGHT, STEP = 0.35, 0.3, 0.62, 1.22  # inches: between rooms, arrows that pass; of a room, of a floor


def layers(floors: Sequence[Floor], arrows: Sequence[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """The nodes of each floor, places where arrows pass included; and each arrow as the nodes that it leads through."""
    level = {room: index for index, floor in enumerate(floors) for room in floor.rooms}
    nodes = [list(floor.rooms) for floor in floors]
    ways = []
    for a, b in arrows:
        way = [a]
        for passed in range(level[a] + 1, level[b]):
            way.append(f"{a}>{b}@{passed}")
            nodes[passed].append(way[-1])
        ways.append([*way, b])
    return nodes, ways


def cost(order: Sequence[Sequence[str]], links: Sequence[tuple[str, str]]) -> tuple[int, float]:
    """How many pairs of arrows cross between neighbouring floors; then how far the arrows lead to the side."""
    place = {node: (index, position) for index, floor in enumerate(order) for position, node in enumerate(floor)}
    ends = [(place[a][0], place[a][1], place[b][1]) for a, b in links]
    crossed = sum(a[0] == b[0] and (a[1] - b[1]) * (a[2] - b[2]) < 0 for i, a in enumerate(ends) for b in ends[:i])
    middle = {node: place[node][1] - (len(floor) - 1) / 2 for floor in order for node in floor}
    return crossed, sum(abs(middle[a] - middle[b]) for a, b in links)


def ordered(
    nodes: Sequence[Sequence[str]], links: Sequence[tuple[str, str]], starts: int = 60, sweeps: int = 12
) -> list[list[str]]:
    """The nodes of each floor from left to right, by barycenter sweeps from many orders; the best that was met."""
    above: dict[str, list[str]] = {node: [] for floor in nodes for node in floor}
    below: dict[str, list[str]] = {node: [] for floor in nodes for node in floor}
    for a, b in links:
        below[a].append(b)
        above[b].append(a)
    random = np.random.default_rng(0)
    best = [list(floor) for floor in nodes]
    least = cost(best, links)
    for _ in range(starts):
        order = [[floor[k] for k in random.permutation(len(floor))] for floor in nodes]
        for sweep in range(sweeps):
            near = below if sweep % 2 else above
            for index in reversed(range(len(order))) if sweep % 2 else range(len(order)):
                place = {node: k - (len(floor) - 1) / 2 for floor in order for k, node in enumerate(floor)}
                wish = {
                    node: float(np.mean([place[other] for other in near[node]])) if near[node] else place[node]
                    for node in order[index]
                }
                order[index] = sorted(order[index], key=wish.__getitem__)
            found = cost(order, links)
            if found < least:
                best, least = [list(floor) for floor in order], found
    return best


def placed(
    order: Sequence[Sequence[str]], links: Sequence[tuple[str, str]], widths: Mapping[str, float]
) -> dict[str, float]:
    """Middles of the nodes, in inches: near what they are linked with, in order, and clear of each other."""
    near: dict[str, list[str]] = {node: [] for floor in order for node in floor}
    for a, b in links:
        near[a].append(b)
        near[b].append(a)
    offset: dict[str, float] = {}
    x: dict[str, float] = {}
    for floor in order:
        at = 0.0
        for k, node in enumerate(floor):
            if k:
                clear = ALONG if ">" in floor[k - 1] + node else GAP
                at += (widths[floor[k - 1]] + widths[node]) / 2 + clear
            offset[node] = at
        x |= {node: offset[node] - at / 2 for node in floor}
    for _ in range(2000):
        for floor in order:
            wish = []
            for node in floor:
                # Eight times the pull between places that an arrow passes: straight before short.
                pulls = [(x[other], 8.0 if ">" in node and ">" in other else 1.0) for other in near[node]]
                pulls.append((0.0, 0.15))  # and a little towards the middle
                wish.append(sum(at * w for at, w in pulls) / sum(w for _, w in pulls) - offset[node])
            shifts = _increasing(wish)
            x |= {node: shift + offset[node] for node, shift in zip(floor, shifts, strict=True)}
    return x


def _increasing(values: Sequence[float]) -> list[float]:
    """The nearest sequence, in least squares, that nowhere falls: neighbours that would are pooled."""
    pools: list[list[float]] = []
    for value in values:
        pools.append([value, 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (b, n), (a, m) = pools.pop(), pools.pop()
            pools.append([(a * m + b * n) / (m + n), m + n])
    return [mean for mean, count in pools for _ in range(int(count))]


# ---- the picture and the page ----


def draw(path: Path = PICTURE) -> None:
    """The floors as bands, the rooms as boxes as wide as they have lines, arrows from a room to what it imports."""
    floors, known = read_floors(), modules()
    lines: dict[str, int] = {}
    for module, file in known.items():
        room = room_of(module)
        lines[room] = lines.get(room, 0) + file.read_text("utf-8").count("\n")
    lines = {room: about(count) for room, count in lines.items()}
    nodes, ways = layers(floors, reduced(room_graph(known)))
    links = [link for way in ways for link in pairwise(way)]
    widths = {
        node: 0.0 if ">" in node else 0.5 + max(0.75, 0.1 * len(node)) + lines[node] / 2000
        for floor in nodes
        for node in floor
    }
    order = ordered(nodes, links)
    x = placed(order, links, widths)
    y = {node: -STEP * index for index, floor in enumerate(order) for node in floor}
    left = min(x[node] - widths[node] / 2 for node in x) - 0.4
    right = max(x[node] + widths[node] / 2 for node in x) + 0.4
    margin = 2.35
    figure = new_figure(right - left + margin, STEP * len(floors) + 0.45)
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(left - margin, right), ylim=(-STEP * (len(floors) - 0.5) - 0.4, STEP / 2 + 0.05))
    axes.set_axis_off()
    _bands(axes, floors, left - margin, right)
    colors = {
        room: PALETTE[k % len(PALETTE)] for k, room in enumerate(room for floor in floors for room in floor.rooms)
    }
    _arrows(axes, ways, x, y, widths, colors)
    _boxes(axes, x, y, widths, lines, colors)
    caption = (
        "Boxes grow with the lines of their room. Arrows lead from a room to those it imports from; "
        "what a longer way implies is left out."
    )
    axes.text(
        (left - margin + right) / 2, -STEP * (len(floors) - 0.5) - 0.2, caption, ha="center", va="center", fontsize=9
    )
    save_if_other(figure, path)


def about(lines: int) -> int:
    """Lines to the nearest hundred, above a thousand to the nearest 500, so that not every edit is another picture.

    Example:
        >>> about(268), about(30), about(4321)
        (300, 100, 4500)
    """
    step = 100 if lines < 1000 else 500
    return max(100, step * round(lines / step))


def save_if_other(figure: Figure, path: Path) -> None:
    """Write the figure where it shows anything but what the file shows: other bytes may be the same picture."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / path.name
        save(figure, fresh)
        if not path.exists() or not np.array_equal(imread(fresh), imread(path)):
            save(figure, path)


def _bands(axes: Axes, floors: Sequence[Floor], left: float, right: float) -> None:
    for index, floor in enumerate(floors):
        low = -STEP * (index + 0.5)
        axes.axhspan(low, low + STEP, color="#f2f5f8" if index % 2 else "#ffffff", lw=0, zorder=0)
        axes.text(left + 0.2, low + STEP / 2, floor.name, color=INK, fontsize=10.5, style="italic", va="center")


def _boxes(
    axes: Axes,
    x: Mapping[str, float],
    y: Mapping[str, float],
    widths: Mapping[str, float],
    lines: Mapping[str, int],
    colors: Mapping[str, str],
) -> None:
    style: dict[str, Any] = {
        "boxstyle": "round,pad=0,rounding_size=0.08",
        "facecolor": "#ffffff",
        "lw": 1.6,
        "zorder": 3,
    }
    text: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
    for room, color in colors.items():
        corner = (x[room] - widths[room] / 2, y[room] - HEIGHT / 2)
        axes.add_patch(FancyBboxPatch(corner, widths[room], HEIGHT, edgecolor=color, **style))
        axes.text(x[room], y[room] + 0.1, room, color=INK, fontsize=11, weight="bold", **text)
        count = f"about {lines[room]:,} lines".replace(",", " ")
        axes.text(x[room], y[room] - 0.16, count, color=MUTED, fontsize=8, **text)


def _arrows(
    axes: Axes,
    ways: Sequence[Sequence[str]],
    x: Mapping[str, float],
    y: Mapping[str, float],
    widths: Mapping[str, float],
    colors: Mapping[str, str],
) -> None:
    """Smooth curves, vertical wherever they leave a room, pass a floor or arrive."""
    starts = {(way[0], way[1]): 0.0 for way in ways} | {(way[-1], way[-2]): 0.0 for way in ways}
    for room in {room for room, _ in starts}:
        for up in (True, False):
            side = sorted(
                (other for here, other in starts if here == room and (y[other] > y[room]) == up), key=x.__getitem__
            )
            spread = min(widths[room] * 0.7, 0.45 * (len(side) - 1))
            for other, shift in zip(side, np.linspace(-spread / 2, spread / 2, len(side)), strict=True):
                starts[room, other] = float(shift) if len(side) > 1 else 0.0
    for way in ways:
        at = [(x[way[0]] + starts[way[0], way[1]], y[way[0]] - HEIGHT / 2)]
        for node in way[1:-1]:
            at += [(x[node], y[node] + HEIGHT / 2), (x[node], y[node] - HEIGHT / 2)]
        at.append((x[way[-1]] + starts[way[-1], way[-2]], y[way[-1]] + HEIGHT / 2))
        points, codes = [at[0]], [Curve.MOVETO]
        for (ax, ay), (bx, by) in pairwise(at):
            bend = 0.55 * (ay - by)
            points += [(ax, ay - bend), (bx, by + bend), (bx, by)]
            codes += [Curve.CURVE4] * 3
        style: dict[str, Any] = {"arrowstyle": "-|>,head_length=5,head_width=2.6", "mutation_scale": 1.0, "zorder": 2}
        axes.add_patch(FancyArrowPatch(path=Curve(points, codes), color=colors[way[0]], lw=1.3, **style))


def table(floors: Sequence[Floor]) -> str:
    """The rooms as a table in Markdown, a floor a row group, from the roof to the ground."""
    rows = ["| floor | room | what it is for |", "| --- | --- | --- |"]
    for floor in floors:
        for index, (room, purpose) in enumerate(floor.rooms.items()):
            rows.append(f"| {'' if index else floor.name} | `{room}` | {purpose} |")
    return "\n".join(rows)


def with_table(page: str, floors: Sequence[Floor]) -> str:
    """The text of the page with the table of rooms between its marks renewed."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{table(floors)}\n\n{END}{after}"


def main() -> None:
    """Draw, and renew the page."""
    draw()
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), read_floors()), "utf-8")


if __name__ == "__main__":
    main()
