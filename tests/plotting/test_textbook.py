"""Pictures carry the library's own derivatives, titled and labelled, and the application writes them all."""

import matplotlib as mpl
import numpy as np
import pytest

from experiments import derivatives
from pinn.derivatives import TEXTBOOK
from pinn.plotting.textbook import (
    picture_descent,
    picture_differences,
    picture_slices,
    picture_surface,
    picture_tangent,
)


def labels(axes):
    return " ".join(text.get_text() for text in axes.get_legend().get_texts())


def test_tangent_picture():
    f = TEXTBOOK["shallow_parabola"]
    (axes,) = picture_tangent(f, f.box[0], (5.0, 10.0), formula=f.title).axes
    assert f.title in axes.get_title() and axes.get_xlabel() == "x" and axes.get_ylabel() == "f(x)"
    assert "y = 0.2 x − 0.25" in labels(axes) and "y = 0.3 x − 1" in labels(axes)
    curve, tangent = axes.lines[0].get_ydata(), axes.lines[1].get_ydata()
    assert np.all(curve >= tangent - 1e-12)  # a convex function lies above its tangents


def test_difference_picture():
    f = TEXTBOOK["quadratic_log"]
    figure = picture_differences(f, f.box[0], 1.0, 0.5, formula=f.title)
    forward, central = figure.axes
    assert "slope 4.257384" in labels(forward) and "slope 2.999730" in labels(central)
    assert all("true tangent, slope 3.000000" in labels(axes) for axes in figure.axes)
    assert "Forward" in forward.get_title() and "Central" in central.get_title()


def test_descent_picture_points_to_the_bottom_of_the_bowl():
    f = TEXTBOOK["bowl"]
    figure = picture_descent(f, f.box, formula=f.title, names=f.variables)
    (arrows,) = (c for c in figure.axes[0].collections if type(c).__name__ == "Quiver")
    np.testing.assert_allclose(arrows.U, -2 * arrows.X)
    np.testing.assert_allclose(arrows.V, -2 * arrows.Y)
    assert np.unique(arrows.X).round(12).tolist() == np.arange(-2, 2.5, 0.25).tolist()
    assert figure.axes[0].get_title() == "−∇f of x₀² + x₁²"


def test_surface_and_slices():
    f = TEXTBOOK["saddle"]
    surface = picture_surface(f, f.box, at=(2.0, 3.0), formula=f.title)
    assert "slopes (4, -6)" in surface.axes[0].get_title() and surface.axes[0].get_zlabel() == "f(x, y)"
    along_x, along_y = picture_slices(f, f.box, at=(2.0, 3.0), formula=f.title).axes
    assert "y = 0 held" in labels(along_x) and "∂f/∂x = 4 at x = 2" in labels(along_x)
    assert "x = 0 held" in labels(along_y) and "∂f/∂y = -6 at y = 3" in labels(along_y)
    x, y = along_y.lines[0].get_data()
    np.testing.assert_allclose(y, -(np.asarray(x) ** 2))


def test_pictures_leave_matplotlib_alone():
    before = dict(mpl.rcParams)
    f = TEXTBOOK["saddle"]
    picture_surface(f, f.box)
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize(
    ("name", "pictures"), [("bowl", ["descent", "slices", "surface"]), ("quadratic_log", ["differences", "tangent"])]
)
def test_the_application_prints_the_table_and_writes_pictures(drawing_command, tmp_path, capsys, name, pictures):
    drawing_command(f"function={name}", "dpi=40", "hydra.run.dir=run", function=derivatives.main)
    shown, folder = capsys.readouterr().out, tmp_path / "run"
    assert TEXTBOOK[name].title in shown and "all agree" in shown
    assert sorted(path.name for path in folder.glob("*.png")) == [f"{name}_{picture}.png" for picture in pictures]
    assert (folder / "table.txt").read_text(encoding="utf-8") in shown.replace("\n\npictures", "\npictures")


def test_the_application_names_the_near_ones(drawing_command):
    with pytest.raises(SystemExit, match="function=sadle is not known; did you mean saddle"):
        drawing_command("function=sadle", "hydra.run.dir=run", function=derivatives.main)
