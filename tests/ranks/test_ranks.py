"""Two ranks give what one process gives on the union of their points, and one that fails says so to the first."""

import gc
import math
import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from pinn import linalg, solve
from pinn.model import Model
from pinn.objective import Equations, Objective
from pinn.optimizers import LevenbergMarquardt, MatrixFree
from pinn.ranks import ALONE, Leader, RankError, join
from pinn.ranks import group as group_of_processes
from pinn.ranks.part import share
from pinn.ranks.worker import Worker
from pinn.sampling.uniform import sample_uniform
from tests.ranks.second import SETTINGS, flow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def pair():
    """Two ranks over gloo: this process is the first, the second is `tests.ranks.second`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    group = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    second = subprocess.Popen(
        [sys.executable, "-m", "tests.ranks.second"], cwd=ROOT, env={**os.environ, **group, "RANK": "1"}
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**group, "RANK": "0"}.items():
            patch.setenv(name, value)
        patch.setattr(group_of_processes, "_PATIENCE", timedelta(minutes=5))
        try:
            with join() as found:
                assert (found.rank, found.size) == (0, 2)
                yield found, second
                if not found.lost:
                    found.whole(lambda: found.tell("enough"))
            if not found.lost:
                assert second.wait(300) == 0
        finally:
            second.kill()
            second.wait()


@pytest.fixture
def ranks(pair):
    return pair[0]


class Setting:
    """Equations of one process, and the same with two ranks."""

    def __init__(self, ranks, name, size=30):
        problem, network, engine = SETTINGS[name]
        ranks.whole(lambda: ranks.tell(name))
        self.leader, self.problem = Leader(ranks), problem()
        model = Model(self.problem, network, generator=torch.Generator().manual_seed(1))
        with torch.no_grad():  # neurons that count
            for parameter in model.parameters():
                parameter.add_(0.1 * torch.rand(parameter.shape, generator=torch.Generator().manual_seed(7)))
        self.alone, self.shared = Equations(model, engine()), Equations(model, engine())
        self.shared.sharing = self.leader
        self.points = sample_uniform(self.problem, size, torch.Generator().manual_seed(2))

    def objectives(self, **more):
        return Objective(self.alone, self.points, **more), Objective(self.shared, self.points, **more)

    def __enter__(self):
        return self

    def __exit__(self, *ended):
        self.leader.end({})


def near(found, expected, bound=1e-12):
    assert found.shape == expected.shape
    assert float((found - expected).abs().max()) <= bound * max(float(expected.abs().max()), 1e-300)


def test_points_are_shared_out_once():
    for n in (0, 1, 2, 7, 64):
        for size in (1, 2, 3, 8):
            parts = [share(n, rank, size) for rank in range(size)]
            assert [i for part in parts for i in range(n)[part]] == list(range(n))
            assert max(part.stop - part.start for part in parts) <= math.ceil(n / size)
    owners = [[share(20, rank, 3, pointwise=False, index=index).stop for rank in range(3)] for index in range(3)]
    assert owners == [[20, 0, 0], [0, 20, 0], [0, 0, 20]]


@pytest.mark.parametrize("name", ["jets", "autograd", "enriched"])
def test_all_answers_are_those_of_one_process(ranks, name):
    lam = torch.rand(30, generator=torch.Generator().manual_seed(3), dtype=torch.float64) + 0.5
    with Setting(ranks, name) as setting:
        one, two = setting.objectives(weights={**WEIGHTS}, point_weights={"equation": lam})
        near(two.residual(), one.residual())
        near(two.loss(), one.loss())
        for mine, its in ((two.losses(), one.losses()), (two.gradient_norms(), one.gradient_norms())):
            assert mine == pytest.approx(its, rel=1e-11)
        for mine, its in zip(two.gradient(), one.gradient(), strict=True):
            near(mine, its, 1e-11)
        for mine, its in zip(two.normal_equations(), one.normal_equations(), strict=True):
            near(mine, its, 1e-11)
        for mine, its in zip(two.linearize(), one.linearize(), strict=True):
            near(mine, its)
        assert_products(two, one)


WEIGHTS = {"equation": 2.0, "walls": 1.0, "data": 3.0, "mass": 0.5}


def assert_products(two, one):
    """J v, Jᵀw, JᵀJ and JJᵀ in all forms."""
    generator = torch.Generator().manual_seed(4)
    v, w = (torch.randn(k, generator=generator, dtype=torch.float64) for k in (one.size, one.rows))
    residual, J = one.linearize()
    for products in (two.operator(), next(iter(two.pieces()))[1]):
        near(products.residual, residual)
        near(products.jvp(v), J @ v, 1e-11)
        near(products.vjp(w), J.T @ w, 1e-11)
    residual, held = two.held()
    assert isinstance(held, linalg.DistantMatrix) and held.shape == J.shape
    near(held @ v, J @ v, 1e-11)
    near(held.T @ w, J.T @ w, 1e-11)
    near(linalg.dense(held), J)
    near(linalg.gram(held).tril(), (J.T @ J).tril(), 1e-11)
    near(linalg.gram(held, dual=True).tril(), (J @ J.T).tril(), 1e-11)
    again = two.held(out=held)[1]
    assert again is held
    near(again @ v, J @ v, 1e-11)


def test_parameters_points_and_widths_that_change_reach_all_ranks(ranks):
    with Setting(ranks, "jets") as setting:
        one, two = setting.objectives()
        two.loss()
        two.assign(1.1 * two.vector())
        near(two.residual(), one.residual())
        many = sample_uniform(setting.problem, 300, torch.Generator().manual_seed(5))
        for name in ("equation", "walls"):  # one is large enough to be shared
            near(setting.shared.residual(name, many[name]), setting.alone.residual(name, many[name]))
        setting.alone.model.widen(1.5, torch.Generator().manual_seed(6))  # of both equations
        one, two = setting.objectives()
        near(two.gradient()[1], one.gradient()[1], 1e-11)
        # What is no longer asked of is forgotten.
        two.held()
        assert len(setting.leader.work.parts) == len(setting.leader.work.held) == 1
        del two
        gc.collect()
        Objective(setting.shared, setting.points).loss()
        assert len(setting.leader.work.parts) == 1 and not setting.leader.work.held


@pytest.mark.parametrize("optimizer", [LevenbergMarquardt, lambda: LevenbergMarquardt(memory=1e5), MatrixFree])
def test_optimizers_take_the_steps_of_one_process(ranks, optimizer):
    with Setting(ranks, "jets", size=60) as setting:
        one, two = setting.objectives()
        theta, losses = one.vector(), []
        for objective in (one, two):
            objective.assign(theta)
            method = optimizer()
            losses.append([method.step(objective).loss for _ in range(2)])
        assert losses[1] == pytest.approx(losses[0], rel=1e-8)


def test_a_rank_that_fails_says_what_it_was(ranks):
    with Setting(ranks, "failing") as setting:
        _, two = setting.objectives()
        for _ in range(2):  # and goes on
            with pytest.raises(RankError, match=r"^rank 1: .*the second rank divides by zero$"):
                two.loss()


def test_an_interrupt_in_the_middle_leaves_the_ranks_together(ranks, monkeypatch):
    with Setting(ranks, "jets") as setting:
        one, two = setting.objectives()
        expected = one.residual()

        def interrupted(*arguments):
            raise KeyboardInterrupt

        two.loss()
        with monkeypatch.context() as patch:
            patch.setattr(setting.leader.work, "residual", interrupted, raising=False)
            with pytest.raises(KeyboardInterrupt):
                two.residual()
        near(two.residual(), expected)


class Within:
    """The second of two ranks in this process: it computes what it is told, and its parts are not added."""

    rank, size, local, lost = 0, 2, 0, False

    def __init__(self, worker):
        self.worker = worker

    def whole(self, communicate):
        return communicate()

    def tell(self, message):
        self.worker._computed(message)

    def settled(self, well):
        return well

    def add(self, part):
        pass


def test_ranks_forget_the_equations_that_the_first_has_forgotten():
    problem, network, engine = SETTINGS["jets"]
    problem = problem()
    worker = Worker(ALONE, problem, engine(), network)
    leader = Leader(Within(worker))

    def asked():
        model = Model(problem, network, generator=torch.Generator().manual_seed(1))
        equations = Equations(model, engine())
        equations.sharing = leader
        points = sample_uniform(problem, 6, torch.Generator().manual_seed(2))
        objective = Objective(equations, points)
        return objective, float(objective.loss())

    first, loss = asked()
    second, _ = asked()
    assert len(worker._equations) == len(worker.work.parts) == 2
    del first, second
    gc.collect()
    third, again = asked()
    # What the first rank holds for them goes with the first question, and they with the next.
    assert float(third.loss()) == again == loss
    assert len(worker._equations) == len(worker.work.parts) == 1


def test_one_process_is_a_group_of_its_own(monkeypatch):
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    with join() as ranks:
        assert ranks is ALONE and ranks.first
    with pytest.raises(TypeError, match=r"^solve: got ranks=2, expected the processes of the run; give those of"):
        solve(flow(), ranks=2)


def test_a_rank_that_is_gone_ends_the_run_with_an_error(pair):
    """The last, for there is none afterwards; what was computed is evaluated by the first alone."""
    ranks, second = pair
    with Setting(ranks, "jets") as setting:
        one, two = setting.objectives()
        two.loss()
        second.kill()
        with pytest.raises(RankError, match="another rank has ended"):
            for _ in range(2):  # the first question may still be on its way
                two.loss()
        assert ranks.lost
        near(two.residual(), one.residual())
        near(Objective(setting.shared, setting.points).gradient()[1], one.gradient()[1])


@pytest.mark.slow
def test_runs_of_two_ranks_are_those_of_one():
    """Sampling, validation and widths follow, since the first rank alone decides."""
    found = [
        subprocess.run(
            [sys.executable, *launcher, "-m", "tests.ranks.whole"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        ).stdout.split()
        for launcher in ((), ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"))
    ]  # fmt: skip
    one, two = ([float(value) for value in said] for said in found)
    assert len(one) == 6 and two == pytest.approx(one, rel=1e-10)
