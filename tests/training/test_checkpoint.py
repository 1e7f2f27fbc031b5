"""A run that is broken off and goes on from its last checkpoint ends with the bits of one that was not."""

import errno
import inspect
import math
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from pinn import Constraint, Problem, Scatter, Unknown, archive, d, optimizers, solve
from pinn.archive import DamagedFileError
from pinn.derivatives import Jets
from pinn.features.options import Features
from pinn.model import Model
from pinn.networks import MLP, Chebyshev, Enriched, ModifiedMLP
from pinn.objective import Equations
from pinn.optimizers import BFGS, LBFGS, SOAP, FirstOrder, LevenbergMarquardt, MatrixFree, Optimizer
from pinn.problems import reaction
from pinn.reference import Analytic
from pinn.sampling import RAD, Fixed, Growing, Marching, Redrawn
from pinn.training import Callback, Checkpoint, Checkpoints, Stage, Stop, Tolerance, Trainer, Widening
from pinn.training.checkpoint import CheckpointWriter, files_in
from pinn.weighting import Causal, Constant, GradientNorm, ResidualAttention
from tests.training.runs import LINE, SMALL, decay, digest

ROOT = Path(__file__).resolve().parents[2]
STEPS, BROKEN, EVERY = 13, 8, 3


class BrokenOffError(Exception):
    """Stands for what ends a process."""


def broken(step=BROKEN):
    """A callback that ends the run as a kill would: whatever is in memory is lost."""

    def watch(progress):
        if progress.row["step"] == step:
            raise BrokenOffError

    return watch


PROBLEM = decay()  # whose scales are measured once; what goes on has one of its own


def run(problem=None, **options):
    call = {"network": SMALL, "steps": STEPS, "features": None, "progress": False, "verify": False, "certify": False}
    call |= options
    if "stages" in call:
        del call["steps"]
    again = "resume" in call
    return solve((decay() if again else PROBLEM) if problem is None else problem, **call)


def begun(folder, problem=None, **options):
    """A run with checkpoints that is broken off."""
    with pytest.raises(BrokenOffError):
        run(problem, checkpoint=folder, every=EVERY, callbacks=[broken()], **options)


def require_same(folder, problem=None, **options):
    """Run whole, and broken off and on from the checkpoint; the bits are the same. Returns the run that went on."""
    whole = run(problem, **options)
    begun(folder, problem, **options)
    resumed = run(problem, resume=folder, **options)
    assert digest(resumed) == digest(whole)
    return resumed


def adam(**schedule):
    made = partial(torch.optim.Adam, lr=1e-2)
    return FirstOrder(made, **{name: partial(*value) for name, value in schedule.items()})


def exported():
    found = [getattr(optimizers, name) for name in optimizers.__all__]
    return {
        one.__name__: one()
        for one in found
        if inspect.isclass(one) and issubclass(one, Optimizer) and not inspect.isabstract(one) and one is not FirstOrder
    }


FIRST = {
    "Adam": adam(),
    "SOAP": FirstOrder(partial(SOAP, lr=1e-2, frequency=3)),
    "torch.LBFGS": FirstOrder(partial(torch.optim.LBFGS, max_iter=3)),
    "SGD with milestones": FirstOrder(
        partial(torch.optim.SGD, lr=1e-2, momentum=0.9),
        partial(torch.optim.lr_scheduler.MultiStepLR, milestones=[4, 8, 10]),
    ),
    "RMSprop, one cycle": FirstOrder(
        partial(torch.optim.RMSprop, lr=1e-3), partial(torch.optim.lr_scheduler.OneCycleLR, max_lr=1e-2, total_steps=40)
    ),
}
OPTIMIZERS = {**exported(), "MatrixFree, renewed": MatrixFree(rank=5, refresh=3), **FIRST}


