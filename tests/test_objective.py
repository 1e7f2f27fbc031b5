"""One definition of r: f = 1/2 |r|^2, J^T r = grad f, and blockwise sums equal to the whole."""

import math
from functools import partial

import pytest
import torch

from pinn.derivatives import Autograd, Engine, EngineChoice, Jets, d
from pinn.domains import Box, Scatter
from pinn.least_squares import Integral, Rows
from pinn.model import Model
from pinn.networks import MLP
from pinn.objective import Equations, Objective
from pinn.problem import Constraint, Problem, Unknown
from pinn.sampling.uniform import sample_uniform

BOX = Box(x=(-1, 1), t=(0, 1))


def setting(engine=None, dtype=torch.float64):
    data = Scatter(coordinates={"x": [0.1, -0.4, 0.7], "t": [0.2, 0.9, 0.5]}, values={"seen": [0.3, 0.1, -0.2]})
    problem = Problem(
        BOX,
        ["u", "v"],
        {
            "equation": Constraint(
                lambda u, v, x, t, nu: (d(u, t) + u * d(u, x) - nu * d(u, x, x), d(v, t) - d(u * v, x)), on=BOX
            ),
            "walls": Constraint(lambda u, v, nx: (u * nx, v), on=BOX.face(x=-1) | BOX.face(x=1)),
            "data": Constraint(lambda u, seen: u - seen, on=data),
            "mass": Constraint(lambda u, v: u + v - 0.5, on=BOX, integral=True, points=20),
        },
        coefficients={"nu": Unknown(0.1, positive=True)},
    )
    model = Model(problem, partial(MLP, width=6, depth=2), generator=torch.Generator().manual_seed(1), dtype=dtype)
    equations = Equations(model, Jets() if engine is None else engine)
    return equations, sample_uniform(problem, 30, torch.Generator().manual_seed(2))


@pytest.fixture(params=[Autograd, Jets], ids=["autograd", "jets"])
def objective(request):
    equations, points = setting(request.param())
    return Objective(equations, points)


def test_the_loss_is_half_the_weighted_sum_of_mean_squares(objective):
    equations = objective.equations
    total = 0.0
    for name, points in objective.points.items():
        rows = equations.residual(name, points)
        if name == "mass":
            total += 0.5 * float((BOX.measure * rows.mean()) ** 2)
        else:
            total += 0.5 * equations.problem.weight(name) * float(rows.pow(2).sum(1).mean())
    assert float(objective.loss()) == pytest.approx(total, rel=1e-13)
    assert sum(objective.losses().values()) == pytest.approx(total, rel=1e-13)
    residual = objective.residual()
    assert residual.shape == (objective.rows,)
    assert 0.5 * float(residual @ residual) == pytest.approx(total, rel=1e-13)


