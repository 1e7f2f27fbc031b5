"""What `solve` ends with in other units: the same error, as the table of the documentation has it."""

from functools import cache

import pytest

from tests.measured_units import FACTORS, NAMES, SHIFTED, factor, final_error

own = cache(final_error)


@pytest.mark.slow
@pytest.mark.parametrize("how", [*FACTORS, SHIFTED])
@pytest.mark.parametrize("name", ["helmholtz_2d", "wave_1d", "kdv", "reaction", "euler_beam"])
def test_the_final_error_is_that_in_other_units(name, how):
    """Measured: at most 1.0 times, over every name of the table."""
    assert name in NAMES
    assert factor(own(name), final_error(name, how)) < 3


def test_errors_of_rounding_are_not_compared():
    assert factor(1e-15, 9e-12) == 1
    assert factor(1e-6, 4e-6) == factor(4e-6, 1e-6) == pytest.approx(4)
