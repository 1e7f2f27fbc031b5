"""Natural gradient, SPRING, torch.optim classes and SOAP: exact steps where there are any, descent where not."""

import copy
from functools import partial

import pytest
import torch

from pinn.optimizers import SOAP, SPRING, FirstOrder, NaturalGradient
from tests.optimizers import analytic

close = torch.testing.assert_close


def run(optimizer, objective, steps):
    for _ in range(steps):
        step = optimizer.step(objective)
        if step.done:
            break
    return step


@pytest.mark.parametrize("rows, columns", [(30, 10), (10, 30)])
@pytest.mark.parametrize(
    "make", [NaturalGradient, partial(SPRING, damping=1e-10), partial(SPRING, 0.0, 1e-10, length=1.0)]
)
def test_linear_least_squares_in_two_steps(make, rows, columns):
    objective, _ = analytic.linear(rows, columns)
    assert run(make(), objective, 2).loss < 1e-12


def test_spring_solves_its_own_least_squares_problem():
    """d = argmin |J d + r|² + λ |d − μ d_last|²."""
    objective = analytic.network()
    optimizer = SPRING(momentum=0.8, damping=1e-2, length=0.1)
    optimizer.step(objective)
    last = optimizer._d.clone()
    residual, J = objective.linearize()
    lam = 1e-2 * float((J * J).sum()) / objective.size
    p = objective.size
    exact = torch.linalg.solve(J.T @ J + lam * torch.eye(p, dtype=torch.float64), -J.T @ residual + lam * 0.8 * last)
    optimizer.step(objective)
    close(optimizer._d, exact, rtol=1e-8, atol=1e-10)


def test_the_line_search_takes_the_best_power_of_a_half():
    objective = analytic.Analytic(lambda z: torch.stack([torch.atan(z[0]) * 3]), [2.0])
    theta = objective.vector()
    step = NaturalGradient(1e-14).step(objective)
    residual, J = analytic.Analytic(objective.function, theta).linearize()
    d = -residual / J[0]
    losses = {0.5**k: 0.5 * float(objective.function(theta + 0.5**k * d).square().sum()) for k in range(12)}
    assert step.info["length"] == min(losses, key=losses.get)
    assert step.loss == pytest.approx(min(losses.values()))


FACTORIES = {
    "Adam": partial(torch.optim.Adam, lr=1e-2),
    "AdamW": partial(torch.optim.AdamW, lr=1e-2),
    "SGD": partial(torch.optim.SGD, lr=1e-2, momentum=0.9),
    "LBFGS": partial(torch.optim.LBFGS, lr=0.5),
    "SOAP": partial(SOAP, lr=1e-2),
}


@pytest.mark.parametrize("name", FACTORIES)
def test_any_class_of_torch_descends(name):
    objective = analytic.network()
    start = float(objective.loss())
    run(FirstOrder(FACTORIES[name]), objective, 200)
    assert float(objective.loss()) < 0.05 * start


@pytest.mark.parametrize("name", ["Adam", "LBFGS", "SOAP"])
def test_a_wrapped_run_is_the_run_of_torch(name):
    objective, plain = analytic.network(), analytic.network()
    wrapped = FirstOrder(FACTORIES[name], partial(torch.optim.lr_scheduler.ExponentialLR, gamma=0.99))
    optimizer = FACTORIES[name](plain.parameters())
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.99)

    def closure():
        optimizer.zero_grad()
        loss = plain.differentiable_loss()
        loss.backward()
        return loss

    for _ in range(10):
        loss = optimizer.step(closure)
        schedule.step()
        assert wrapped.step(objective).loss == pytest.approx(float(loss.detach()), rel=1e-12)
    close(objective.vector(), plain.vector(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("name", FACTORIES)
def test_a_wrapped_run_continues_from_its_state_bit_by_bit(name):
    schedule = partial(torch.optim.lr_scheduler.CosineAnnealingLR, T_max=50)
    objective, again = analytic.network(), analytic.network()
    optimizer, other = FirstOrder(FACTORIES[name], schedule), FirstOrder(FACTORIES[name], schedule)
    run(optimizer, objective, 10)
    again.assign(objective.vector())
    other.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for _ in range(10):
        one, two = optimizer.step(objective), other.step(again)
        assert one.loss == two.loss
        assert one.info["rate"] == two.info["rate"]
    assert torch.equal(objective.vector(), again.vector())


def test_what_is_no_optimizer_is_refused():
    with pytest.raises(TypeError, match=r"made a list, expected a torch\.optim\.Optimizer"):
        FirstOrder(list).step(analytic.rosenbrock())
    with pytest.raises(ValueError, match="got entries"):
        FirstOrder(FACTORIES["Adam"]).load_state_dict({"other": 1})
    step = FirstOrder(FACTORIES["Adam"]).step(analytic.Analytic(lambda z: torch.log(z), [-1.0]))
    assert step.done and "not finite" in step.reason
    for bad in (partial(SPRING, momentum=1.0), partial(NaturalGradient, 0.0)):
        with pytest.raises(ValueError, match="expected"):
            bad()


class Matrix:
    """½ |A W B − C|² over a matrix W, for what SOAP does to matrices."""

    def __init__(self, rotate=None):
        self.W = torch.nn.Parameter(torch.zeros(5, 5, dtype=torch.float64))
        A, B = analytic.matrix(12, 5, 1, condition=1e2), analytic.matrix(5, 9, 2, condition=1e2)
        left, right = rotate or (torch.eye(5, dtype=torch.float64), torch.eye(5, dtype=torch.float64))
        self.A, self.B, self.C = A @ left, right @ B, A @ analytic.matrix(5, 5, 3) @ B

    def loss(self):
        return 0.5 * (self.A @ self.W @ self.B - self.C).square().sum()

    def run(self, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            loss = self.loss()
            loss.backward()
            optimizer.step()
        return float(self.loss().detach())


def test_soap_does_not_see_a_rotation_of_the_rows_and_columns_of_a_weight():
    Q, P = torch.linalg.qr(analytic.matrix(5, 5, 7))[0], torch.linalg.qr(analytic.matrix(5, 5, 8))[0]
    plain, turned = Matrix(), Matrix((Q, P))
    plain.run(SOAP([plain.W], lr=1e-2), 30)
    turned.run(SOAP([turned.W], lr=1e-2), 30)
    # Adam divides by roots of squares that vanish with the gradient, which magnifies rounding: 6e-6 was measured.
    close(Q @ turned.W.detach() @ P, plain.W.detach(), rtol=1e-3, atol=2e-4)


def test_soap_beats_adam_on_a_badly_scaled_matrix_problem():
    one, two = Matrix(), Matrix()
    assert one.run(SOAP([one.W], lr=3e-2), 400) < 0.5 * two.run(torch.optim.Adam([two.W], lr=3e-2), 400)


def test_soap_without_bases_is_adam():
    one, two = Matrix(), Matrix()
    one.run(SOAP([one.W], lr=1e-2, betas=(0.9, 0.99), largest=1), 20)
    two.run(torch.optim.Adam([two.W], lr=1e-2, betas=(0.9, 0.99)), 20)
    close(one.W.detach(), two.W.detach(), rtol=1e-10, atol=1e-12)
    with pytest.raises(ValueError, match="lr=0"):
        SOAP([one.W], lr=0)
