"""Products of matrices: both libraries give the same, and what oneDNN cannot do or is slow at stays with torch.mm."""

import contextlib

import pytest
import torch
from torch import nn

from pinn.derivatives import Autograd, Jets, d
from pinn.derivatives.jets.kernels import matmul as products
from pinn.derivatives.jets.kernels.affine import Linear
from pinn.derivatives.jets.kernels.matmul import ENOUGH, NARROW, available, by_onednn, matmul, suits
from pinn.derivatives.jets.kernels.workspace import Workspace

needs_onednn = pytest.mark.skipif(not available(), reason="a processor or a torch without the kernels")


@pytest.fixture
def untried():
    """Nothing is known of the kernels, before a test and after it."""
    available.cache_clear()
    yield
    available.cache_clear()


def rand(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(sum(shape))) - 0.5


def error(found, a, b):
    """The largest error of a product, relative to the sums of the sizes of its terms."""
    exact, size = a.double() @ b.double(), a.double().abs() @ b.double().abs()
    return float(((found.double() - exact).abs() / size).max())


@needs_onednn
@pytest.mark.parametrize(
    "m, k, n", [(50, 50, 10_001), (20, 20, 12_000), (128, 128, 64), (64, 128, 3000), (8, 17, 9000)]
)
@pytest.mark.parametrize("rows", [(True, True), (True, False), (False, True), (False, False)])
def test_exact_to_single_precision_whatever_the_layout(m, k, n, rows):
    a = rand(m, k) if rows[0] else rand(k, m).T
    b = rand(k, n) if rows[1] else rand(n, k).T
    assert suits(a, b)
    found = matmul(a, b)
    assert found.shape == (m, n) and found.is_contiguous()
    assert error(found, a, b) < 1e-6
    torch.testing.assert_close(by_onednn(a, b), torch.mm(a, b), rtol=1e-4, atol=1e-5)


@needs_onednn
def test_long_sums_lose_no_more_than_those_of_torch():
    a, b = rand(50, 40_000), rand(40_000, 50)
    assert error(matmul(a, b), a, b) < max(1e-6, 3 * error(torch.mm(a, b), a, b))


@needs_onednn
def test_what_stays_with_torch():
    wide = rand(64, 8192)
    assert suits(wide, wide.T)
    assert not suits(wide.double(), wide.double().T)
    assert not suits(wide.to("meta"), wide.T.to("meta"))
    assert not suits(rand(NARROW - 1, 50), rand(50, 10_000)), "too narrow"
    assert not suits(rand(16, 16), rand(16, ENOUGH // 256 - 1)) and suits(rand(16, 16), rand(16, ENOUGH // 256))
    half = wide[:, ::2]
    assert not suits(half, half.T) and not suits(wide[:, :4096], wide[:, :4096].T), "gaps between rows"
    torch.testing.assert_close(matmul(half, half.T), half @ half.T)


@pytest.mark.parametrize("multiply", [matmul, Workspace().matmul], ids=["new", "on a buffer"])
@pytest.mark.parametrize("size", [1, 1000])
def test_matrices_that_do_not_fit_are_torchs_error(multiply, size):
    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        multiply(rand(10 * size, 200), rand(150, 5 * size))
    with pytest.raises(RuntimeError, match=r"matrix|matrices|2D"):
        matmul(rand(3), rand(3))


@needs_onednn
def test_what_is_not_a_number_stays_so():
    a, b = rand(64, 64), rand(64, 8192)
    a[0, 0], b[3, 5] = torch.nan, torch.inf
    found, true = matmul(a, b), torch.mm(a, b)
    assert suits(a, b) and torch.equal(found.isnan(), true.isnan()) and torch.equal(found.isinf(), true.isinf())


@needs_onednn
def test_found_whatever_torchs_defaults_are(untried):
    default = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)
        with torch.device("meta"):
            assert available()
    finally:
        torch.set_default_dtype(default)


@contextlib.contextmanager
def switched_off(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(torch.backends.mkldnn, "enabled", False)
        yield


@needs_onednn
def test_turned_off_by_torchs_own_switch(monkeypatch):
    wide = rand(64, 8192)
    with switched_off(monkeypatch):
        assert not suits(wide, wide.T)
        torch.testing.assert_close(matmul(wide, wide.T), wide @ wide.T)
    assert suits(wide, wide.T)


def absent(*_):
    raise AttributeError("no such operator")


@pytest.mark.parametrize(
    "operator",
    [absent, lambda: lambda *_: absent(), lambda: lambda x, w, *_: x @ w.T + 1, lambda: lambda x: x],
    ids=["no operator", "fails", "another result", "other arguments"],
)
def test_an_operator_that_is_not_what_it_was_is_not_used(untried, monkeypatch, operator):
    monkeypatch.setattr(products, "_linear", operator)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert not available()
    wide = rand(64, 8192)
    torch.testing.assert_close(matmul(wide, wide.T), wide @ wide.T)


def test_a_processor_without_the_units_keeps_torch(untried, monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert not available()


@needs_onednn
def test_a_layer_uses_it_for_all_three_products(monkeypatch):
    calls, here = [], available()

    def counted(a, b):
        calls.append((tuple(a.shape), tuple(b.shape)))
        return torch.mm(a, b)

    monkeypatch.setattr(products, "by_onednn", counted)
    space = Workspace()
    stack = space.stack(3, torch.empty(2000, 30)).copy_(rand(3, 2000, 30)).requires_grad_()
    weight, bias = rand(40, 30).requires_grad_(), rand(40).requires_grad_()
    z = Linear.apply(stack, weight, bias, space)
    z.backward(space.stack(3, torch.empty(2000, 40)).copy_(rand(3, 2000, 40)))
    assert here and calls == [((40, 30), (30, 6000)), ((30, 40), (40, 6000)), ((40, 6000), (6000, 30))]


@needs_onednn
@pytest.mark.parametrize("width", [20, 64])
def test_gradient_in_single_precision(monkeypatch, ansatz, width):
    """As near to double precision as with the products of torch.mm, and the same numbers each time."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layers = nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1)
        model = ansatz(lambda i, o: nn.Sequential(*layers).double(), ("x", "y"), ("u",))
    points = rand(6000, 2)

    def poisson(c, o, k):
        return [d(o["u"], c["x"], c["x"]) + d(o["u"], c["y"], c["y"]) - o["u"]]

    def gradient(engine):
        where = points.to(next(model.parameters()).dtype)
        bound = engine.bind(model.outputs, poisson, model.names)
        return bound.gradient(where, list(model.parameters()))[1].double()

    exact = gradient(Autograd())
    model.float()
    found, again = gradient(Jets(fallback=False)), gradient(Jets(fallback=False))
    with switched_off(monkeypatch):
        other = gradient(Jets(fallback=False))
    assert torch.equal(found, again) and not torch.equal(found, other)
    size = exact.abs().max()
    assert (found - exact).abs().max() < 3 * (other - exact).abs().max() + 1e-6 * size
    assert (found - exact).abs().max() < 1e-4 * size