ALIKE = {"SSBFGS", "SSBroyden", "NaturalGradient", "RMSprop, one cycle"}  # what they remember, others here do too


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in ALIKE else n for n in OPTIMIZERS])
def test_every_optimizer_goes_on(name, tmp_path):
    require_same(tmp_path, optimizer=OPTIMIZERS[name], sampling=Redrawn(size=40, every=4))


SAMPLERS = {
    "Fixed": Fixed(60),
    "Redrawn": Redrawn(60, every=2, method="latin"),
    "Growing(RAD)": Growing(RAD(every=2, smooth=1.0), start=10, threshold=1e-6, stall=1e-6, maximum=200),
    "Marching(Growing)": Marching(Growing(RAD(every=3), start=20), time="x", pace=2, solved=1e3),
    "Marching, where stuck": Marching(Redrawn(30, every=2), time="x", pace=2, after=2, stuck=1e-30),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_goes_on(name, tmp_path):
    require_same(tmp_path, sampling=SAMPLERS[name])


WEIGHTINGS = {
    "Constant": Constant(every=2),
    "GradientNorm": GradientNorm(every=3, decay=0.5),
    "ResidualAttention": ResidualAttention(decay=0.9, rate=0.1),
    "Causal(GradientNorm)": Causal(GradientNorm(every=4), time="x", every=3, epsilons=(1e-3, 1.0), bins=4),
}


@pytest.mark.parametrize("name", WEIGHTINGS)
@pytest.mark.parametrize("optimizer", [LevenbergMarquardt(), LBFGS()], ids=["redraws", "keeps"])
def test_every_weighting_goes_on(name, optimizer, tmp_path):
    every = 4 if optimizer.redraws else 0
    sampling = Redrawn(30, every=every) if every else Fixed(30)
    require_same(tmp_path, weighting=WEIGHTINGS[name], optimizer=optimizer, sampling=sampling)


@pytest.mark.parametrize(
    "network", [SMALL, partial(ModifiedMLP, width=5, depth=2), partial(MLP, width=5, adaptive=2.0)]
)
def test_every_precision_and_network_goes_on(network, tmp_path):
    require_same(tmp_path, network=network, dtype=torch.float32, sampling=Redrawn(30, every=4))


def test_a_loop_of_training_and_corrections_goes_on(tmp_path):
    """It is broken off after its first correction, which is in the checkpoint and is the best answer by then."""
    options = {"features": Features(fixed=False), "network": partial(MLP, width=10, depth=2)}
    require_same(tmp_path, problem=reaction(), **options)
    assert Checkpoint.read(tmp_path).driver["contributions"][0]["kind"] == "neurons over the network"


# -- networks that have changed -----------------------------------------------------------------------------------


def test_a_network_that_has_been_widened_goes_on_with_its_best_one(tmp_path):
    """It is widened before it is broken off and once more after, and the best one is then still the narrow one."""
    widening = Widening(window=1, stall=1e-9, times=3)
    stages = [Stage(LevenbergMarquardt(), Redrawn(30, every=2), steps=STEPS, widening=widening)]
    options = {"stages": stages, "network": partial(MLP, width=4, depth=1)}
    whole = run(**options)
    begun(tmp_path, **options)
    content = Checkpoint.read(tmp_path).content
    assert content["model"]["network"]["arguments"]["width"] == 6
    assert content["training"]["monitor"]["network"]["structure"]["arguments"]["width"] == 4
    assert digest(run(resume=tmp_path, **options)) == digest(whole)
    assert whole.history[-1]["parameters"] > whole.history[BROKEN]["parameters"]


class Narrow(torch.nn.Module):
    """A network of one's own that can be widened."""

    def __init__(self, inputs, outputs, width=3, *, generator, dtype):
        super().__init__()
        self.inner = MLP(inputs, outputs, width=width, depth=1, generator=generator, dtype=dtype)
        self.width = width

    def widened(self, width, generator):
        wide = Narrow(1, 1, width, generator=generator, dtype=torch.float64)
        wide.inner = self.inner.widened(width, generator)
        return wide

    def forward(self, x):
        return self.inner(x)


def test_a_network_of_ones_own_goes_on_with_what_builds_it(tmp_path):
    widening = Widening(window=1, stall=1e-9, times=2)
    stages = [Stage(LevenbergMarquardt(), Redrawn(30, every=2), steps=STEPS, widening=widening)]
    require_same(tmp_path, stages=stages, network=Narrow)
    with pytest.raises(ValueError, match="its network Narrow is not the library's; give what builds it as network="):
        run(stages=stages, network=None, resume=tmp_path)


def with_features(inputs, outputs, generator, dtype):
    """A small frozen network with trained neurons beside it."""
    network = MLP(inputs, outputs, width=4, depth=1, generator=generator, dtype=dtype)
    polynomials = Chebyshev([1] * inputs, [(k,) * inputs for k in range(1, 5)])
    return Enriched(inputs, outputs, bases=[polynomials], network=network, dtype=dtype)


def test_a_network_with_features_beside_it_goes_on_without_what_built_it(tmp_path):
    options = {"network": with_features, "sampling": Redrawn(30, every=4)}
    whole = run(**options)
    begun(tmp_path, **options)
    assert digest(run(resume=tmp_path, network=None, sampling=Redrawn(30, every=4))) == digest(whole)


def test_a_run_from_an_earlier_solution_goes_on(tmp_path):
    start = run(steps=2)
    whole = run(start=start, network=None)
    begun(tmp_path, start=start, network=None)
    assert digest(run(resume=tmp_path, network=None)) == digest(whole)


# -- what else a run remembers ------------------------------------------------------------------------------------


def noisy(sigma=0.05, field=False):
    x = torch.linspace(0, 1, 20, dtype=torch.float64)
    seen = Scatter({"x": x}, {"y": torch.exp(-x) + 0.05 * torch.sin(50 * x)}, sigma=sigma)
    return Problem(
        LINE,
        ["u"],
        {
            "equation": Constraint(lambda u, x, k: d(u, x) + k * u, on=LINE),
            "data": Constraint(lambda u, y: u - y, on=seen),
        },
        coefficients={"k": Unknown(0.5, inputs=("x",) if field else ())},
        reference=Analytic(lambda x: torch.exp(-x)),
    )


@pytest.mark.parametrize("options", [{}, {"sigma": None}, {"field": True}], ids=["stated", "not stated", "field"])
def test_what_was_seen_of_noise_goes_on(options, monkeypatch, tmp_path):
    monkeypatch.setattr("pinn.training.trainer.EVERY", 2)  # looks at the data come soon, and change weights
    resumed = require_same(tmp_path, noisy(**options), sampling=Redrawn(30, every=4))
    assert resumed.noise == run(noisy(**options), sampling=Redrawn(30, every=4)).noise


def test_stages_and_the_criteria_of_a_run_go_on(tmp_path):
    stages = [
        Stage(adam(), Redrawn(30, every=2), steps=3),
        Stage(LevenbergMarquardt(), Redrawn(40, every=2), GradientNorm(every=2), steps=7, stop=[Tolerance(1e-30)]),
        Stage(BFGS(), Fixed(30), steps=3),
    ]
    assert require_same(tmp_path, stages=stages).report.outcome.steps == STEPS


def test_verification_and_certificate_are_those_of_the_whole_run(tmp_path):
    resumed = require_same(tmp_path, verify=True, certify=True)
    assert resumed.report.checked > 0
    assert resumed.certificate.error < 1.0


def test_the_default_run_goes_on_whatever_it_was_told(tmp_path):
    """Network, optimizer and points as `solve` chooses them, none of them named when it goes on."""
    require_same(tmp_path, network=None)


# -- when and where -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"every": 1}, {}, {"seconds": 1e-9}])
def test_taking_checkpoints_changes_nothing(options, tmp_path):
    with_them = run(checkpoint=Checkpoints(tmp_path, **options), sampling=RAD(size=40, every=3))
    assert digest(with_them) == digest(run(sampling=RAD(size=40, every=3)))
    assert len(files_in(tmp_path)) == 2


def test_there_is_one_before_the_first_step_and_one_at_the_end_and_the_last_two_stay(tmp_path):
    seen = []
    run(checkpoint=tmp_path, every=4, callbacks=[lambda progress: seen.append([f.name for f in files_in(tmp_path)])])
    assert seen[0] == ["step-00000000.pinn"]
    assert seen[8] == ["step-00000004.pinn", "step-00000008.pinn"]
    assert [file.name for file in files_in(tmp_path)] == ["step-00000012.pinn", "step-00000013.pinn"]


def test_a_run_that_has_ended_goes_on_as_a_longer_one_would_have(tmp_path):
    run(checkpoint=tmp_path, steps=6, sampling=Redrawn(30, every=3))
    longer = run(steps=11, sampling=Redrawn(30, every=3))
    assert digest(run(resume=tmp_path, steps=11, sampling=Redrawn(30, every=3))) == digest(longer)
    again = run(resume=tmp_path, steps=11, sampling=Redrawn(30, every=3))  # from its own end
    assert again.report.outcome.steps == 11
    assert digest(again) == digest(longer)


def test_seconds_are_those_of_all_parts_together(tmp_path):
    begun(tmp_path)
    before = Checkpoint.read(tmp_path).training["elapsed"]
    ended = run(resume=tmp_path, seconds=before + 1e-6)
    assert ended.report.outcome.steps < STEPS
    assert ended.report.outcome.ending.cut
    assert run(resume=tmp_path, seconds=1e4).report.outcome.steps == STEPS


def test_numbers_that_are_not_finite_never_replace_good_ones(tmp_path):
    diverging = FirstOrder(partial(torch.optim.SGD, lr=math.inf))
    run(checkpoint=tmp_path, every=1, optimizer=diverging)
    saved = Checkpoint.read(tmp_path)
    assert saved.training["recovery"]["retreats"] == 6  # it went back to where numbers were, every other step
    assert all(bool(torch.isfinite(value).all()) for value in _tensors(saved.content["model"]))


def _tensors(content):
    """All tensors in plain values."""
    inner = content.values() if isinstance(content, dict) else content if isinstance(content, (list, tuple)) else []
    return [content] if isinstance(content, torch.Tensor) else [value for entry in inner for value in _tensors(entry)]


def test_a_folder_belongs_to_one_run(tmp_path):
    run(checkpoint=tmp_path / "a", steps=1)
    with pytest.raises(FileExistsError, match=r"holds the checkpoints of another run, the last step-00000001.pinn"):
        run(checkpoint=tmp_path / "a", steps=1)
    run(resume=tmp_path / "a", checkpoint=tmp_path / "b", steps=2)
    assert len(files_in(tmp_path / "b")) == 2


def test_another_run_is_refused_and_what_differs_is_named(tmp_path):
    begun(tmp_path)
    with pytest.raises(
        ValueError, match=r"constraint 'equation' is another: its rows differ by .*; stages: .*; seed: 0"
    ):
        run(decay(rate=2.0), resume=tmp_path, seed=1, optimizer=LBFGS())
    with pytest.raises(ValueError, match="its network is another one: width=7 for 6 in the file"):
        run(resume=tmp_path, network=partial(MLP, width=7, depth=2))
    with pytest.raises(FileNotFoundError, match="no checkpoint in it"):
        run(resume=ROOT)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run(resume=tmp_path / "nowhere")
    for wrong, error in (({"every": 0}, ValueError), ({"seconds": 0.0}, ValueError), ({"keep": 0}, ValueError)):
        with pytest.raises(error, match="Checkpoints: got"):
            Checkpoints(tmp_path, **wrong)
    with pytest.raises(ValueError, match="give one of them"):
        Checkpoints(tmp_path, every=1, seconds=1.0)
    with pytest.raises(TypeError, match="expected a path"):
        Checkpoints(3)
    with pytest.raises(ValueError, match=r"every=3 beside checkpoint=Checkpoints"):
        run(checkpoint=Checkpoints(tmp_path), every=3)


def test_a_damaged_checkpoint_costs_the_steps_since_the_one_before(tmp_path, caplog):
    begun(tmp_path)
    last = files_in(tmp_path)[-1]
    content = bytearray(last.read_bytes())
    content[len(content) // 2] ^= 1
    last.write_bytes(content)
    whole = run()
    assert digest(run(resume=tmp_path)) == digest(whole)
    assert "damaged or cut short" in caplog.text
    for file in files_in(tmp_path):
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DamagedFileError, match="its checkpoints are all damaged: step-"):
        run(resume=tmp_path)


class Remembering(torch.optim.lr_scheduler.ConstantLR):
    """A schedule of one's own with a state that is code."""

    def __init__(self, optimizer):
        self.rule = lambda step: step
        super().__init__(optimizer)


def test_a_full_disk_costs_checkpoints_and_never_the_run(monkeypatch, tmp_path, caplog):
    write, full = archive.write, []

    def fails(path, content):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(archive, "write", fails)
    watch = lambda progress: full.append(1) if progress.row["step"] == 5 else None  # noqa: E731
    assert digest(run(checkpoint=tmp_path, every=3, callbacks=[watch])) == digest(run())
    assert [file.name for file in files_in(tmp_path)] == ["step-00000000.pinn", "step-00000003.pinn"]
    assert "no checkpoint after step 6, the one before stays" in caplog.text
    with pytest.raises(OSError, match="No space left on device"):
        run(checkpoint=tmp_path / "other")


def test_what_no_file_holds_is_named(tmp_path):
    with pytest.raises(TypeError, match=r"training\.stage\.optimizer\.schedule.*which no file holds"):
        run(checkpoint=tmp_path, every=1, optimizer=FirstOrder(partial(torch.optim.SGD, lr=1e-3), Remembering))


class Driver(Callback):
    """Counts losses that it likes while training goes on, and ends the run at so many."""

    def __init__(self):
        self.liked, self.stop = [], None

    def state_dict(self):
        return {"liked": list(self.liked), "stop": self.stop}

    def load_state_dict(self, state):
        self.liked, self.stop = list(state["liked"]), state["stop"]

    def begin(self, progress):
        return self.stop and Stop(self.stop)

    def step(self, progress):
        if progress.row["step"] % 2:
            self.liked.append(progress.row["loss"])
        if len(self.liked) == 4:
            self.stop = "four are enough"
        return self.stop and Stop(self.stop)


@pytest.mark.parametrize("broken_at", [5, 7])
def test_what_drives_a_training_goes_on_with_it(broken_at, tmp_path):
    """It is broken off in the middle, and after the driver has said where to stop, before anything came of that."""

    def driven(driver, saved=None, breaks=False):
        model = Model(PROBLEM, SMALL, generator=torch.Generator().manual_seed(0))
        if saved is not None:
            driver.load_state_dict(saved.driver)
            model = saved.model(PROBLEM, None, "cpu")
        writer = CheckpointWriter(Checkpoints(tmp_path, every=1), PROBLEM, {}, saved) if breaks or saved else None
        generator = torch.Generator().manual_seed(1)
        trainer = Trainer(
            Equations(model, Jets()), generator=generator, callbacks=[driver], progress=False, checkpoints=writer
        )
        if writer is not None:
            writer.driver = driver
        if saved is not None:
            trainer.resume(saved.training)
        if breaks:
            evaluate = trainer.journal.evaluate
            trainer.journal.evaluate = lambda *given, **named: (
                raises() if trainer.journal.steps >= broken_at else evaluate(*given, **named)
            )
        trainer.run([Stage(LevenbergMarquardt(), Fixed(30), steps=STEPS)])
        return trainer

    def raises():
        raise BrokenOffError

    whole, first, second = Driver(), Driver(), Driver()
    expected = driven(whole)
    with pytest.raises(BrokenOffError):
        driven(first, breaks=True)
    found = driven(second, Checkpoint.read(tmp_path))
    assert second.liked == whole.liked
    assert found.outcome == expected.outcome
    assert torch.equal(found.monitor.objective.vector(), expected.monitor.objective.vector())


def test_between_two_trainings_a_driver_writes_its_own_state(tmp_path):
    solution, driver = run(steps=1), Driver()
    driver.liked = [0.5]
    writer = CheckpointWriter(Checkpoints(tmp_path), decay(), {"own": 1})
    writer.driver = driver
    writer.write(solution.model, None, step=1, work=0.0, elapsed=0.0)
    saved = Checkpoint.read(tmp_path)
    assert saved.driver == {"liked": [0.5], "stop": None}
    again = saved.model(decay(), None, "cpu")
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), solution.model.parameters(), strict=True))
    with pytest.raises(ValueError, match="between two trainings"):
        _ = saved.training


