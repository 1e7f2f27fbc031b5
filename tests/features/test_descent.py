"""Steps on the weights out of fixed neurons: uphill first, halved where nothing else helps, damped where far away."""

import torch

from pinn.features.descent import descend, linear_step


class Rows:
    """Rows of a function of a few coefficients, as an objective has them."""

    def __init__(self, function, start):
        self.function, self.c = function, torch.tensor(start, dtype=torch.float64)
        self.solves = 0

    def vector(self):
        return self.c.clone()

    def assign(self, c):
        self.c = c.clone()

    def residual(self):
        return self.function(self.c)

    def linearize(self):
        self.solves += 1
        return self.residual(), torch.autograd.functional.jacobian(self.function, self.c)


def rosenbrock(c):
    return torch.stack([10 * (c[1] - c[0] ** 2), 1 - c[0]])


def test_a_step_that_leads_through_a_valley_may_first_leave_more():
    rows = Rows(rosenbrock, [-1.2, 1.0])
    start = float(rows.residual().norm())
    least, solves = descend(rows, start)
    assert least < 1e-12 and solves <= 4  # the first step leaves ten times as much, the others nothing
    assert torch.allclose(rows.c, torch.ones(2, dtype=torch.float64))


def test_where_full_steps_lead_away_they_are_halved():
    rows = Rows(torch.atan, [3.0])  # Newton's method diverges from 1.4 on
    least, solves = descend(rows, float(torch.atan(torch.tensor(3.0))))
    assert least < 0.5 * float(torch.atan(torch.tensor(3.0)))
    assert solves == rows.solves <= 10


def test_an_affine_problem_takes_a_solve_and_one_that_shows_it():
    J = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = Rows(lambda c: J @ c - 1, [0.0] * 4)
    least, solves = descend(rows, 3.0)
    best = torch.linalg.lstsq(J, torch.ones(9, 1, dtype=torch.float64)).solution[:, 0]
    assert solves <= 2 and torch.allclose(rows.c, best) and abs(least - float((J @ best - 1).norm())) < 1e-12


def test_what_nearly_vanishes_is_damped():
    J = torch.tensor([[1.0, 1.0], [0.0, 1e-9]], dtype=torch.float64)
    rows = Rows(lambda c: J @ c - torch.tensor([1.0, 1e-2], dtype=torch.float64), [0.0, 0.0])
    free, damped = (linear_step(rows, damping)[2] for damping in (0.0, 1e-4))
    assert float(free.norm()) > 1e6 and float(damped.norm()) < 10
    assert float((J @ damped - torch.tensor([1.0, 1e-2])).norm()) < 1.1e-2
