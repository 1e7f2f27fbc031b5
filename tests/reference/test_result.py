"""A reference is called by coordinate name, gives what has the shape of its points, and is built once, when needed."""

import copy
import pickle

import numpy as np
import pytest

from pinn.reference import Reference, cole_hopf
from pinn.reference.result import Built, distance, scatter


def field(x, y):
    return {"u": x * y, "v": 2.0}


def test_shapes_broadcast_and_outputs_have_names():
    single = Reference.exact(lambda x, t: x + t, bounds={"x": (0, 1), "t": (0, 1)})
    value = single(x=np.linspace(0, 1, 3)[:, None], t=np.linspace(0, 1, 4))
    np.testing.assert_allclose(value, np.add.outer(np.linspace(0, 1, 3), np.linspace(0, 1, 4)))
    assert single(t=0.5, x=0.25).shape == ()
    several = Reference.exact(field, bounds={"x": (0, 1), "y": (0, 1)}, outputs=("u", "v"))
    value = several(x=[0.5, 1.0], y=0.5)
    np.testing.assert_allclose(value["u"], [0.25, 0.5])
    np.testing.assert_allclose(value["v"], [2, 2])


def test_built_once_and_not_before_it_is_needed():
    calls = []

    def build():
        calls.append(1)
        return Built(lambda columns: {"u": columns["x"]}, error=1e-3)

    reference = Reference({"x": (0, 1)}, ("u",), build)
    assert "build" not in repr(reference) and not calls
    assert reference.error == 1e-3
    assert reference(x=0.5) == 0.5
    assert len(calls) == 1


def test_a_value_travels():
    reference = cole_hopf(0.1)
    for twin in (copy.deepcopy(reference), pickle.loads(pickle.dumps(reference))):
        assert twin(x=0.3, t=0.5) == reference(x=0.3, t=0.5)


def test_errors_say_what_to_do():
    reference = Reference.exact(lambda x: x, bounds={"x": (0, 1)})
    with pytest.raises(ValueError, match=r"expected each of \['x'\]"):
        reference(y=1.0)
    with pytest.raises(ValueError, match=r"x=1\.5 lies outside"):
        reference(x=[0.5, 1.5])
    with pytest.raises(ValueError, match="lies outside"):
        reference(x=np.nan)
    with pytest.raises(ValueError, match="is empty"):
        Reference.exact(lambda x: x, bounds={"x": (1, 0)})
    assert reference(x=1 + 1e-12) == 1.0


def test_distance_is_relative_and_scatter_fills_the_box():
    points = scatter({"x": (-1, 1), "t": (0, 2)}, 20)
    assert len(points["x"]) == 800
    assert points["x"].min() == -1 and points["t"].max() == 2
    quadrants, _, _ = np.histogram2d(points["x"], points["t"], bins=4)
    assert quadrants.min() >= 0.7 * 800 / 16
    assert distance(lambda c: {"u": 1.01 * c["x"]}, lambda c: {"u": c["x"]}, points) == pytest.approx(0.01)
