"""A solution as other programs take it: the same numbers, NaN outside of the domain, whole files."""

import meshio
import numpy as np
import pytest
import torch
from PIL import Image

from pinn import Box, Constraint, Disc, Problem, d
from pinn.model import Model
from pinn.solution import Solution
from pinn.solution.exports import axes_of


class Product(torch.nn.Module):
    """x̂ ŷ (1 + t̂), with a weight that is one."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones((), dtype=torch.float64))

    def forward(self, x):
        return self.weight * (x[..., 0] * x[..., 1] * (1 + x[..., 2]))[..., None]


@pytest.fixture(scope="module")
def solution():
    domain = (Box(x=(-1, 1), y=(-1, 1)) - Disc(x=0, y=0, radius=0.5)) * Box(t=(-1, 1))
    problem = Problem(
        domain,
        ["u"],
        {"equation": Constraint(lambda u, t: d(u, t), on=domain)},
        scales={"u": (0.0, 1.0)},
        labels={"u": "height / m"},
        name="ring",
    )
    return Solution(problem, Model(problem, lambda **build: Product(), generator=torch.Generator()))


def test_xarray_has_names_units_and_holes(solution):
    data = solution.to_xarray({"x": 21, "y": [-1.0, 0.0, 0.25], "t": 0.5})
    assert dict(data.sizes) == {"x": 21, "y": 3, "t": 1} and data.u.dims == ("x", "y", "t")
    assert data.attrs["problem"] == "ring" and data.u.attrs["long_name"] == "height / m"
    hole = (data.x**2 + data.y**2 < 0.25 - 1e-9).values
    np.testing.assert_array_equal(np.isnan(data.u.values[..., 0]), hole)
    np.testing.assert_allclose(data.u.sel(x=1.0, y=0.25, t=0.5), 0.375, atol=1e-15)
    assert dict(solution.to_xarray(5).sizes) == {"x": 5, "y": 5, "t": 5}


def test_tables_have_a_row_a_point(solution):
    table = solution.to_dataframe(50, seed=1)
    assert list(table.columns) == ["x", "y", "t", "u"] and len(table) == 50
    np.testing.assert_allclose(table.u, table.x * table.y * (1 + table.t), atol=1e-15)
    given = solution.to_dataframe({"x": [0.0, 1.0], "y": 1.0, "t": 0.0})
    np.testing.assert_allclose(given.u, [0.0, 1.0])
    assert solution.to_dataframe({"x": 0.1, "y": 0.1, "t": 0.0}).u.isna().all()
    with pytest.raises(ValueError, match="a column for each of"):
        solution.to_dataframe({"x": [0.0]})


def test_vtk_files_hold_the_grid(solution, tmp_path):
    solution.to_vtk(tmp_path / "ring.vtu", {"x": 5, "y": 3}, at={"t": 0.5})
    mesh = meshio.read(tmp_path / "ring.vtu")
    assert mesh.points.shape == (15, 3) and mesh.cells_dict["quad"].shape == (8, 4)
    x, y = mesh.points[:, 0], mesh.points[:, 1]
    inside = np.hypot(x, y) > 0.5
    np.testing.assert_allclose(mesh.point_data["u"][inside], (1.5 * x * y)[inside], atol=1e-15)
    corners = mesh.points[mesh.cells_dict["quad"][0]]
    np.testing.assert_allclose(corners, [[-1, -1, 0], [-0.5, -1, 0], [-0.5, 0, 0], [-1, 0, 0]])
    solution.to_vtk(tmp_path / "solid.vtu", 3)
    assert meshio.read(tmp_path / "solid.vtu").cells_dict["hexahedron"].shape == (8, 8)


def test_vtk_takes_a_mesh_of_ones_own(solution, tmp_path):
    points = np.array([[0.6, 0.6, 0.0], [1.0, 0.6, 0.0], [0.6, 1.0, 0.0]])
    solution.to_vtk(tmp_path / "mesh.vtk", meshio.Mesh(points, [("triangle", [[0, 1, 2]])]), at={"t": 0.0})
    found = meshio.read(tmp_path / "mesh.vtk")
    np.testing.assert_allclose(found.point_data["u"], [0.36, 0.6, 0.6])
    assert found.cells_dict["triangle"].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("grid", "said"),
    [
        ({"z": 3}, "'z' is no coordinate"),
        ({"x": 1}, "x=1"),
        ({"x": [1.0, 0.0]}, "ascending order"),
        ({"x": []}, "ascending order"),
    ],
)
def test_grids_that_are_none_are_refused(solution, grid, said):
    with pytest.raises(ValueError, match=said):
        axes_of(solution.problem, grid)


def test_moving_pictures_have_their_frames(solution, tmp_path):
    solution.animate(tmp_path / "a.gif", frames=3)
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames == 3
    solution.animate(tmp_path / "b.gif", frames=2, slice={"y": 1.0})
    for arguments, said in (
        ({"over": "z"}, "'z' is no coordinate"),
        ({"output": "v"}, "expected one of"),
        ({"slice": {"t": 0.0}}, "'t' moves"),
    ):
        with pytest.raises(ValueError, match=said):
            solution.animate(tmp_path / "c.gif", **arguments)
    with pytest.raises(ValueError, match=r"expected \.gif or \.mp4"):
        solution.animate(tmp_path / "c.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.gif", "b.gif"]


def test_each_kind_of_picture_is_drawn_or_refused(solution):
    assert len(solution.plot(slice={"t": 0.0}).axes) == 1
    assert len(solution.plot(over="t").axes) == 5
    assert solution.plot(kind="residual", slice={"t": 0.0}).axes[0].get_title().startswith("equation: |residual|")
    for arguments, said in (
        ({"kind": "error"}, "no reference"),
        ({"kind": "estimate"}, "no estimated error"),
        ({"kind": "picture"}, "expected one of .*'streamlines', 'fields'"),
        ({"kind": "streamlines"}, "two outputs"),
        ({"slice": {"z": 0.0}}, "'z' is no coordinate"),
        ({"slice": {"t": 0.0}, "over": "t"}, "held at 0 and drawn over"),
        ({"slice": {"x": 0, "y": 0, "t": 0}}, "every coordinate is held"),
    ):
        with pytest.raises(ValueError, match=said):
            solution.plot(**arguments)


def test_pictures_go_on_axes_of_the_caller(solution):
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots()
    assert solution.plot(ax=axes, slice={"t": 0.0}) is figure
    assert axes.get_title() == "height / m: solution  (t = 0)"
    plt.close(figure)
