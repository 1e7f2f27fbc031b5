"""Pictures: every kind of problem has one, holes stay white, files are whole, the caller's settings stay."""

import math
from functools import partial

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Disc, Problem, Unknown, d, solve
from pinn.derivatives import laplacian
from pinn.model import Model
from pinn.networks import MLP
from pinn.optimizers import FirstOrder
from pinn.plotting import (
    Banded,
    Shown,
    plot_balance,
    plot_bands,
    plot_history,
    plot_residuals,
    plot_solution,
    plot_trace,
)
from pinn.plotting.solution import slices
from pinn.problems import oscillator
from pinn.reference import Analytic
from pinn.solution import History, Solution
from pinn.solution.drawing import reference_fields


def untrained(problem):
    return Solution(problem, Model(problem, partial(MLP, width=4, depth=1), generator=torch.Generator().manual_seed(0)))


def heat(**changes):
    box = Box(x=(0, 2), t=(0, 1))
    constraints = {"equation": Constraint(lambda u, x, t: d(u, t) - d(u, x, x), on=box)}
    given = {"domain": box, "outputs": ["u"], "constraints": constraints, "name": "heat"}
    return Problem(**{**given, **changes})


def holed(reference=None):
    domain = Box(x=(-1, 1), y=(-0.5, 0.5)) - Disc(x=0.3, y=0.1, radius=0.2)
    constraints = {"equation": Constraint(lambda u, v, x, y: (laplacian(u, x, y), v), on=domain)}
    return Problem(domain, ["u", "v"], constraints, reference=reference, name="holed")


def panels(figure):
    """Axes that show something; colour bars are parts of their panels."""
    return [axes for axes in figure.axes if axes.get_visible()]


def test_a_line_shows_solution_reference_and_error(tmp_path):
    line = Box(t=(0, 3))
    problem = Problem(
        line,
        ["u", "v"],
        {"equation": Constraint(lambda u, v, t: (d(u, t) - v, d(v, t) + u), on=line)},
        reference=Analytic(lambda t: {"u": torch.sin(t), "v": torch.cos(t)}),
        name="circle",
    )
    figure = plot_solution(untrained(problem), tmp_path / "line.png")
    values, errors = panels(figure)
    assert [curve.get_linestyle() for curve in values.lines] == ["-", "-", "--", "--"]
    np.testing.assert_allclose(values.lines[2].get_ydata(), np.sin(values.lines[2].get_xdata()), atol=1e-15)
    assert errors.get_yscale() == "log" and len(errors.lines) == 2
    assert "rel-L2" in figure.get_suptitle()
    assert (tmp_path / "line.png").read_bytes().startswith(b"\x89PNG")


def test_a_reference_is_called_one():
    problem = heat(reference=Analytic(lambda x, t: torch.exp(-t) * torch.sin(math.pi * x)))
    figure = plot_solution(Shown(reference_fields(problem)), kind="values")
    assert panels(figure)[0].get_title() == "u: reference"
    assert figure.get_suptitle() == "reference of heat"


def test_space_and_time_has_time_across():
    problem = heat(reference=Analytic(lambda x, t: torch.exp(-t) * torch.sin(math.pi * x)))
    solution = untrained(problem)
    left, middle, right = panels(plot_solution(solution))
    assert (left.get_xlabel(), left.get_ylabel()) == ("t", "x")
    assert left.get_title() == "u: solution" and middle.get_title() == "u: reference"
    found, true, error = (np.asarray(axes.images[0].get_array()) for axes in (left, middle, right))
    x = (np.arange(240) + 0.5) / 120
    np.testing.assert_allclose(true[:, 0], math.exp(-0.5 / 240) * np.sin(math.pi * x), atol=1e-14)
    np.testing.assert_allclose(found[:, 0], solution(x=x, t=0.5 / 240), atol=1e-14)
    low, high = right.images[0].norm.vmin, right.images[0].norm.vmax
    assert high == np.abs(found - true).max() and 1e-6 * high <= low <= 0.1 * high
    np.testing.assert_allclose(error, np.clip(np.abs(found - true), low, high), atol=1e-14)


def test_the_image_ends_where_the_domain_does():
    figure = plot_solution(untrained(holed()))
    first, second = panels(figure)
    assert (first.get_title(), second.get_title()) == ("u: solution", "v: solution")
    image = first.images[0]
    assert np.isfinite(np.asarray(image.get_array())).all()  # cells of the hole have their neighbours' values ...
    figure.canvas.draw()  # ... and are cut off
    pixels = np.asarray(figure.canvas.buffer_rgba())[::-1, :, :3]
    x, y = np.meshgrid(np.linspace(-0.9, 0.9, 91), np.linspace(-0.4, 0.4, 41))
    across, up = first.transData.transform(np.stack([x.ravel(), y.ravel()], axis=1)).astype(int).T
    distance = np.hypot(x - 0.3, y - 0.1).ravel() - 0.2
    far = np.abs(distance) > 0.02  # pixels on the edge are mixed
    np.testing.assert_array_equal((pixels[up, across] == 255).all(1)[far], (distance < 0)[far])