# -- kill -9 ------------------------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from tests.training.test_checkpoint import LevenbergMarquardt, Redrawn, run

def kill(progress):
    if progress.row["step"] == 8:
        os.kill(os.getpid(), signal.SIGKILL)

options = {"optimizer": LevenbergMarquardt(), "sampling": Redrawn(size=40, every=4)}
run(checkpoint=sys.argv[1], every=3, callbacks=[kill], **options)
"""


@pytest.mark.slow
def test_a_killed_process_goes_on_in_another(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "3"}
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    options = {"optimizer": LevenbergMarquardt(), "sampling": Redrawn(size=40, every=4)}
    assert digest(run(resume=tmp_path, **options)) == digest(run(**options))


@pytest.fixture(scope="module")
def loaded():
    """Processes that are copies of one that has loaded all of this, so that a kill costs no import."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.training.test_checkpoint", "scipy.stats.qmc"])
    return context


def on(folder, **options):
    """A run with checkpoints, or what goes on with it where there are some."""
    again = {"resume": folder} if folder.is_dir() and files_in(folder) else {"checkpoint": folder}
    run(sampling=Redrawn(size=40, every=4), **options, **again)


def ended_at(step, name, folder):
    """In a process of its own: the run goes on to a step, and is killed."""

    def kill(progress):
        if progress.row["step"] == step:
            os.kill(os.getpid(), signal.SIGKILL)

    on(folder, every=3, callbacks=[kill], optimizer=OPTIMIZERS[name])


