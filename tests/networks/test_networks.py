"""Every network: shapes, rows by themselves, smoothness, initial weights, reproducibility, a way back from its file."""

import inspect
import io
import itertools
import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pinn import networks
from pinn.derivatives import d
from pinn.networks import (
    FBPINN,
    MLP,
    SIREN,
    ChebyshevKAN,
    DeepONet,
    FactorisedLinear,
    FourierFeatures,
    HyperNetwork,
    ModifiedMLP,
    PirateNet,
    Separable,
    rebuild,
)
from pinn.networks.activation import _functions, name_of, named
from pinn.networks.dense import dense
from pinn.networks.lifted import Lifted, lifted_inputs
from pinn.networks.random_features import FeatureDraw

NETWORKS = {
    "mlp": MLP,
    "mlp of silu": partial(MLP, activation=F.silu),
    "residual": partial(MLP, residual=True),
    "adaptive": partial(MLP, adaptive=5.0),
    "factorised": partial(MLP, factorisation=(1.0, 0.1)),
    "siren": SIREN,
    "siren of learned frequencies": partial(SIREN, learned=True, first=30.0, hidden=30.0),
    "fourier": FourierFeatures,
    "fourier of two scales": partial(FourierFeatures, scale=(1.0, 10.0), features=3, learned=True),
    "modified": ModifiedMLP,
    "modified, adaptive and factorised": partial(ModifiedMLP, adaptive=2.0, factorisation=(0.5, 0.1)),
    "pirate": PirateNet,
    "separable": partial(Separable, rank=5),
    "separable, adaptive and factorised": partial(Separable, rank=5, adaptive=2.0, factorisation=(0.5, 0.1)),
    "chebyshev kan": partial(ChebyshevKAN, degree=4),
    "finite basis": FBPINN,
    "finite basis of wide overlap": partial(FBPINN, subdomains=3, overlap=1.0, activation=torch.sin),
    "hyper": partial(HyperNetwork, hyper_width=5),
    "deep operator": partial(DeepONet, rank=7),
    "deep operator, modified, its branch not linear": partial(DeepONet, rank=7, modified=True, linear=False),
    "pirate let in": partial(PirateNet, nonlinearity=0.5, scale=(1.0, 4.0), factorisation=(1.0, 0.1)),
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def uniform(*shape, seed=1):
    return 2 * torch.rand(*shape, generator=seeded(seed), dtype=torch.float64) - 1


@pytest.fixture(params=NETWORKS, ids=[name.replace(" ", "_") for name in NETWORKS])
def factory(request):
    return partial(NETWORKS[request.param], width=12, depth=3)


def test_one_row_of_outputs_a_row_of_inputs(factory):
    least = 2 if factory.func in (HyperNetwork, DeepONet) else 1  # a parameter, and what depends on it
    for inputs, outputs in ((least, 1), (3, 2)):
        network = factory(inputs=inputs, outputs=outputs, generator=seeded())
        assert network(uniform(7, inputs)).shape == (7, outputs)
        assert network(uniform(0, inputs)).shape == (0, outputs)
        x = uniform(2, 5, inputs)
        torch.testing.assert_close(network(x), torch.stack([network(part) for part in x]), rtol=1e-12, atol=1e-14)


def test_rows_are_independent(factory):
    network = factory(inputs=2, outputs=3, generator=seeded())
    x = uniform(6, 2)
    moved = x.clone()
    moved[2] += 0.3
    before, after = network(x), network(moved)
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(before[others], after[others], rtol=0, atol=1e-14)
    assert bool((before[2] != after[2]).all())


def test_fourth_derivatives_exist_and_agree_with_differences(factory):
    network = factory(inputs=2, outputs=1, generator=seeded())
    point = uniform(5, 2)
    x, y = (point[:, k].clone().requires_grad_() for k in range(2))

    def third(x, y):
        return d(network(torch.stack([x, y], -1))[:, 0], x, x, y)

    fourth = d(third(x, y), x)
    assert bool(torch.isfinite(fourth).all())
    assert float(fourth.detach().abs().max()) > 0
    h = 1e-4
    ahead, behind = ((x + step).detach().requires_grad_() for step in (h, -h))
    central = (third(ahead, y) - third(behind, y)) / (2 * h)
    scale = float(fourth.detach().abs().max())
    torch.testing.assert_close(fourth, central, rtol=0, atol=2e-4 * scale)


def test_the_generator_decides_and_nothing_else(factory):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = factory(inputs=2, outputs=1, generator=seeded(3)).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    two = factory(inputs=2, outputs=1, generator=seeded(3)).state_dict()
    other = factory(inputs=2, outputs=1, generator=seeded(4)).state_dict()
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_precision_is_the_arguments_and_starts_alike(factory):
    exact = factory(inputs=2, outputs=1, generator=seeded())
    rounded = factory(inputs=2, outputs=1, generator=seeded(), dtype=torch.float32)
    assert {value.dtype for value in exact.state_dict().values()} == {torch.float64}
    for name, value in rounded.state_dict().items():
        assert torch.equal(value, exact.state_dict()[name].float())
    x = uniform(5, 2)
    torch.testing.assert_close(rounded(x.float()).double(), exact(x), rtol=1e-3, atol=1e-4)


def test_a_network_comes_back_from_plain_values(factory):
    network = factory(inputs=2, outputs=3, generator=seeded(5))
    file = io.BytesIO()
    torch.save({"arguments": network.arguments, "state": network.state_dict()}, file)
    file.seek(0)
    content = torch.load(file, weights_only=True)
    again = rebuild(type(network).__name__, content["arguments"])
    again.load_state_dict(content["state"])
    x = uniform(5, 2)
    assert torch.equal(again(x), network(x))
    assert again.arguments == network.arguments
    assert [p.requires_grad for p in again.parameters()] == [p.requires_grad for p in network.parameters()]


def test_every_parameter_takes_part(factory):
    network = factory(inputs=2, outputs=1, generator=seeded())
    trained = [p for p in network.parameters() if p.requires_grad]
    slopes = torch.autograd.grad(network(uniform(20, 2)).pow(2).sum(), trained, allow_unused=True)
    assert all(slope is not None for slope in slopes)


def test_glorot_s_weights_have_his_variance():
    layer = dense(300, 200, generator=seeded(), dtype=torch.float64)
    assert float(layer.weight.detach().std()) == pytest.approx(math.sqrt(2 / 500), rel=0.02)
    assert abs(float(layer.weight.detach().mean())) < 1e-3
    assert float(layer.bias.detach().abs().max()) == 0


def test_signals_keep_their_size_through_the_layers():
    network = MLP(2, 1, width=200, depth=8, generator=seeded())
    h = network.first(uniform(500, 2))
    first = float(h.detach().pow(2).mean())
    for layer in network.hidden:
        h = layer(h)
    assert 0.1 * first < float(h.detach().pow(2).mean()) < 1.5 * first


def test_a_factorised_layer_begins_as_the_plain_one():
    plain = dense(7, 5, generator=seeded(), dtype=torch.float64)
    factorised = dense(7, 5, generator=seeded(), dtype=torch.float64, factorisation=(1.0, 0.1))
    assert isinstance(factorised, FactorisedLinear)
    x = uniform(4, 7)
    torch.testing.assert_close(factorised(x), plain(x), rtol=1e-13, atol=1e-15)
    many = dense(2, 4000, generator=seeded(), dtype=torch.float64, factorisation=(1.0, 0.1)).scale.detach()
    assert float(many.mean()) == pytest.approx(1, abs=0.01)
    assert float(many.std()) == pytest.approx(0.1, rel=0.05)


def test_adaptive_slopes_begin_at_one():
    plain = MLP(2, 1, width=6, depth=3, generator=seeded())
    adaptive = MLP(2, 1, width=6, depth=3, adaptive=10.0, generator=seeded())
    x = uniform(5, 2)
    torch.testing.assert_close(adaptive(x), plain(x), rtol=1e-13, atol=1e-15)
    slopes = [p for name, p in adaptive.named_parameters() if name.endswith("slope")]
    assert [float(slope.detach()) for slope in slopes] == [0.1] * 3


def test_sines_keep_their_distribution_through_the_layers():
    """z of variance 2v, nearly normal, gives sines of variance (1 - exp(-4v)) / 2: from 1/2 it settles at 0.398."""
    network = SIREN(2, 1, width=400, depth=5, first=30.0, generator=seeded())
    h, expected = uniform(400, 2), 0.5
    for layer, omega in zip(network.linears, network.frequencies, strict=False):
        h = torch.sin(layer(h) * omega)
        assert float(h.detach().var()) == pytest.approx(expected, abs=0.04)
        expected = (1 - math.exp(-4 * expected)) / 2
    assert float(network.linears[0].weight.detach().abs().max()) <= 1 / 2


def test_the_frequency_of_inner_sines_leaves_the_initial_weights_effect_alone():
    one, thirty = (SIREN(2, 1, width=50, depth=2, hidden=w, generator=seeded()) for w in (1.0, 30.0))
    weight = one.linears[1].weight
    # Small weights are differences of larger numbers: they carry the rounding of the largest.
    rounding = 8 * torch.finfo(torch.float64).eps * float(weight.detach().abs().max())
    torch.testing.assert_close(weight, 30 * thirty.linears[1].weight, rtol=0, atol=rounding)


def test_frequencies_are_learned_only_where_asked():
    assert not any(p.requires_grad for p in SIREN(1, 1, generator=seeded()).frequencies)
    assert all(p.requires_grad for p in SIREN(1, 1, learned=True, generator=seeded()).frequencies)
    assert not FourierFeatures(1, 1, generator=seeded()).embedding.frequencies.requires_grad
    assert FourierFeatures(1, 1, learned=True, generator=seeded()).embedding.frequencies.requires_grad


def test_fourier_frequencies_have_their_scales():
    network = FourierFeatures(2, 1, features=2000, scale=(1.0, 10.0), generator=seeded())
    low, high = network.embedding.frequencies[:2000], network.embedding.frequencies[2000:]
    assert float(low.std()) == pytest.approx(1, rel=0.05)
    assert float(high.std()) == pytest.approx(10, rel=0.05)
    embedded = network.embedding(uniform(3, 2))
    torch.testing.assert_close(embedded.pow(2).sum(1), torch.full((3,), 4000.0, dtype=torch.float64))


def test_the_gates_of_the_modified_network_are_the_papers():
    network = ModifiedMLP(2, 1, width=6, depth=2, generator=seeded())
    x = uniform(4, 2)
    u, v, h = network.gate_u(x), network.gate_v(x), network.first(x)
    z = network.hidden[0](h)
    torch.testing.assert_close(network(x), network.last((1 - z) * u + z * v))


def test_a_pirate_network_is_linear_in_its_features_at_first():
    network = PirateNet(2, 1, width=8, depth=3, generator=seeded())
    x = uniform(4, 2)
    assert torch.equal(network(x), network.last(network.embedding(x)))


def test_the_blocks_of_a_pirate_network_are_the_papers():
    network = PirateNet(2, 1, width=8, depth=1, nonlinearity=0.3, generator=seeded())
    x = uniform(4, 2)
    phi = network.embedding(x)
    u, v = network.gate_u(phi), network.gate_v(phi)
    one, two, three = network.blocks[0].layers
    f = one(phi)
    z = f * u + (1 - f) * v
    g = two(z)
    z = g * u + (1 - g) * v
    torch.testing.assert_close(network(x), network.last(0.3 * three(z) + 0.7 * phi))


def test_modules_of_torch_with_defaults_are_the_functions():
    for module, name in ((nn.SiLU(), "silu"), (nn.Mish(), "torch.nn.functional.mish")):
        network = MLP(2, 1, activation=module, generator=seeded())
        assert network.arguments["activation"] == name
        rebuild("MLP", network.arguments)
    own = MLP(2, 1, activation=nn.Softplus(beta=2.0), generator=seeded())
    assert own.arguments["activation"] is None


SMOOTH = {  # torch's own names; without a dot those of files written from the first
    "tanh": torch.tanh,
    "gelu": F.gelu,
    "torch.nn.functional.mish": F.mish,
    "torch.nn.functional.softsign": F.softsign,
    "torch.nn.functional.logsigmoid": F.logsigmoid,
    "torch.nn.functional.tanhshrink": F.tanhshrink,
    "torch.nn.functional.celu": F.celu,
    "torch.nn.functional.selu": F.selu,
    "torch.nn.functional.sigmoid": F.sigmoid,
    "torch.sinh": torch.sinh,
    "torch.asinh": torch.asinh,
    "torch.sinc": torch.sinc,
    "torch.square": torch.square,
}


@pytest.mark.parametrize(("name", "function"), SMOOTH.items(), ids=list(SMOOTH))
def test_torchs_functions_go_by_their_names(name, function):
    network = MLP(2, 1, width=4, depth=2, activation=function, generator=seeded())
    assert network.arguments["activation"] == name
    again = rebuild("MLP", network.arguments)
    again.load_state_dict(network.state_dict())
    x = uniform(5, 2)
    assert torch.equal(again(x), network(x))


def test_names_lead_back_to_their_functions():
    for name, function in _functions()[::10]:
        assert named(name) is function
        assert named(name_of(function)) is function


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "torch.load",
        "torch.os.system",
        "torch.hub.load",
        "torch.nn.functional.torch",
        "torch.nn.functional.__builtins__",
        "torch._C._nn.gelu",
        "torch._softmax",
        "torch.Tensor",
        "torch.set_num_threads",
        "torch.manual_seed",
        "torch.from_file",
        "",
        None,
        3,
    ],
)
def test_nothing_else_is_found_by_a_name_in_a_file(name):
    with pytest.raises(ValueError, match=r"activation: got .*, expected a function of tensors in torch or torch.nn"):
        named(name)