def test_a_reference_of_some_outputs_leaves_the_others_without():
    figure = plot_solution(untrained(holed(Analytic(lambda x, y: {"u": x * y}))))
    assert [axes.get_title().split(",")[0] for axes in panels(figure)] == [
        "u: solution",
        "u: reference",
        "u: |solution − reference|",
        "v: solution",
    ]


def test_more_coordinates_are_cut():
    space = Box(x=(0, 1), y=(0, 2), z=(0, 4), t=(0, 1))
    problem = Problem(space, ["u"], {"equation": Constraint(lambda u, x: d(u, x), on=space)})
    cuts = slices(untrained(problem).fields())
    assert [(cut.horizontal, cut.vertical) for cut in cuts] == [("x", "y")] * 3
    assert [cut.held for cut in cuts] == [{"z": 2.0, "t": 0.0}, {"z": 2.0, "t": 0.5}, {"z": 2.0, "t": 1.0}]
    titles = [axes.get_title() for axes in panels(plot_solution(untrained(problem)))]
    assert titles[1] == "u: solution  (z = 2, t = 0.5)"


def test_the_title_tells_the_error_no_smaller_than_the_references():
    def reference(x, t):
        return 0 * x + solution(x=x, t=t)

    reference.error = 1e-7
    solution = untrained(heat())
    exact = Solution(heat(reference=reference), solution.model)
    assert exact.fields().title == "heat   ·   rel-L2 at the reference’s own error 1.0e-07"


def test_the_title_tells_found_coefficients():
    problem = heat(coefficients={"k": Unknown(2.0)}, exact_coefficients={"k": 1.0})
    assert untrained(problem).fields().title == "heat   ·   k = 2 (relative error 1.0e+00)"


def rows(rate, *, errors=True):
    return History(
        [
            {"step": step, "stage": step // 20, "seconds": 0.1 * step, "loss": math.exp(-rate * step), "damping": 1.0}
            | ({"validation": 2 * math.exp(-rate * step)} if step % 3 == 0 else {})
            | ({"error": math.exp(-rate * step / 2)} if errors and step % 3 == 0 else {})
            | {"seconds/rows": 0.01, "seconds/solve": 0.02}
            for step in range(1, 40)
        ]
    )


def test_history_shows_loss_and_error_against_time(tmp_path):
    figure = plot_history(rows(0.5), tmp_path / "history.svg", reference_error=1e-3, title="heat")
    loss, error = figure.axes
    assert loss.get_yscale() == error.get_yscale() == "log"
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["points trained on", "validation points"]
    assert len(error.lines[0].get_xdata()) == 13
    assert "the reference's own error" in [text.get_text() for text in error.get_legend().get_texts()]
    assert (tmp_path / "history.svg").read_text().lstrip().startswith("<?xml")


def test_history_without_a_reference_has_one_panel():
    assert len(plot_history(rows(0.5, errors=False)).axes) == 1


def test_several_histories_are_compared():
    figure = plot_history({"fast": rows(0.5), "slow": rows(0.1)})
    assert [text.get_text() for text in figure.axes[1].get_legend().get_texts()] == ["fast", "slow"]


def test_an_empty_history_is_said_to_be_empty():
    figure = plot_history(History())
    assert "nothing above zero to show" in [text.get_text() for text in figure.axes[0].texts]


def test_the_trace_has_a_panel_for_what_was_told():
    figure = plot_trace(rows(0.5))
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["loss", "error", "damping λ", "where the time went (s)"]


def curves(figure):
    """Panel title -> label of each curve -> its values."""
    return {
        axes.get_title(): {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines}
        for axes in panels(figure)
    }


def test_the_trace_of_a_levenberg_marquardt_run(tmp_path):
    network = partial(MLP, width=8, depth=2)
    solution = solve(oscillator(), network=network, steps=6, progress=False, certify=False)
    history = solution.history
    shown = curves(plot_trace(history, tmp_path / "trace.png"))
    assert set(shown) >= {
        "loss",
        "error",
        "damping λ",
        "ratio ρ, actual over predicted decrease",
        "points, rows and parameters",
        "corrections used",
        "condition of the system",
        "digits of the solves",
        "work a step",
        "where the time went (s)",
    }
    assert not {"learning rate", "step length", "rank"} & set(shown)
    history = History([row for row in history if "answer" not in row])  # which no step wrote
    np.testing.assert_array_equal(shown["damping λ"]["λ"], history.column("damping"))
    digits = shown["digits of the solves"]
    np.testing.assert_array_equal(digits["refinements"], history.column("refinements"))
    np.testing.assert_array_equal(digits["QR of J (1: yes)"], history.column("orthogonal"))
    rows = shown["points, rows and parameters"]["rows"]
    np.testing.assert_array_equal(rows[: len(history)], history.column("rows"))
    assert (tmp_path / "trace.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_the_trace_of_an_adam_run(tmp_path):
    adam = FirstOrder(partial(torch.optim.Adam, lr=1e-3), partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.5))
    solution = solve(oscillator(), optimizer=adam, network=partial(MLP, width=8, depth=2), steps=5, progress=False)
    shown = curves(plot_trace(solution.history, tmp_path / "trace.png"))
    assert set(shown) >= {"loss", "error", "points, rows and parameters", "learning rate", "gradient", "work a step"}
    assert not {"damping λ", "digits of the solves", "condition of the system"} & set(shown)
    np.testing.assert_allclose(shown["learning rate"]["η"], 1e-3 * 0.5 ** np.arange(5), rtol=1e-12)
    gradients = [row["gradient"] for row in solution.history if "gradient" in row]
    np.testing.assert_array_equal(shown["gradient"]["|g|"], gradients)
    assert (tmp_path / "trace.png").read_bytes().startswith(b"\x89PNG")


def test_a_history_from_before_points_and_rows_were_counted_apart_is_shown():
    shown = curves(
        plot_trace(History([{"step": 1, "loss": 1.0, "points": 20}, {"step": 2, "loss": 0.5, "points": 30}]))
    )
    np.testing.assert_array_equal(shown["points, rows and parameters"]["points"], [20, 30])


def test_nothing_of_the_callers_is_touched(tmp_path):
    before = dict(matplotlib.rcParams)
    plot_solution(untrained(holed()), tmp_path / "a.png")
    plot_trace(rows(0.1), tmp_path / "b.png")
    assert dict(matplotlib.rcParams) == before
    assert plt.get_fignums() == []


def test_a_picture_is_whole_or_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"folder .* does not exist"):
        plot_history(rows(0.1), tmp_path / "missing" / "a.png")
    with pytest.raises(ValueError, match="not supported"):
        plot_history(rows(0.1), tmp_path / "a.nonsense")
    assert list(tmp_path.iterdir()) == []


