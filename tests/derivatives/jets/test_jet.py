"""What jets hold and what they do not compute: constant tails, structural zeros, entries that nothing requires."""

import torch
from torch import nn

from pinn.derivatives.jets.algebra import DerivativeBasis
from pinn.derivatives.jets.jet import Jet, JetContext
from pinn.derivatives.jets.kernels.workspace import Workspace
from pinn.derivatives.jets.registry import RULES


def context(operators, n=4, required=None):
    return JetContext(DerivativeBasis(operators), n, Workspace(), RULES, required=required)


def test_constant_derivatives_stay_one_number_a_feature():
    """Coordinates, and what linear layers and fixed multiples make of them, have tails (K', 1, …)."""
    here = context([{(i, i): 1.0 for i in range(3)}])
    columns = [here.coordinate(torch.rand(4), i) for i in range(3)]
    # Of ξ₀² + ξ₁² + ξ₂² a coordinate has its own first derivative, and no other.
    assert [column.keys for column in columns] == [(1,), (2,), (3,)]
    assert all(column.tail.shape == (1, 1) for column in columns)
    x = torch.stack([2.0 * column - 1.0 for column in columns], -1)
    assert x.keys == (1, 2, 3) and x.tail.shape == (3, 1, 3) and not x.stacked
    assert torch.equal(x.tail[:, 0], 2.0 * torch.eye(3))
    z = nn.Linear(3, 7)(x)
    assert z.tail.shape == (3, 1, 7) and not z.stacked
    y = torch.tanh(z)
    assert y.keys == (1, 2, 3, 4) and y.stack.shape == (5, 4, 7)


def test_structural_zeros_are_not_computed():
    """A product of functions of x and of y has mixed entries, a sum has none; constants have no entries at all."""
    here = context([{(0, 1): 1.0}])
    x, y = (here.coordinate(torch.rand(4), i) for i in range(2))
    named = {tuple(q): k for k, q in enumerate(here.basis.operators)}
    assert torch.sin(x).keys == (named[(0,),],)
    assert (torch.sin(x) + torch.cos(y)).keys == (named[(0,),], named[(1,),])
    assert (torch.sin(x) * torch.cos(y)).keys == tuple(sorted(named.values()))[1:]
    assert here.constant(torch.rand(4)).keys == ()
    assert torch.sin(here.constant(torch.rand(4))).keys == ()


def test_only_the_required_entries_of_the_outputs_are_computed():
    """Of a Laplacian's twelve entries the last layer makes one."""
    basis = DerivativeBasis([{(i, i): 1.0 for i in range(10)}])
    here = JetContext(basis, 4, Workspace(), RULES, required=frozenset({11}))
    x = torch.stack([here.coordinate(torch.rand(4), i) for i in range(10)], -1)
    net = nn.Sequential(nn.Linear(10, 7), nn.Tanh(), nn.Linear(7, 7), nn.Tanh(), nn.Linear(7, 1))
    u = 2.0 * net(x)[:, 0] + 1.0
    assert isinstance(u, Jet) and u.is_deferred and u.shape == (4,)
    part = here.part(u.keys)
    assert part == (11,) and u.select(part).shape == (1, 4) and u.is_deferred
    with torch.no_grad():
        torch.testing.assert_close(u.select(part)[0], u.stack[11])
        torch.testing.assert_close(u.value, 2.0 * net(x.value)[:, 0] + 1.0)
    assert not u.is_deferred


def test_all_entries_are_computed_where_most_are_required():
    here = JetContext(DerivativeBasis([{(0, 0): 1.0}]), 4, Workspace(), RULES, required=frozenset({0, 2}))
    x = here.coordinate(torch.rand(4), 0)
    assert not torch.sin(torch.sin(x)).is_deferred
    assert here.part(()) is None
