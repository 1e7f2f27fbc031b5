"""Wrong configurations: one line that says what to do, code 2; nothing started, nothing imported without trust."""

import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from experiments import train
from experiments.command_line.errors import ConfigurationError
from experiments.command_line.overrides import prepare
from experiments.command_line.trust import Trust
from pinn.solver import solve

MLP = "network=mlp"
ADAM = "optimizer=adam"

WRONG = [
    # what is not known
    (["problem=burgerz"], "problem=burgerz: no such choice; did you mean burgers?"),
    (["secnds=3"], "secnds: solve() has no such option; did you mean seconds or"),
    ([MLP, "network.widht=3"], "network.widht: MLP() has no such option; did you mean width?"),
    (["problem.nuu=1"], "problem.nuu: burgers() has no such option; did you mean nu?"),
    ([ADAM, "optimizer.lrr=1e-3"], "optimizer.lrr: Adam() has no such option; did you mean lr? choose among amsgrad,"),
    ([ADAM, "optimizer.params=1"], "optimizer.params: Adam() has no such option"),
    (
        ["optimizer=torch", "optimizer.name=Adamm"],
        "optimizer._target_: 'torch.optim.Adamm' cannot be found (there is no torch.optim.Adamm; did you mean Adam or",
    ),
    (["optimizer.lr=1e-3"], "optimizer.lr: optimizer is left to the program, so there is nothing to set; name one"),
    (["solver.width=3"], "solver: solve() has no such option"),
    # what does not fit
    (["seconds=soon"], "seconds: expected float or null, got 'soon'"),
    (["steps=3.5"], "steps: expected int or null, got 3.5"),
    (["steps=true"], "steps: expected int or null, got True"),
    (["seed=first"], "seed: expected int, got 'first'"),
    (["seed=null"], "seed: expected int, got None"),
    (["verify=perhaps"], "verify: expected bool, got 'perhaps'"),
    (["dtype=float63"], "dtype: expected a precision such as float64, got 'float63'"),
    ([MLP, "network.width=[20,20]"], "network.width: expected int, got [20, 20]"),
    ([MLP, "network.activation=tanh"], "network.activation: expected the dotted name of a function"),
    ([MLP, "network.activation=torch.tanhh"], "network.activation: 'torch.tanhh' cannot be found"),
    (["problem=3"], "problem=3: no such choice"),
    (["problem={a:1}"], "problem={a:1}: no such choice"),
    (["strict=perhaps"], "strict: expected bool; give strict=true or leave it out"),
    (["callbacks=3"], "callbacks: expected a list of"),
    (["device=[1]"], "device: expected a device such as cuda or str, got [1]"),
    (["ranks=2"], "ranks: is given by the program, as torchrun starts it; leave ranks=2 out"),
    (["-sc", "install=bash"], "-sc: completion is that of the command pinn; give pinn -sc install=bash"),
    (["write=vtk"], "write: got 'vtk', expected a list; give write=[vtk]"),
    (["write=[{vtk:{place:9}}]"], "write: vtk has no option 'place'; did you mean places? choose among at, places"),
    (["write=[{vtk:{places:many}}]"], "write: vtk got places='many', expected a whole number of at least 2; give one"),
    (
        ["write=[{csv:{},vtk:{}}]"],
        "write: got {'csv': {}, 'vtk': {}}, expected a name, or one with options; give such as",
    ),
    (["write=[{animation:{format:avi}}]"], "write: animation got format='avi', expected gif or mp4; give one"),
    (["write=[vkt]"], "write: 'vkt' is not known; did you mean vtk? choose among animation, csv, netcdf, program, vtk"),
    (
        ["optimizer._target_=pinn.networks.MLP"],
        "optimizer: expected Optimizer, made by a _target_ or null, got pinn.netw",
    ),
    (
        ["sampling._target_=pinn.optimizers.LBFGS"],
        "sampling: expected Sampler, made by a _target_ or null, got pinn.opt",
    ),
    # what cannot be read
    (["burgers"], "'burgers': expected key=value, such as problem=burgers"),
    (["steps==3"], "'steps==3': expected key=value with one =; give steps=3"),
    (["problem.nu=[1"], "'problem.nu=[1' cannot be read:"),
    (["seed=${nope}"], "Interpolation key 'nope' not found (at seed)"),
    (["seed=???"], "Missing mandatory value: seed"),
    (
        ["problem=[burgers,heat_1d]"],
        "problem=[burgers,heat_1d]: expected one choice; to run each, give --multirun prob",
    ),
    (["problem=null"], "problem=null: no such choice; choose among allen_cahn"),
    (["~problem"], "problem: solve() needs it; give it a value"),
    (["--config-dir", "nosuch"], "--config-dir nosuch: there is no such folder; give one that holds YAML files"),
    (["--config-dir", "own", "problem=torn"], "{folder}/own/problem/torn.yaml, line 2: mapping values are not allowed"),
    # sweeps
    (["-m", "problem=heat_1d,burgerz"], "problem=burgerz: no such choice"),
    (["-m", "problem=burgers,heat_1d", "problem.nu=1"], "problem.nu: heat_1d() has no such option"),
    (["-m", "network=glob(x*)"], "network=glob(x*): this is no choice of a group; choose among auto, chebyshev_kan"),
    (["-m", MLP, "network.width=glob(*)"], "network.width=glob(*): this is no choice of a group; choose among deriv"),
    (["-m", "problem=glob(burgers*)", "problem.steps=1"], "problem.steps: burgers() has no such option"),
    (["-m", "seed=0,first"], "seed: expected int, got 'first'"),
    (["-m", "trusted=[a],[b]"], "trusted: expected one list for all runs of a sweep"),
    # what is not trusted, and what is trusted and broken
    (["problem._target_=os.system"], "problem._target_: 'os.system' is not trusted and was not imported;"),
    (["problem._target_=this"], "problem._target_: 'this' is not trusted and was not imported;"),
    ([MLP, "network.activation=os.system"], "network.activation: 'os.system' is not trusted and was not imported;"),
    (["callbacks=[bomb.burst]"], "callbacks: 'bomb.burst' is not trusted and was not imported;"),
    (
        ["problem._target_=pinn.files.os.system"],
        "problem._target_: 'pinn.files.os.system' leads to code of another lib",
    ),
    (["problem._target_=torch.load"], "problem._target_: 'torch.load' is not trusted and was not imported;"),
    (["problem._target_=torch.hub.load"], "problem._target_: 'torch.hub.load' is not trusted and was not imported;"),
    (
        ["problem._target_=pinn.solver.solve.__globals__"],
        "problem._target_: 'pinn.solver.solve.__globals__' is not tru",
    ),
    (["--config-dir", "own", "problem=greedy"], "trusted: a file of configurations cannot trust its own code;"),
    (["problem._target_=nowhere.f", "trusted=[nowhere]"], "problem._target_: 'nowhere.f' cannot be found: the import"),
    (
        ["problem._target_=leaves.f", "trusted=[leaves]"],
        "problem._target_: 'leaves.f' cannot be found: the import of l",
    ),
    (
        ["problem._target_=broken.f", "trusted=[broken]"],
        "problem._target_: 'broken.f' cannot be found: the import of b",
    ),
    (["problem._target_=math.nan", "trusted=[math]"], "problem._target_: 'math.nan' is not a function or a class"),
    (["problem._target_=a b"], "problem._target_: got 'a b', expected a dotted name such as"),
    (["trusted=[a-b]"], "trusted: got 'a-b', expected dotted names"),
    (["trusted=mine"], "trusted: got 'mine', expected a list of dotted names; give trusted=[mine]"),
]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Modules that must not be imported, or break when they are; a folder of configurations with mistakes in them."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "bomb.py").write_text("raise RuntimeError('imported, though nobody trusts it')\n")
    (folder / "leaves.py").write_text("raise SystemExit(0)\n")
    (folder / "broken.py").write_text("def f(:\n")
    monkeypatch.syspath_prepend(folder)
    files = tmp_path / "work" / "own" / "problem"
    files.mkdir(parents=True)
    (files / "greedy.yaml").write_text("# @package _global_\ntrusted: [os]\nproblem: {_target_: os.getcwd}\n")
    (files / "torn.yaml").write_text("_target_: pinn.problems.burgers\n nu: [1\n")
    monkeypatch.chdir(tmp_path / "work")


