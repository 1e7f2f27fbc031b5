"""What the machine or the control group has, and what a step would take: foreseen before it is begun."""

import math
from functools import partial

import pytest

from pinn import memory, solve
from pinn.networks import MLP
from pinn.optimizers import LBFGS, LevenbergMarquardt, NaturalGradient, SSBroyden
from pinn.problems import oscillator


def groups(folder, files):
    for name, content in files.items():
        path = folder / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return folder / "groups"


def test_limits_of_control_groups_hold_from_the_own_one_upwards(tmp_path):
    place = groups(
        tmp_path,
        {
            "memory.max": "max\n",
            "job/memory.max": "8000\n",
            "job/memory.current": "5000\n",
            "job/memory.stat": "anon 3000\ninactive_file 1500\n",
            "job/step/memory.max": "max\n",
        },
    )
    own = tmp_path / "cgroup"
    own.write_text("0::/job/step\n")
    assert list(memory._limits(place, own)) == [(8000.0, 3500.0)]
    older = groups(
        tmp_path,
        {"memory/a/memory.limit_in_bytes": "700\n", "memory/a/memory.usage_in_bytes": "100\n"},
    )
    own.write_text("3:cpu:/a\n2:memory:/a\n")
    assert list(memory._limits(older, own)) == [(700.0, 100.0)]
    assert list(memory._limits(place, tmp_path / "none")) == []


def test_a_limit_counts_before_the_machine(monkeypatch):
    assert 0 < memory.available() <= memory.total() < math.inf
    monkeypatch.setattr(memory, "_limits", lambda: [(1e6, 4e5), (2e6, 1.9e6)])
    assert memory.total() == 1e6 and memory.available() == pytest.approx(1e5)


def test_what_a_step_holds():
    p, n = 132_000, 400
    assert SSBroyden().memory_of_step(n, p) == 16.0 * p**2  # 279 GB
    assert LBFGS().memory_of_step(n, p) < 1e8
    assert NaturalGradient().memory_of_step(n, p) == 8.0 * n * p + 16.0 * n**2
    assert LevenbergMarquardt(memory=1e9).memory_of_step(n, p) == 8.0 * n * p + 16.0 * n**2
    assert LevenbergMarquardt(memory=1e6).memory_of_step(1000, 900) == 16.0 * 900**2  # JᵀJ in blocks


def test_what_cannot_fit_is_refused_before_the_first_step(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda device=None: 1e6)
    seen = []
    with pytest.raises(
        ValueError, match=r"^SSBroyden: a step with \d+ rows and 321 parameters takes about 1.65 MB, and 1 MB of "
    ):
        solve(
            oscillator(),
            network=partial(MLP, width=16, depth=2),
            optimizer=SSBroyden(),
            steps=1,
            callbacks=[seen.append],
            progress=False,
            verify=False,
        )
    assert not seen
