"""Mistakes are refused before anything is trained, in one sentence that names the place and says the cure.

Those of the command line are rows of `tests/experiments/command_line/test_wrong_configurations.py`.
"""

import pytest

from pinn.verification import VerificationError
from tests import mistakes

TABLES = {
    name: getattr(mistakes, name) for name in ("SHAPES", "NAMES", "FUNCTIONS", "POSED", "VALUES", "RUNS", "ANSWERS")
}
ROWS = {f"{name.lower()}: {what}": row for name, table in TABLES.items() for what, row in table.items()}


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True to a scalar:UserWarning")
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_mistake_is_one_sentence(row):
    with pytest.raises((TypeError, ValueError, OSError, VerificationError)) as refused:
        row.make()
    lines = str(refused.value).splitlines()
    sentence = lines[0]
    assert all(text in sentence for text in row.said), sentence
    assert len(lines) == 1 or isinstance(refused.value, VerificationError), "more than a sentence"


def test_the_table_is_long_enough():
    assert len(ROWS) >= 56