@pytest.mark.parametrize(("given", "said"), WRONG, ids=[" ".join(given) for given, _ in WRONG])
def test_a_wrong_configuration_is_one_line_and_code_2(own, monkeypatch, capsys, given, said):
    monkeypatch.setattr(sys, "argv", ["train", *given])
    with pytest.raises(SystemExit) as ended:
        prepare("config", solve, train.APART)
    error = capsys.readouterr().err
    assert ended.value.code == 2
    assert error.startswith("error: " + said.replace("{folder}", str(Path.cwd())))
    assert "Traceback" not in error and len(error.strip().splitlines()) <= 2
    assert [path.name for path in Path.cwd().iterdir()] == ["own"], "it left something behind"
    assert "bomb" not in sys.modules


def test_showing_a_configuration_imports_nothing_that_it_names(command, tmp_path, capsys):
    (tmp_path / "marks.py").write_text("from pathlib import Path\nPath('imported').touch()\n")
    command("--cfg", "job", "problem._target_=marks.f", "trusted=[marks]", "optimizer._target_=os.system")
    assert OmegaConf.create(capsys.readouterr().out).problem._target_ == "marks.f"
    assert not (tmp_path / "imported").exists() and "marks" not in sys.modules


def test_a_module_of_the_working_folder_is_trusted_for_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert not Trust().allows("trusted.heat")
    (tmp_path / "trusted.py").write_text("from pinn.problems import heat_1d as heat\n")
    assert Trust().locate("trusted.heat").__name__ == "heat_1d"
    sys.modules.pop("trusted")


@pytest.mark.parametrize(
    "name",
    [
        "pinn.optimizers.system.torch.load",
        "pinn.networks.mlp.torch.compile",
        "pinn.experiments.benchmarks.one_run.perform",
        "experiments.benchmarks.one_run.perform",
        "torch.nn.functional.importlib.import_module",
        "torch.optim.swa_utils.deepcopy",
        "torch.nn.modules.module.torch.hub.load",
        "pinn.solver.time.sleep",
        "subprocess.run",
        "builtins.eval",
    ],
)
def test_no_way_around_leads_to_other_code(name):
    with pytest.raises(ConfigurationError, match="trusted"):
        Trust().locate(name)


@pytest.mark.parametrize("name", ["torch.sin", "torch.nn.functional.softplus", "torch.nn.SiLU", "torch.optim.Adam"])
def test_what_the_libraries_have_is_trusted(name):
    assert callable(Trust().locate(name))


def test_a_device_that_is_not_there_is_said_in_a_line(command, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        command("device=cuda:77", "hydra.run.dir=run")
    error = capsys.readouterr().err
    assert ended.value.code == 2 and not (tmp_path / "run").exists()
    assert error.startswith("error: solve: got device='cuda:77', expected a device of this machine, wh")
    assert error.endswith("; give 'cpu'\n") and len(error.splitlines()) == 1
