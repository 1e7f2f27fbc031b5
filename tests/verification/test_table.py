"""The table of a verification: what counts as held, how it reads, what its error says."""

import math

import pytest

from pinn.verification import VerificationError, VerificationRow, VerificationTable

HELD = VerificationRow("rows of J", 1e-12, 1e-9)
FAILED = VerificationRow("u_xx", 1e-3, 1e-9)
NAN = VerificationRow("loss", math.nan, 1e-9)


def test_a_difference_is_held_up_to_what_is_allowed_and_nan_never():
    assert VerificationRow("", 1e-9, 1e-9).ok
    assert [row.ok for row in (HELD, FAILED, NAN)] == [True, False, False]
    assert VerificationTable((HELD,)).ok
    assert not VerificationTable((HELD, NAN)).ok


def test_the_table_has_one_line_a_comparison():
    lines = str(VerificationTable((HELD, FAILED))).splitlines()
    assert [line.split()[-1] for line in lines] == ["allowed", "ok", "FAILED"]
    assert len({len(line.rstrip("okFAILED ")) for line in lines[1:]}) == 1


def test_the_error_names_what_failed_and_carries_the_table():
    table = VerificationTable((HELD, FAILED, NAN))
    with pytest.raises(VerificationError, match=r"these comparisons failed: u_xx, loss\n") as caught:
        raise VerificationError(table)
    assert caught.value.table is table
    assert "verify=False" in str(caught.value)