def test_every_network_of_the_library_is_tried():
    exported = {name for name in networks.__all__ if "inputs" in inspect.signature(getattr(networks, name)).parameters}
    solved = {"Enriched", "Windows", "ByOutput"}  # found by solves or made of others, and tried in files of their own
    assert {getattr(made, "func", made).__name__ for made in NETWORKS.values()} == exported - solved


@pytest.mark.parametrize("name", sorted({getattr(made, "func", made).__name__ for made in NETWORKS.values()}))
def test_every_network_comes_back_within_others(name):
    """Side by side, beneath fixed neurons, and beneath neurons over what it has learned, which correct it."""
    inner = getattr(networks, name)(2, 1, width=12, depth=1, generator=seeded())
    beside = networks.ByOutput(2, 1, parts=[{"outputs": [0], "network": inner}])
    above = networks.Enriched(2, 1, bases=[networks.Chebyshev([1, 1], [(0, 1)])], network=inner)
    seen = lifted_inputs(inner, uniform(1, 2)).shape[-1]
    draw = FeatureDraw(torch.ones(4, seen).double(), torch.zeros(4).double(), 2)
    over = networks.Enriched(2, 1, bases=[Lifted(inner, draw)], network=inner)
    for made in (beside, above, over):
        again = rebuild(type(made).__name__, {**made.arguments, "inputs": 2, "outputs": 1})
        again.load_state_dict(made.state_dict())
        assert torch.equal(again(uniform(3, 2)), inner(uniform(3, 2)))


