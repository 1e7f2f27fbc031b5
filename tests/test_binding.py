"""Arguments of equations are matched by name."""

import pytest
import torch

from pinn.binding import bind, names_of


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
    for nameless in (lambda *u: u, lambda **u: u, lambda u, /: u):
        with pytest.raises(ValueError, match="arguments are matched by name"):
            names_of(nameless)
