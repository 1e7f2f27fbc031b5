"""Complex fields against Python's complex numbers, and equations in them against those in their parts."""

import pytest
import torch

from pinn import Box, Constraint, Problem, equations, solve
from pinn.binding import bind, names_of
from pinn.derivatives import Autograd, Jets
from pinn.equations import ComplexField, complex_equation, parts_of
from pinn.networks import MLP
from pinn.optimizers import LevenbergMarquardt
from pinn.sampling import Redrawn

NUMBERS = [(2.0 + 3.0j), -1.5j, 0.5, 3]


@pytest.mark.parametrize("other", [*NUMBERS, ComplexField(0.3, -0.7)])
def test_arithmetic_is_that_of_complex_numbers(other):
    z, number = ComplexField(1.2, -0.4), 1.2 - 0.4j
    value = complex(other.re, other.im) if isinstance(other, ComplexField) else other
    for found, expected in (
        (z + other, number + value),
        (other + z, value + number),
        (z - other, number - value),
        (other - z, value - number),
        (z * other, number * value),
        (other * z, value * number),
        (z / other, number / value),
        (other / z, value / number),
        (-z, -number),
        (z.conj(), number.conjugate()),
    ):
        assert complex(found.re, found.im) == pytest.approx(expected, rel=1e-14)
    assert z.abs2() == pytest.approx(abs(number) ** 2, rel=1e-14)


def nls(psi, x, t, g=1.0):
    trap = x - x  # a real field on the left of a complex one, in every operation
    return (
        1j * psi.d(t)
        + 0.5 * psi.d(x, x)
        + (g * psi.abs2() * psi)
        + (trap * psi)
        + (trap - trap * psi)
        + trap / (psi + 9)
    )


def soliton(columns):
    """ψ = sech x e^{it/2} solves i ψ_t + ½ ψ_xx + |ψ|² ψ = 0."""
    x, t = columns["x"], columns["t"]
    return {"psi_re": torch.cos(t / 2) / torch.cosh(x), "psi_im": torch.sin(t / 2) / torch.cosh(x)}


@pytest.mark.parametrize("engine", [Autograd(), Jets(fallback=False)])
def test_an_equation_in_the_field_is_that_in_its_parts(engine):
    equation = complex_equation(nls, "psi")
    assert names_of(equation) == (("psi_re", "psi_im", "x", "t"), ("g",))
    points = torch.rand(7, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    # By nested autograd alone: where nothing but rounding is left there is nothing to compare jets with.
    rows = Autograd().bind(soliton, bind(equation, {}), ("x", "t")).residual(points)
    assert rows.shape == (7, 2)
    assert float(rows.detach().abs().max()) < 1e-13

    def bent(columns):
        fields = soliton(columns)
        return {"psi_re": fields["psi_re"] * columns["x"], "psi_im": torch.exp(columns["t"]) * columns["x"] ** 3}

    given = equations.schroedinger("x", wave=("psi_re", "psi_im"), coupling=-1.0)
    one, two = (engine.bind(bent, bind(f, {}), ("x", "t")).residual(points).detach() for f in (equation, given))
    torch.testing.assert_close(one, two, rtol=1e-12, atol=1e-13)


def test_fields_are_named_and_real_rows_stay_one():
    with pytest.raises(ValueError, match=r"complex_equation: got the fields \['phi'\], expected at least one of the"):
        complex_equation(nls, "phi")
    with pytest.raises(ValueError, match=r"got the fields \[\], .*; choose among \['psi', 'x', 't', 'g'\]"):
        complex_equation(nls)
    both = complex_equation(lambda psi, x: (psi, psi.abs2()), "psi")
    assert both(psi_re=3.0, psi_im=4.0, x=0.0) == (3.0, 4.0, 25.0)


def test_a_complex_tensor_is_refused_with_the_cure():
    def start(psi, x):
        return psi - torch.exp(1j * x)

    line = Box(x=(0, 1))
    wanted = r"constraint 'start'.*give such as ComplexField\(torch.cos\(x\), torch.sin\(x\)\) for torch.exp\(1j \* x\)"
    with pytest.raises((TypeError, ValueError), match=wanted):
        Problem(line, parts_of("psi"), {"start": Constraint(complex_equation(start, "psi"), on=line.face(x=0))})


def test_a_damped_wave_is_trained():
    """ψ' = (−1 + 4i) ψ, ψ(0) = 1: e^{(−1 + 4i) t}."""
    time = Box(t=(0, 1))
    constraints = {
        "equation": Constraint(complex_equation(lambda psi, t: psi.d(t) - (-1 + 4j) * psi, "psi"), on=time),
        "start": Constraint(complex_equation(lambda psi: psi - 1.0, "psi"), on=time.face(t=0)),
    }
    options = {"features": None, "certify": False, "progress": False, "steps": 30}
    solution = solve(
        Problem(time, parts_of("psi"), constraints),
        network=lambda **sizes: MLP(width=10, depth=1, **sizes),
        optimizer=LevenbergMarquardt(),
        sampling=Redrawn(40),
        **options,
    )
    found = solution(t=[0.0, 0.5, 1.0])
    t = torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    for name, wave in (("psi_re", torch.cos), ("psi_im", torch.sin)):
        exact = torch.exp(-t) * wave(4 * t)
        assert float((torch.as_tensor(found[name]) - exact).abs().max()) < 1e-2
