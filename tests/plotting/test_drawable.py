"""The pictures take what they draw as values: no solution, no problem and no history of this library is needed."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pinn import plotting
from pinn.plotting import Fields, plot_history, plot_solution, plot_trace

ROOT = Path(__file__).parents[2]


class Wave:
    """A standing wave on a disc of radius 1, and another one that is said to be the true one."""

    def __init__(self, exact=True):
        self.exact = exact

    def fields(self):
        return Fields(
            title="a standing wave",
            coordinates=("x", "y"),
            bounds={"x": (-1.0, 1.0), "y": (-1.0, 1.0)},
            outputs=("u",),
            contains=lambda columns: columns["x"] ** 2 + columns["y"] ** 2 <= 1,
            evaluate=lambda columns: {"u": np.cos(columns["x"])},
            exact=(lambda columns: {"u": np.cos(columns["x"]) + 0.25}) if self.exact else None,
        )


class Log:
    """Rows of another program."""

    def __init__(self, *rows):
        self.rows = rows

    def column(self, name):
        return np.array([row.get(name, np.nan) for row in self.rows])

    def __iter__(self):
        return iter(self.rows)


def test_fields_of_another_program_are_drawn(tmp_path):
    figure = plot_solution(Wave(), tmp_path / "wave.png")
    found, true, error = (np.asarray(axes.images[0].get_array().filled(np.nan)) for axes in figure.axes[:3])
    x = -1 + (np.arange(240) + 0.5) / 120
    inside = x[:, None] ** 2 + x**2 <= 1
    assert figure.get_suptitle() == "a standing wave"
    np.testing.assert_array_equal(np.isfinite(found), inside)
    np.testing.assert_allclose(found[inside], np.broadcast_to(np.cos(x), (240, 240))[inside], rtol=1e-15)
    np.testing.assert_allclose((true - found)[inside], 0.25, rtol=1e-14)
    np.testing.assert_allclose(error[inside], 0.25, rtol=1e-14)
    assert len(plot_solution(Wave(exact=False)).axes) == 1


def test_fields_are_evaluated_inside_of_the_domain_only():
    def evaluate(columns):
        assert np.all(columns["x"] ** 2 + columns["y"] ** 2 <= 1)
        return {"u": columns["x"]}

    class Inside:
        def fields(self):
            wave = Wave(exact=False).fields()
            return Fields(wave.title, wave.coordinates, wave.bounds, wave.outputs, wave.contains, evaluate)

    plot_solution(Inside())


def test_rows_of_another_program_are_drawn():
    log = Log({"step": 1, "seconds": 0.5, "loss": 1.0}, {"step": 2, "seconds": 1.0, "loss": 0.1})
    np.testing.assert_array_equal(plot_history(log).axes[0].lines[0].get_ydata(), [1.0, 0.1])
    assert [axes.get_title() for axes in plot_trace(log).axes] == ["loss"]


def test_matplotlib_is_loaded_by_what_draws():
    code = "import sys, pinn.plotting, pinn.solution, pinn.solver; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_an_unknown_name_is_refused():
    with pytest.raises(AttributeError, match="plot_nothing"):
        _ = plotting.plot_nothing
    assert {"Fields", "plot_solution"} <= set(dir(plotting))
