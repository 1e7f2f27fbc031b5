"""Memory lent from block to block: never to two at a time, back when the last tensor on it is gone, within a limit."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from pinn.derivatives import Autograd, Jets, d
from pinn.derivatives.engine import flat_gradient
from pinn.derivatives.jets.kernels.workspace import SMALL, Workspace, capacity

LIKE = torch.zeros(0, dtype=torch.float64)
SIDE = 100  # 100² float64 numbers are more than SMALL bytes


def test_lent_to_one_at_a_time():
    space = Workspace()
    held = [space.empty((SIDE, SIDE), LIKE).fill_(i) for i in range(5)]
    assert len({tensor.data_ptr() for tensor in held}) == 5
    assert all(bool((tensor == i).all()) for i, tensor in enumerate(held))
    assert space.kept == 0


def test_back_when_the_last_view_is_gone():
    space = Workspace()
    tensor = space.empty((SIDE, SIDE), LIKE)
    place, view = tensor.data_ptr(), tensor[3:].T
    del tensor
    assert space.kept == 0 and space.empty((SIDE, SIDE), LIKE).data_ptr() != place
    del view
    assert space.kept == 2 * 8 * capacity(SIDE**2)
    # The latest one back is the first one out.
    assert space.empty((SIDE * SIDE,), LIKE).data_ptr() == place


def test_what_a_graph_saves_stays_lent():
    space = Workspace()
    x = space.empty((SIDE, SIDE), LIKE).fill_(0.5).requires_grad_()
    y = torch.tanh(x).sum()
    place = x.data_ptr()
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    z = (x.detach() * weight).sum()
    del x, y
    assert space.empty((SIDE, SIDE), LIKE).data_ptr() != place
    assert float(torch.autograd.grad(z, weight)[0]) == 0.5 * SIDE**2
    del z
    assert space.kept >= 8 * SIDE**2


def test_layout_is_features_first():
    space = Workspace()
    stack = space.stack(3, torch.zeros(SIDE, 50, dtype=torch.float64))
    assert stack.shape == (3, SIDE, 50) and stack.stride() == (SIDE, 1, 3 * SIDE)
    assert space.stack(3, torch.zeros(SIDE, 4, 50)).shape == (3, SIDE, 4, 50)
    assert space.stack(3, torch.zeros(SIDE)).shape == (3, SIDE)
    assert space.like(torch.zeros(SIDE, 50)).stride() == (1, SIDE)
    a = torch.rand(7, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(space.product(a, a[:1]), a * a[:1]) and torch.equal(space.product(a, 2.0), 2.0 * a)
    torch.testing.assert_close(space.matmul(a.T, a), a.T @ a)


def test_small_pieces_and_other_devices_are_torchs():
    space = Workspace()
    small = space.empty((SMALL // 8 - 1,), LIKE)
    other = space.empty((SIDE, SIDE), torch.zeros(0, device="meta"))
    assert other.device.type == "meta"
    del small, other
    assert space.kept == 0


def test_blocks_of_nearly_one_size_share_their_memory():
    """The last block of some points is mostly a little smaller than the others."""
    space = Workspace()
    place = space.empty((SIDE, SIDE), LIKE).data_ptr()
    second = space.empty((SIDE - 1, SIDE), LIKE)
    assert second.data_ptr() == place and second.shape == (SIDE - 1, SIDE) and second.is_contiguous()
    for numel in (*range(1, 300), 4999, 5000, 123_457, 1 << 20, (1 << 20) + 1):
        assert numel <= capacity(numel) <= 1.125 * numel + 1


def test_the_limit_is_kept_to():
    space = Workspace(limit=3 * 8 * SIDE**2)
    many = [space.empty((SIDE, SIDE), LIKE) for _ in range(10)]
    del many
    assert 0 < space.kept <= space.limit
    big = space.empty((4 * SIDE, SIDE), LIKE)
    del big
    assert 0 < space.kept <= space.limit


def test_what_does_not_fit_goes_without_the_rest():
    """Sizes that take turns within the limit keep their memory; beyond it the one kept for longest goes."""
    space = Workspace(limit=8 * 3 * capacity(SIDE**2))
    small = [space.empty((SIDE, SIDE), LIKE).data_ptr() for _ in range(3)]
    assert len(set(small)) == 1 and space.kept == 8 * capacity(SIDE**2)
    large = space.empty((2 * SIDE, SIDE), LIKE).data_ptr()
    again = space.empty((SIDE, SIDE), LIKE).data_ptr()
    assert again == small[0] and space.kept == space.limit
    pair = [space.empty((2 * SIDE, SIDE), LIKE) for _ in range(2)]
    assert pair[0].data_ptr() == large
    del pair
    assert 0 < space.kept <= space.limit


@pytest.fixture
def case(networks, ansatz):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = ansatz(networks["gated"], ("x", "t"), ("u",))
    points = 2 * torch.rand(2000, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) - 1

    def equation(c, o, k):
        return [d(o["u"], c["t"]) + o["u"] * d(o["u"], c["x"]) - 0.1 * d(o["u"], c["x"], c["x"])]

    return model, equation, points


def test_every_call_after_the_first_finds_its_memory(case):
    model, equation, points = case
    engine, parameters, kept = Jets(block=500), list(model.parameters()), []
    bound = engine.bind(model.outputs, equation, model.names)
    for _ in range(4):
        bound.gradient(points, parameters)
        kept.append(engine.space.kept)
    assert kept[0] > SMALL and len(set(kept[1:])) == 1


def test_results_outlive_the_calls_that_made_them(case):
    model, equation, points = case
    parameters = list(model.parameters())
    slow, bound = (e.bind(model.outputs, equation, model.names) for e in (Autograd(), Jets(block=500)))
    rows = bound.residual(points)
    operator = bound.operator(points, parameters)
    v = torch.linspace(-1, 1, sum(p.numel() for p in parameters), dtype=torch.float64)
    before = rows.detach().clone(), operator.jvp(v), operator.vjp(operator.residual)
    for _ in range(2):
        bound.gradient(points, parameters)
        bound.linearize(points, parameters)
    after = rows.detach(), operator.jvp(v), operator.vjp(operator.residual)
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    slope = flat_gradient(0.5 * rows.pow(2).sum(), parameters)
    expected = slow.gradient(points, parameters)[1]
    assert float((slope - expected).norm()) < 1e-12 * float(expected.norm())


def test_threads_may_share_an_engine(case):
    model, equation, points = case
    engine, parameters = Jets(block=500, probe=False), list(model.parameters())
    bound = engine.bind(model.outputs, equation, model.names)
    expected = bound.gradient(points, parameters)
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: bound.gradient(points, parameters), range(16)):
            assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])


def test_an_engine_takes_no_memory_before_it_is_used(monkeypatch):
    """The allocator's behaviour is the process's own: nothing is allocated for the sake of its thresholds."""
    for name in ("empty", "zeros", "ones", "full"):
        monkeypatch.setattr(torch, name, lambda *args, **kwargs: pytest.fail("memory was taken"))
    assert Jets().space.kept == 0
