"""Arguments of equations are matched by name."""

import numpy as np
import pytest
import torch

from pinn.binding import bind, names_of, on_arrays


def test_arguments_are_matched_by_name_in_any_order():
    def rows(nx, k, u, x):
        return u + 2 * x + 3 * k + 5 * nx

    call = bind(rows, {"k": 7.0})
    (value,) = call({"x": torch.tensor([1.0])}, {"u": torch.tensor([11.0])}, {"nx": torch.tensor([-1.0])})
    assert value.item() == 11 + 2 + 21 - 5


def test_names_with_a_default_are_told_from_those_without():
    def rows(u, x, factor=3.0):
        return factor * u

    assert names_of(rows) == (("u", "x"), ("factor",))
    assert bind(rows, {})({"x": torch.ones(1)}, {"u": torch.ones(1)}, {})[0].item() == 3.0
    assert bind(rows, {"factor": 5.0})({"x": torch.ones(1)}, {"u": torch.ones(1)}, {})[0].item() == 5.0


def test_arguments_without_names_are_refused():
    for nameless in (lambda *u: u, lambda **u: u, lambda u, /: u, torch.exp):
        with pytest.raises(ValueError, match="arguments are matched by name"):
            names_of(nameless)


def test_functions_of_arrays_and_of_tensors_are_called_alike():
    columns = {"t": np.array([0.0, 1.0])}
    for function in (lambda t: np.exp(-t), lambda t: torch.exp(-t), lambda t: {"u": torch.exp(-t)}):
        found = on_arrays(function, columns)
        found = found["u"] if isinstance(found, dict) else found
        assert isinstance(found, np.ndarray) and np.allclose(found, np.exp([0.0, -1.0]))
    with pytest.raises(TypeError, match="unexpected keyword"):
        on_arrays(lambda x: x, columns)


def test_errors_keep_their_cause_and_are_named_on_tensors_alone():
    def wrong(u):
        return u + "1"

    rows = bind(wrong, {}, owner="constraint 'walls'")
    with pytest.raises(TypeError, match=r"^constraint 'walls': unsupported operand") as caught:
        rows({"x": torch.ones(2)}, {"u": torch.ones(2)}, {})
    assert isinstance(caught.value.__cause__, TypeError)
    with pytest.raises(TypeError, match=r"^can only concatenate"):
        rows({"x": None}, {"u": [1]}, {})
