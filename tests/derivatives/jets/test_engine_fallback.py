"""What has no rule is named and goes to the reference, once; so does a network whose gradients would be wrong."""

import logging

import pytest
import torch
from torch import nn

from pinn.derivatives import Autograd, EngineChoice, Jets, MissingRule, d


class Model(nn.Module):
    def __init__(self, middle):
        super().__init__()
        self.first, self.last = nn.Linear(1, 5, dtype=torch.float64), nn.Linear(5, 1, dtype=torch.float64)
        self.middle = middle

    def outputs(self, columns):
        return {"u": self.last(self.middle(self.first(columns["x"].unsqueeze(-1))))[..., 0]}


def equation(columns, outputs, constants):
    return [d(outputs["u"], columns["x"]) + outputs["u"]]


X = torch.linspace(-1, 1, 6, dtype=torch.float64)[:, None]


def bound(model, equation, *engines):
    return [engine.bind(model.outputs, equation, ("x",)) for engine in engines]


class Sine(torch.autograd.Function):
    """Right values; a gradient that forgets its factor."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * torch.cos(x)


def test_a_missing_rule_is_named(caplog):
    model = Model(lambda h: torch.cumsum(torch.tanh(h), -1))
    parameters = list(model.parameters())
    strict, fast, slow = bound(model, equation, Jets(fallback=False), Jets(), Autograd())
    with pytest.raises(MissingRule, match="cumsum"):
        strict.residual(X)
    with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
        for _ in range(3):
            rows = fast.residual(X)
            loss, slope = fast.gradient(X, parameters)
    assert torch.equal(rows, slow.residual(X))
    expected = slow.gradient(X, parameters)
    assert torch.equal(loss, expected[0]) and torch.equal(slope, expected[1])
    messages = [record.message for record in caplog.records]
    assert len(messages) == 1 and "cumsum" in messages[0] and "reference" in messages[0]
    again = fast._engine.bind(model.outputs, equation, ("x",))  # another binding of the same engine says nothing new
    with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
        assert torch.equal(again.residual(X), rows)
    assert again.choice.engine == "autograd" and len(caplog.records) == 1


def test_which_engine_serves_is_said_with_the_reason():
    tanh, cumulative = Model(torch.tanh), Model(lambda h: torch.cumsum(torch.tanh(h), -1))
    (fast,) = bound(tanh, equation, Jets())
    assert fast.choice is None  # not evaluated yet
    fast.gradient(X, list(tanh.parameters()))
    assert fast.choice == EngineChoice("jets")
    fallen, slow = bound(cumulative, equation, Jets(), Autograd())
    fallen.residual(X)
    assert fallen.choice is not None and fallen.choice.engine == "autograd" and "cumsum" in fallen.choice.reason
    assert slow.choice == EngineChoice("autograd")
    (mistrusted,) = bound(tanh, lambda c, o, k: [o["u"] * (1.0 + isinstance(o["u"], torch.Tensor))], Jets())
    mistrusted.residual(X)
    assert mistrusted.choice is not None and mistrusted.choice.reason.startswith("jets differ from nested autograd")


def test_one_equation_does_not_speak_for_another(caplog):
    def cumulative(columns, outputs, constants):
        return [torch.logcumsumexp(outputs["u"], 0)]

    model = Model(torch.tanh)
    engine = Jets()
    with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
        engine.bind(model.outputs, equation, ("x",)).residual(X)
        assert not caplog.records
        engine.bind(model.outputs, cumulative, ("x",)).residual(X)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (lambda u, x: u.sum() * u, "sum"),
        (lambda u, x: torch.sort(u).values, "sort"),
        (lambda u, x: u[0] * u, "getitem"),
        (lambda u, x: u if u.max() > 0 else x, "max"),
        (lambda u, x: torch.where(u > 0, u, x) if u > 0 else x, "torch.where"),
        (lambda u, x: d((u > 0) * 1.0, x), "gt"),
        (lambda u, x: torch.stack([u, x]).amax(0), "stack"),
        (lambda u, x: u.T, "T"),
    ],
)
def test_what_equations_cannot_do(function, name):
    model = Model(torch.tanh)
    (fast,) = bound(model, lambda c, o, k: [function(o["u"], c["x"])], Jets(fallback=False))
    with pytest.raises(MissingRule, match=name):
        fast.residual(X)


def test_a_few_points_at_first_do_not_decide_for_all():
    """Jets that are wrong from x > 0.5 on pass on the first points, and are found out when more come."""

    def jumping(c, o, k):
        # Code that looks at types: a branch that tensors take and fields do not.
        return [torch.where(c["x"] > 0.5, (1.0 if isinstance(c["x"], torch.Tensor) else 2.0) * o["u"], o["u"])]

    strict, fast, slow = bound(Model(torch.tanh), jumping, Jets(fallback=False), Jets(), Autograd())
    strict.residual(X[:2])
    for _ in range(2):
        with pytest.raises(MissingRule, match="in the residual"):
            strict.residual(X)
    fast.residual(X[:2])
    assert fast.choice == EngineChoice("jets")
    assert torch.equal(fast.residual(X), slow.residual(X))
    assert fast.choice is not None and fast.choice.engine == "autograd"


def test_values_may_be_right_and_gradients_wrong(caplog):
    """Batch statistics and hidden states are caught by comparing rows and their gradients with the reference."""

    class Detached(nn.Module):
        def __init__(self):
            super().__init__()
            self.factor = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))

        def forward(self, h):
            # A trick that treats jets and tensors differently, as code that looks at types does.
            return torch.tanh(h) * (self.factor if isinstance(h, torch.Tensor) else self.factor.detach())

    model = Model(Detached())
    strict, fast, slow = bound(model, equation, Jets(fallback=False), Jets(), Autograd())
    with pytest.raises(MissingRule, match="gradient by the parameters"):
        strict.residual(X)
    with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
        _, slope = fast.gradient(X, list(model.parameters()))
    assert torch.equal(slope, slow.gradient(X, list(model.parameters()))[1])
    assert "gradient by the parameters" in caplog.text


def test_a_custom_function_goes_to_the_reference():
    fast, slow = bound(Model(Sine.apply), equation, Jets(), Autograd())
    assert torch.equal(fast.residual(X), slow.residual(X))


def test_any_failure_on_jets_goes_to_the_reference(caplog):
    """Code that takes a jet for a tensor may fail in any way."""

    def insistent(h):
        assert isinstance(h, torch.Tensor)
        return torch.tanh(h)

    middles = [
        lambda h: torch.tanh(h.T).T,
        lambda h: torch.tanh(torch.complex(h, h)).real,
        lambda h: h.data * h,
        insistent,
        lambda h: torch.tanh(h) * (1 if type(h).is_leaf else 0.5),
        lambda h: torch.tanh(h) * (1 // isinstance(h, torch.Tensor)),
    ]
    for middle in middles:
        fast, slow = bound(Model(middle), lambda c, o, k: [o["u"]], Jets(), Autograd())
        with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
            assert torch.equal(fast.residual(X), slow.residual(X))
    assert len(caplog.records) == len(middles)


def test_a_division_by_zero_is_the_references(caplog):
    """Tensors divide by zero, numbers in Python do not."""
    fast, slow = bound(Model(torch.tanh), lambda c, o, k: [o["u"] / 0], Jets(), Autograd())
    with caplog.at_level(logging.WARNING, logger="pinn.derivatives"):
        assert torch.equal(fast.residual(X), slow.residual(X))
    assert "ZeroDivisionError on jets" in caplog.text


def test_a_mistake_in_an_equation_is_shown_as_the_reference_shows_it():
    (fast,) = bound(Model(torch.tanh), lambda c, o, k: [o["u"] * k["nu"]], Jets())
    with pytest.raises(KeyError, match="nu"):
        fast.residual(X)


def test_dropout_in_training_is_refused():
    (fast,) = bound(Model(nn.Dropout(0.5)), equation, Jets(fallback=False))
    with pytest.raises(MissingRule, match="dropout"):
        fast.residual(X)


def test_shapes_are_checked():
    model = Model(torch.tanh)

    def wide(columns, outputs, constants):
        return [outputs["u"] * torch.ones(6, 1, dtype=torch.float64)]

    (fast,) = bound(model, wide, Jets(fallback=False))
    with pytest.raises(ValueError, match="one entry a point"):
        fast.residual(X)
    (fast,) = bound(model, lambda c, o, k: [d(o["u"], o["u"])], Jets(fallback=False))
    with pytest.raises(ValueError, match="coordinate"):
        fast.residual(X)


def test_nothing_is_kept_alive():
    """An engine holds neither models nor equations."""
    import gc
    import weakref

    engine = Jets()
    model = Model(torch.tanh)
    engine.bind(model.outputs, equation, ("x",)).residual(X)
    watched = weakref.ref(model)
    del model
    gc.collect()
    assert watched() is None


def test_rows_near_zero_are_compared_by_the_size_of_their_terms():
    """A solved equation leaves rows at rounding of its terms, which is no reason to refuse jets."""
    from pinn.derivatives.jets.engine import _difference

    theta = torch.nn.Parameter(torch.full((3,), 5.0, dtype=torch.float64))
    slow = torch.stack([theta[0] - theta[1], theta[1] - theta[2]])[:, None] + 1e-12
    fast = slow + 1e-15
    assert _difference(fast, slow) == ""
    assert "residual" in _difference(slow + 1e-3, slow)


@pytest.mark.parametrize("block", [0, -5, 1.5, "many", float("nan")])
def test_blocks_have_points(block):
    with pytest.raises(ValueError, match=r"Jets: got block=.*expected an integer of at least 1"):
        Jets(block=block)