@pytest.mark.slow
def test_kills_at_any_moment_also_while_a_file_is_written(loaded, tmp_path):
    """The same run is killed again and again after random times, and goes on each time."""
    chance, options = random.Random(0), {"sampling": Redrawn(size=40, every=4), "steps": 200}
    folder = tmp_path / "run"
    for _ in range(6):
        process = loaded.Process(target=on, args=(folder,), kwargs={"steps": 200, "every": 1})
        process.start()
        seen = set()
        while process.is_alive() and len(seen) < 4:  # until it is seen to write, and then a moment
            seen |= set(files_in(folder)) if folder.is_dir() else set()
            time.sleep(0.005)
        time.sleep(chance.uniform(0.0, 0.1))
        process.kill()
        process.join()
    assert digest(run(resume=folder, **options)) == digest(run(**options))
    assert all(not file.name.startswith(".") for file in folder.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_survives_kills(name, loaded, tmp_path):
    """A run is killed before its second checkpoint, between two, and in the step of its last; it goes on each time."""
    for step in (1, 5, 12):
        process = loaded.Process(target=ended_at, args=(step, name, tmp_path / "run"))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    options = {"optimizer": OPTIMIZERS[name], "sampling": Redrawn(size=40, every=4)}
    assert digest(run(resume=tmp_path / "run", **options)) == digest(run(**options))