def test_only_the_librarys_networks_and_those_given_are_rebuilt():
    class Own(MLP):
        pass

    network = Own(2, 1, generator=seeded())
    with pytest.raises(
        ValueError, match=r"rebuild: got network 'Own', expected one of \['ByOutput', 'ChebyshevKAN', 'DeepONet', "
    ):
        rebuild("Own", network.arguments)
    assert isinstance(rebuild("Own", network.arguments, classes=[Own]), Own)
    nameless = MLP(2, 1, activation=lambda z: z * torch.tanh(z), generator=seeded())
    with pytest.raises(
        ValueError, match=r"rebuild: got MLP with an activation that has no name, .*; give what builds it"
    ):
        rebuild("MLP", nameless.arguments)
    with pytest.raises(ValueError, match=r"activation: got 'os.system', expected a function of tensors in torch"):
        rebuild("MLP", {**network.arguments, "activation": "os.system"})


def test_a_separable_network_of_rank_one_is_a_product():
    """N(x, y) N(x', y') = N(x, y') N(x', y) for W f(x) g(y) without bias."""
    network = Separable(2, 1, rank=1, width=6, depth=2, generator=seeded())
    x = uniform(4, 2)
    crossed = torch.stack([x[[0, 2], 0], x[[1, 3], 1]], 1), torch.stack([x[[1, 3], 0], x[[0, 2], 1]], 1)
    left = network(x[[0, 2]]) * network(x[[1, 3]])
    torch.testing.assert_close(left, network(crossed[0]) * network(crossed[1]), rtol=1e-12, atol=0)


