"""The rows of a run: an answer that linear solves have made ends them, with all that is known of it."""

from pinn.solution import History


def test_the_last_row_tells_the_coefficients_of_the_answer():
    trained = History([{"step": 3.0, "stage": 0.0, "seconds": 1.0, "validation": 1e-3, "coefficient/C": 0.7}])
    trained.conclude(2.0, 1e-9, 1e-6, {"C": 1.0})
    assert trained.rows[-1]["coefficient/C"] == 1.0 and trained.rows[-1]["step"] == 3.0
    solved = History([{"step": 0.0, "stage": 0.0, "seconds": 1.0, "validation": 1e-9}])
    solved.conclude(2.0, 1e-9, None, {"C": 2.0})
    assert len(solved) == 1 and solved.rows[-1]["coefficient/C"] == 2.0
