"""Maps that follow layers and kinks: how many neurons they save, and where there is none."""

import math
from dataclasses import replace

import pytest
import torch

from pinn.features.layers import adapted, last, moved, narrower, needed
from pinn.features.space import Space, bell
from pinn.networks import CoordinateMap


def fitted(space, function):
    return space.fitted(function(space.nodes())[:, None]).T


def layer(x):
    return torch.tanh((x - 0.3) / 0.01)


@pytest.mark.parametrize("periodic", [False, True])
def test_a_layer_needs_a_quarter_of_the_neurons(periodic):
    def function(x):
        return layer(x) * torch.tanh((x + 0.6) / 0.01) if periodic else layer(x)

    space, tolerance = Space(0, -1.0, 1.0, periodic, 201), 1e-8
    for _ in range(6):  # the better it is resolved, the better is the map
        functions = fitted(space, function)
        better = adapted(space, functions, tolerance, 2001)
        space = better or space.resized(math.ceil(1.2 * space.count) // 2 * 2 + 1)
    mapped = needed(fitted(space, function), tolerance)
    plain = needed(fitted(Space(0, -1.0, 1.0, periodic, 2501), function), tolerance)
    assert space.map is not None
    assert mapped < 0.25 * plain


def test_what_is_smooth_has_no_map():
    space = Space(0, 0.0, 2.0, False, 101)
    assert adapted(space, fitted(space, lambda x: torch.sin(40 * x)), 1e-10, 2001) is None
    assert narrower(space, fitted(space, torch.sin)) is None


def test_a_kink_at_the_seam_is_found_and_followed():
    space = Space(0, -1.0, 1.0, True, 65)
    tails = []
    for _ in range(5):
        functions = fitted(space, lambda x: x**2)
        tails.append(last(functions))
        found = adapted(space, functions, 1e-8, 65) if space.map is None else narrower(space, functions)
        space = found or space
    place = min(abs(c) for c in (space.map.places[0], space.map.places[0] - 2 * math.pi))
    assert place < 0.01
    assert tails[-1] < 5e-3 * tails[0]


@pytest.mark.parametrize("periodic", [False, True])
def test_functions_move_to_other_neurons(periodic):
    before = Space(0, 1.0, 3.0, periodic, 61)
    functions = fitted(before, lambda x: torch.exp(torch.cos(math.pi * x)))
    map = CoordinateMap.about([(1.0 if periodic else 0.2, 0.1)], 0.5, periodic)
    after = replace(before, count=161, map=map)
    again = moved(after, before, moved(before, after, functions.T)).T
    assert torch.allclose(again, functions, rtol=0, atol=1e-13)


@pytest.mark.parametrize("periodic", [False, True])
def test_tables_of_mapped_neurons_are_derivatives(periodic):
    map = CoordinateMap.about([(1.0 if periodic else 0.2, 0.2)], 0.5, periodic)
    space = Space(0, 1.0, 3.0, periodic, 9, map)
    x = torch.linspace(1.1, 2.9, 7, dtype=torch.float64)
    weights = torch.linspace(1, 2, 9, dtype=torch.float64)
    for order in range(4):
        step = 1e-5
        slope = (space.table(x + step, order) - space.table(x - step, order)) @ weights / (2 * step)
        exact = space.table(x, order + 1) @ weights
        assert torch.allclose(slope, exact, rtol=0, atol=1e-6 * float(exact.abs().max()))


def test_partial_bell_polynomials():
    a, b, c = (torch.tensor([value], dtype=torch.float64) for value in (2.0, 3.0, 5.0))
    assert [float(one) for one in bell([a, b, c])] == [5.0, 3 * 2.0 * 3.0, 8.0]