def test_a_separable_network_begins_near_a_sum_whatever_the_number_of_inputs():
    for inputs in (1, 3, 10):
        network = Separable(inputs, 1, rank=50, width=20, generator=seeded())
        assert 0.1 < float(network(uniform(400, inputs)).detach().std()) < 100


def test_the_edges_of_a_kan_are_chebyshev_polynomials():
    """One hidden layer, by cos m arccos z."""
    network = ChebyshevKAN(2, 1, width=3, depth=1, degree=4, generator=seeded())
    x = uniform(6, 2)

    def layer(linear, z):
        table = torch.cos(torch.arange(1, 5) * torch.arccos(z)[..., None])
        return torch.einsum("oim,nim->no", linear.weight.reshape(-1, z.shape[1], 4), table) + linear.bias

    expected = layer(network.edges[1], torch.tanh(layer(network.edges[0], x)))
    torch.testing.assert_close(network(x), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("overlap", [0.2, 0.5, 1.0])
def test_windows_are_a_partition_of_unity_of_the_overlap(overlap):
    network = FBPINN(2, 1, subdomains=(4, 1), overlap=overlap, width=3, generator=seeded())
    x = uniform(50, 2)
    windows = network.windows(x)
    assert windows.shape == (50, 4)
    torch.testing.assert_close(windows.sum(1), torch.ones(50, dtype=torch.float64), rtol=1e-14, atol=0)
    # Between the second and the third, whose face is at 0: of two alone from 0.9 to 0.1 over the overlap of an extent.
    edge = 0.5 * overlap * 0.5
    second, third = network.windows(torch.tensor([[-edge, 0.0]], dtype=torch.float64))[0, 1:3]
    assert float(second / (second + third)) == pytest.approx(0.9, rel=1e-12)
    centres = network.windows(torch.tensor([[-0.75, 0], [-0.25, 0], [0.25, 0], [0.75, 0]], dtype=torch.float64))
    assert float(centres.diagonal().min()) >= 1 / (1 + 2 * 9 ** (-1 / overlap)) - 0.02


def test_equal_networks_on_subdomains_are_joined_by_their_windows():
    """With N_j(z) = z the sum is Σ ω_j (x − c_j) / h_j, in one and in two dimensions."""
    network = FBPINN(2, 1, subdomains=(2, 3), width=4, depth=1, generator=seeded())
    x = uniform(20, 2)
    windows = network.windows(x).reshape(20, 2, 3)
    one, two = (FBPINN(1, 1, subdomains=m, width=2, generator=seeded()) for m in (2, 3))
    expected = one.windows(x[:, :1])[:, :, None] * two.windows(x[:, 1:])[:, None, :]
    torch.testing.assert_close(windows, expected, rtol=1e-12, atol=1e-15)
    parts = []
    for j, (a, b) in enumerate(itertools.product((-0.5, 0.5), (-2 / 3, 0, 2 / 3))):
        inner = torch.stack([(x[:, 0] - a) * 2, (x[:, 1] - b) * 3], 1)
        parts.append(network.networks[j](inner)[:, 0] * windows.reshape(20, 6)[:, j])
    torch.testing.assert_close(network(x)[:, 0], torch.stack(parts).sum(0), rtol=1e-12, atol=1e-14)


def test_each_parameter_has_its_own_weights():
    """At a fixed λ the hypernetwork is the perceptron whose weights are mean + change(λ)."""
    network = HyperNetwork(3, 2, parameters=1, width=5, depth=2, hyper_width=4, generator=seeded())
    lam = torch.tensor([[0.3]], dtype=torch.float64)
    change, h = network.hyper(lam)[0], uniform(7, 2)
    x, start = torch.cat([h, lam.expand(7, 1)], 1), 0
    for k, mean in enumerate(network.mean):
        out, into = mean.weight.shape
        block = change[start : start + out * (into + 1)].reshape(out, into + 1)
        start += block.numel()
        h = h @ (mean.weight + block[:, :into]).T + mean.bias + block[:, into]
        h = torch.tanh(h) if k < 2 else h
    assert start == change.numel()
    torch.testing.assert_close(network(x), h, rtol=1e-12, atol=1e-14)


def test_a_deep_operator_network_is_linear_in_the_branch_s_output():
    """W (b(f) ⊙ t(x)) + c, with the numbers of f at the places that were given."""
    network = DeepONet(4, 2, functions=[0, 2], rank=5, width=6, generator=seeded())
    x = uniform(7, 4)
    branch = network.branch(x[:, [0, 2]]) + network.direct(x[:, [0, 2]])
    expected = (branch * network.trunk(x[:, [1, 3]])) @ network.last.weight.T + network.last.bias
    torch.testing.assert_close(network(x), expected, rtol=1e-12, atol=1e-14)
    plain = DeepONet(4, 2, functions=2, linear=False, width=6, generator=seeded())
    assert plain.direct is None and plain.arguments["functions"] == [2, 3]


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (partial(MLP, width=0), ValueError, r"MLP: got width=0, expected an integer of at least 1; give width >= 1"),
        (partial(MLP, depth=2.5), ValueError, r"MLP: got depth=2.5, expected an integer of at least 1"),
        (
            partial(MLP, activation="tanh"),
            TypeError,
            r"MLP: got activation='tanh', expected a function of a .*; give one such as",
        ),
        (partial(MLP, activation=nn.Tanh), TypeError, r"MLP: got activation=<class .*Tanh'>, expected a function"),
        (partial(MLP, adaptive=-1.0), ValueError, r"MLP: got adaptive=-1.0, expected a positive finite number"),
        (partial(MLP, factorisation=True), ValueError, r"MLP: got factorisation=True, expected \(mean, deviation\)"),
        (
            partial(MLP, factorisation=(1, -1)),
            ValueError,
            r"MLP: got factorisation\[1\]=-1, expected a finite number of at",
        ),
        (
            partial(MLP, dtype=torch.int64),
            TypeError,
            r"MLP: got dtype=torch.int64, expected a floating torch.dtype; give",
        ),
        (partial(MLP, generator=0), TypeError, r"MLP: got generator=0, expected a torch.Generator; give"),
        (partial(SIREN, first=0.0), ValueError, r"SIREN: got first=0.0, expected a positive finite number"),
        (
            partial(FourierFeatures, scale=()),
            ValueError,
            r"FourierFeatures: got scale=\(\), expected a positive number or several",
        ),
        (
            partial(FourierFeatures, scale=(1.0, math.nan)),
            ValueError,
            r"FourierFeatures: got scale=nan, expected a positive",
        ),
        (partial(Separable, rank=0), ValueError, r"Separable: got rank=0, expected an integer of at least 1"),
        (partial(ChebyshevKAN, degree=0), ValueError, r"ChebyshevKAN: got degree=0, expected an integer of at least 1"),
        (
            partial(FBPINN, subdomains=(2, 3, 4)),
            ValueError,
            r"FBPINN: got subdomains=\(2, 3, 4\) for 2 inputs, .*; give 2",
        ),
        (partial(FBPINN, subdomains=(2, 0)), ValueError, r"FBPINN: got subdomains\[1\]=0, expected an integer of at"),
        (partial(FBPINN, overlap=0.0), ValueError, r"FBPINN: got overlap=0.0, expected a positive finite number"),
        (
            partial(HyperNetwork, parameters=2),
            ValueError,
            r"HyperNetwork: got parameters=2 of 2 inputs, .*; give fewer parameters",
        ),
        (partial(DeepONet, rank=0), ValueError, r"DeepONet: got rank=0, expected an integer of at least 1"),
        (partial(DeepONet, functions=2), ValueError, r"DeepONet: got functions=2 of 2 inputs, .*; give a problem with"),
        (partial(DeepONet, functions=[2]), ValueError, r"DeepONet: got functions=\[2\] of 2 inputs, expected some of"),
        (partial(DeepONet, functions="f"), TypeError, r"DeepONet: got functions='f', expected how many of the last"),
        (partial(PirateNet, width=9), ValueError, r"PirateNet: got width=9, expected a multiple of 2, .*; give 10"),
        (partial(PirateNet, width=10, scale=(1, 2)), ValueError, r"expected a multiple of 4, .*; give 12"),
    ],
)
def test_what_cannot_be_meant_is_refused(build, error, message):
    with pytest.raises(error, match=message):
        build(**{"inputs": 2, "outputs": 1, "generator": seeded(), **build.keywords})