def test_residuals_at_points_and_the_balance_of_constraints_are_drawn():
    x, t = np.linspace(0, 1, 20), np.linspace(0, 2, 20)
    places = {
        "equation": ({"x": x, "t": t}, np.logspace(-8, 0, 20)),
        "walls": ({"x": 0 * x, "t": t}, np.logspace(-8, 0, 20)),
        "met": ({"x": x, "t": t}, np.zeros(20)),
    }
    equation, bar, walls, met = plot_residuals(places).axes
    assert (equation.get_xlabel(), equation.get_ylabel()) == ("t", "x") and len(equation.collections) == 1
    low, high = equation.collections[0].get_clim()
    assert (low, high) == (pytest.approx(1e-4), 1.0)  # four decades
    assert (walls.get_xlabel(), walls.get_ylabel()) == ("t", "|r|") and walls.get_yscale() == "log"
    assert "nothing above zero" in met.texts[0].get_text() and bar.get_yscale() == "log"
    rows = [{"step": i, "seconds": i / 10, "validation/a": 10.0**-i, "validation/b": 1.0} for i in range(4)]
    axes = plot_balance(History(rows)).axes[0]
    assert [line.get_label() for line in axes.lines] == ["a", "b"]


def test_fields_are_drawn_with_their_bands(tmp_path):
    x, y, z = np.linspace(0, 1, 5), np.linspace(0, 2, 4), np.linspace(0, 3, 3)
    line = Banded("q", {"x": x}, x**2, 0.1 + x)
    figure = plot_bands([line], tmp_path / "q.png")
    outer, inner = (part.get_paths()[0].vertices[:, 1] for part in figure.axes[0].collections)
    assert outer.max() == pytest.approx(1 + 2 * 1.1) and inner.max() == pytest.approx(1 + 1.1)
    space = np.meshgrid(x, y, z, indexing="ij")
    solid = Banded("k", {"x": x, "y": y, "z": z}, space[0] + space[2], space[1])
    assert {axes.get_title() for axes in plot_bands([solid, line]).axes} == {"k", "standard error", ""}


def test_curves_end_in_a_dot_at_the_answer():
    steps = [{"step": k, "stage": 0, "seconds": 1.0 * k, "validation": 10.0**-k, "error": 10.0**-k} for k in (1, 2, 3)]
    trained, solved = History([*steps[:2], {**steps[0], "step": 3, "seconds": 3.0}]), History(steps)
    solved.conclude(4.5, 1e-9, 1e-8)
    for history, (seconds, step, loss, error) in ((trained, (2.0, 2, 1e-2, 1e-2)), (solved, (4.5, 3, 1e-9, 1e-8))):
        for draw, along in ((plot_history, seconds), (plot_trace, step)):
            panels = draw(history).axes[:2]
            dots = [[line.get_xydata().tolist() for line in axes.lines if line.get_marker() == "o"] for axes in panels]
            assert dots == [[[[along, loss]]], [[[along, error]]]]