def test_rows_times_residual_is_the_gradient(objective):
    residual, jacobian = objective.linearize()
    loss, gradient = objective.gradient()
    plain = torch.autograd.grad(objective.differentiable_loss(), objective.parameters(), allow_unused=True)
    flat = torch.cat(
        [
            (torch.zeros_like(p) if g is None else g).reshape(-1)
            for g, p in zip(plain, objective.parameters(), strict=True)
        ]
    )
    torch.testing.assert_close(gradient, flat, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(jacobian.T @ residual, flat, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(residual, objective.residual(), rtol=1e-13, atol=1e-14)
    assert float(loss) == pytest.approx(float(objective.loss()), rel=1e-13)


def test_rows_are_the_derivative_of_the_residual_by_central_differences(objective):
    _, jacobian = objective.linearize()
    theta = objective.vector()
    generator = torch.Generator().manual_seed(3)
    for _ in range(3):
        direction = torch.randn(objective.size, generator=generator, dtype=torch.float64)
        h = 1e-5
        objective.assign(theta + h * direction)
        forward = objective.residual()
        objective.assign(theta - h * direction)
        central = (forward - objective.residual()) / (2 * h)
        objective.assign(theta)
        torch.testing.assert_close(jacobian @ direction, central, rtol=1e-6, atol=1e-7)


def test_normal_equations_are_those_of_the_rows(objective):
    residual, jacobian = objective.linearize()
    loss, slope, gram = objective.normal_equations()
    assert float(loss) == pytest.approx(0.5 * float(residual @ residual), rel=1e-13)
    torch.testing.assert_close(slope, jacobian.T @ residual, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(gram, jacobian.T @ jacobian, rtol=1e-12, atol=1e-12)


def test_matrix_free_products_are_those_of_the_rows(objective):
    residual, jacobian = objective.linearize()
    operator = objective.operator()
    generator = torch.Generator().manual_seed(4)
    v = torch.randn(objective.size, generator=generator, dtype=torch.float64)
    w = torch.randn(objective.rows, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(operator.residual, residual, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(operator.jvp(v), jacobian @ v, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(operator.vjp(w), jacobian.T @ w, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_products_piece_by_piece_are_those_of_the_rows(objective, size):
    residual, jacobian = objective.linearize()
    generator = torch.Generator().manual_seed(4)
    v = torch.randn(objective.size, generator=generator, dtype=torch.float64)
    w = torch.randn(objective.rows, generator=generator, dtype=torch.float64)
    r, jv, jw = torch.zeros_like(residual), torch.zeros_like(residual), torch.zeros_like(v)
    for rows, piece in objective.pieces(size):
        r[rows] += piece.residual
        jv[rows] += piece.jvp(v)
        jw += piece.vjp(w[rows])
    torch.testing.assert_close(r, residual, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(jv, jacobian @ v, rtol=1e-11, atol=1e-12)
    torch.testing.assert_close(jw, jacobian.T @ w, rtol=1e-11, atol=1e-12)
    with pytest.raises(ValueError, match="got size=0; expected at least 1 point"):
        next(objective.pieces(0))


def test_rows_are_written_into_the_callers_buffer(objective):
    buffer = torch.full((objective.rows, objective.size), math.nan, dtype=torch.float64)
    _, jacobian = objective.linearize(out=buffer)
    assert jacobian.data_ptr() == buffer.data_ptr()
    torch.testing.assert_close(buffer, objective.linearize()[1], rtol=1e-13, atol=1e-14)
    with pytest.raises(ValueError, match="linearize: out has shape"):
        objective.linearize(out=buffer[:-1])


def test_weights_and_point_weights_scale_rows():
    equations, points = setting()
    lam = torch.linspace(0.5, 2, points["equation"].n, dtype=torch.float64)
    plain = Objective(equations, points).residual()
    scaled = Objective(equations, points, weights={"equation": 9.0}, point_weights={"equation": lam}).residual()
    n = 2 * points["equation"].n
    torch.testing.assert_close(scaled[:n], plain[:n] * 3 * lam.sqrt().repeat_interleave(2), rtol=1e-13, atol=0)
    assert torch.equal(scaled[n:], plain[n:])


def test_parameters_go_out_and_in_again():
    equations, points = setting()
    objective = Objective(equations, points)
    theta = objective.vector()
    objective.assign(theta * 2)
    assert torch.equal(objective.vector(), theta * 2)
    with pytest.raises(ValueError, match="assign: got shape"):
        objective.assign(theta[:-1])


def test_missing_and_unknown_names_are_refused():
    equations, points = setting()
    with pytest.raises(ValueError, match=r"points: .* missing \['walls'\]"):
        Objective(equations, {name: place for name, place in points.items() if name != "walls"})
    with pytest.raises(ValueError, match=r"weights: .* unknown \['wals'\]"):
        Objective(equations, points, weights={"wals": 1.0})
    with pytest.raises(ValueError, match=r"point_weights 'walls': shape \(2,\)"):
        Objective(equations, points, point_weights={"walls": torch.ones(2)})


def test_negative_weights_are_refused():
    equations, points = setting()
    with pytest.raises(ValueError, match=r"weights 'walls': got -1.0, expected a number of at least zero"):
        Objective(equations, points, weights={"walls": -1.0})


def frozen(inputs, outputs, generator, dtype):
    return MLP(inputs, outputs, width=4, depth=1, generator=generator, dtype=dtype).requires_grad_(False)


class Formula(torch.nn.Module):
    """A network of no parameters."""

    def __init__(self, inputs, outputs, generator, dtype):
        super().__init__()

    def forward(self, x):
        return torch.sin(x[..., :1])


def line(**changes):
    box = Box(x=(0, 1))
    given = {"constraints": {"equation": Constraint(lambda u, x: d(u, x) - u, on=box)}}
    return Problem(box, ["u"], **{**given, **changes})


@pytest.mark.parametrize("engine", [Autograd, Jets])
def test_a_model_that_cannot_be_trained_is_refused(engine):
    problem = line()
    equations = Equations(Model(problem, frozen, generator=torch.Generator().manual_seed(0)), engine())
    with pytest.raises(ValueError, match=r"none of the 4 .* requires grad, .* requires_grad_\(True\)"):
        Objective(equations, sample_uniform(problem, 5, torch.Generator().manual_seed(0)))
    with pytest.raises(ValueError, match=r"the network Formula has no parameters, so there is nothing to train"):
        Equations(Model(problem, Formula, generator=torch.Generator().manual_seed(0)), engine())


def test_a_frozen_network_with_an_unknown_coefficient_can_be_trained():
    box = Box(x=(0, 1))
    problem = line(
        coefficients={"k": Unknown(2.0)},
        constraints={"equation": Constraint(lambda u, x, k: d(u, x) - k * u, on=box)},
    )
    equations = Equations(Model(problem, frozen, generator=torch.Generator().manual_seed(0)), Jets())
    objective = Objective(equations, sample_uniform(problem, 5, torch.Generator().manual_seed(0)))
    assert objective.size == 1
    residual, jacobian = objective.linearize()
    torch.testing.assert_close(jacobian.T @ residual, objective.gradient()[1], rtol=1e-12, atol=1e-13)


def test_the_engines_agree():
    one = Objective(*setting(Autograd()))
    two = Objective(*setting(Jets()))
    for left, right in zip(one.linearize(), two.linearize(), strict=True):
        torch.testing.assert_close(left, right, rtol=1e-12, atol=1e-12)


def test_each_constraint_says_which_engine_serves_it():
    equations, points = setting(Jets())
    assert equations.engines == {}  # jets are compared with the reference when they are first asked
    Objective(equations, points).loss()
    assert equations.engines == dict.fromkeys(points, EngineChoice("jets"))
    assert setting(Autograd())[0].engines == dict.fromkeys(points, EngineChoice("autograd"))


class Counting(Engine):
    """An engine from elsewhere, which remembers what it was bound to."""

    def __init__(self):
        self.bound = []

    def bind(self, model, equation, names):
        self.bound.append(names)
        return Autograd().bind(model, equation, names)


def test_every_constraint_is_bound_once():
    engine = Counting()
    equations, _ = setting(engine)
    for seed in range(3):
        objective = Objective(equations, sample_uniform(equations.problem, 10, torch.Generator().manual_seed(seed)))
        objective.linearize()
        objective.normal_equations()
        list(objective.pieces(4))
    assert engine.bound == [("x", "t")] * 4


def test_rows_are_counted_from_the_fields_of_each_constraint(objective):
    assert objective.residuals_per_point == [2, 2, 1, 1]
    assert objective.rows == 2 * objective.points["equation"].n + 2 * objective.points["walls"].n + 3 + 1


def test_a_reduction_is_one_linear_map():
    """Products, parts and rows of J follow from r = R (s ∘ ρ) with the scale that the reduction gives."""
    residuals = torch.tensor([[1.0, 2.0], [3.0, -4.0], [5.0, 6.0]], dtype=torch.float64)
    lam = torch.tensor([1.0, 4.0, 9.0], dtype=torch.float64)
    rows, integral = Rows(), Integral(7.0)
    scale = rows.scale(3, 12.0, lam, residuals)
    torch.testing.assert_close(scale, torch.tensor([2.0, 4.0, 6.0], dtype=torch.float64))
    assert rows.reduce(residuals * scale[:, None]).tolist() == pytest.approx([2, 4, 12, -16, 30, 36])
    assert rows.pointwise and rows.count(3, 2) == 6 and rows.touched(slice(1, 3), 2) == slice(2, 6)
    assert torch.equal(rows.stated(residuals), residuals)
    scale = integral.scale(3, 9.0, lam, residuals)
    assert scale.tolist() == pytest.approx([7.0] * 3)
    assert integral.reduce(residuals * scale[:, None]).tolist() == pytest.approx([63, 28])
    assert not integral.pointwise and integral.count(3, 2) == 2 and integral.touched(slice(1, 3), 2) == slice(0, 2)
    assert integral.stated(residuals).tolist() == [pytest.approx([21, 28 / 3])]


def test_the_reduction_of_a_constraint_follows_from_what_it_states():
    line = Box(x=(0, 3))
    assert Constraint(lambda u: u, on=line).reduction == Rows()
    assert Constraint(lambda u: u, on=line, integral=True).reduction == Integral(3.0)
