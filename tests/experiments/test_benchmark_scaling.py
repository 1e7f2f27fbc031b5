"""Growth with points and parameters: measured once, resumed from file, slopes that are exponents."""

import json

import pytest

from experiments import benchmark_scaling as application
from experiments.benchmark_scaling import benchmark_scaling
from experiments.benchmarks import growth
from experiments.command_line.configuration import ConfigurationError
from pinn.ranks import ALONE

PLAN = {
    "points": {"adam": [100, 10, 1000]},
    "parameters": {"matrix_free": [4, 8]},
    "ranks": [{"method": "adam", "points": 10, "width": 4, "ranks": 2}],
}


@pytest.fixture
def measured(monkeypatch):
    """Measurements by formulas: seconds ∝ points² and parameters, megabytes ∝ points; what was asked for."""
    asked = []

    def formula(children, task, ranks):
        asked.append((task["method"], task["points"], task["width"], ranks))
        p = 10 * task["width"]
        found = {**task, "ranks": ranks, "parameters": p, "seconds": 1e-6 * task["points"] ** 2 * p, "wall": 1.0}
        found["megabytes"] = 2.0 * task["points"]
        return found | ({"alone": 4 * found["seconds"], "wall_alone": 2.5} if ranks > 1 else {})

    monkeypatch.setattr(application, "_measured", formula)
    monkeypatch.setattr(application, "require_no_survivors", lambda: None)
    return asked


def test_what_is_on_file_is_not_measured_again(tmp_path, measured):
    first = benchmark_scaling(str(tmp_path), **PLAN)
    assert [one[:3] for one in measured] == [
        ("adam", 10, 12), ("adam", 100, 12), ("adam", 1000, 12), ("matrix_free", 1000, 4), ("matrix_free", 1000, 8),
        ("adam", 10, 4),
    ]  # fmt: skip
    file = tmp_path / "results.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[1:]))
    assert benchmark_scaling(str(tmp_path), **PLAN) == first and len(measured) == 7 and measured[-1][1] == 10


def test_slopes_and_ratios_are_told_and_drawn(tmp_path, measured):
    found = benchmark_scaling(str(tmp_path), **PLAN)
    text = growth.markdown(found, "`command`, today.")
    assert "| adam | 1000 | 120 | 1.2e+02 | 2000 | 2.00 | 1.00 |" in text
    assert "| matrix_free | 80 | 1000 | 80 | 2000 | 1.00 | 0.00 |" in text
    assert "| adam | 2 | 10 | 40 | 2.5 | 1 | 0.40 | 0.25 |" in text
    growth.picture(found, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 1000


@pytest.mark.parametrize("method", growth.METHODS)
def test_a_step_is_timed(method):
    found = growth.measure(method, 20, 3, ALONE)
    assert found["parameters"] == 3 * 3 + 2 * 12 + 4 and found["seconds"] > 0 and found["wall"] > 0
    assert json.loads(json.dumps(found)) == found


def test_another_method_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="newton: no such method; choose among adam, levenberg_marquardt"):
        benchmark_scaling(str(tmp_path / "new"), {"newton": [1]}, {}, [])
    assert not (tmp_path / "new").exists()
