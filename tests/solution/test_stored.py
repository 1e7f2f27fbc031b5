"""A solution comes back from its file as it was, or the file is refused in one message that says what is wrong."""

import os
import pickle
import random
from functools import partial

import numpy as np
import pytest
import torch

from pinn import Box, Constraint, Output, Scatter, Unknown, archive, d, solve
from pinn.archive import DamagedFileError
from pinn.identity import differences, identity
from pinn.model import Model
from pinn.networks import MLP
from pinn.problems import burgers, heat_1d
from pinn.solution import History, Solution
from tests.training.runs import LINE, SMALL, decay

AT = np.linspace(0, 1, 5)


def untrained(problem, network=SMALL, **options):
    """What a file holds does not depend on how good it is."""
    model = Model(problem, network, generator=torch.Generator().manual_seed(0), **options)
    return Solution(problem, model, History([{"step": 1, "loss": 0.5}, {"step": 2, "loss": 0.25, "validation": 0.1}]))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A solution and its file."""
    solution = solve(decay(), network=SMALL, steps=2, progress=False, verify=False)
    path = tmp_path_factory.mktemp("stored") / "decay.pt"
    solution.save(path)
    return solution, path


def edited(path, change):
    """The file with its content changed and its hash right, as only this library or an attacker writes it."""
    content = archive.read(path)
    change(content)
    other = path.with_name("edited.pt")
    archive.write(other, content)
    return other


def test_all_of_it_comes_back(stored):
    solution, path = stored
    again = Solution.load(path, decay())
    assert np.array_equal(again(x=AT), solution(x=AT))
    assert [list(row.items()) for row in again.history] == [list(row.items()) for row in solution.history]
    assert [type(row["step"]) for row in again.history] == [int, int]
    assert again.certificate.error == solution.certificate.error
    assert again.model.scales == solution.model.scales


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_fields_networks_of_another_width_and_precision_come_back(tmp_path, dtype):
    """A widened network leaves those of coefficient fields as they were."""
    problem = decay(
        constraints={"equation": Constraint(lambda u, x, k: d(u, x) + k * u, on=LINE)},
        coefficients={"k": Unknown(0.5, inputs=("x",))},
    )
    solution = untrained(problem, dtype=dtype)
    solution.model.widen(2.0, torch.Generator().manual_seed(1))
    solution.save(tmp_path / "field.pt")
    again = Solution.load(tmp_path / "field.pt", problem)
    assert np.array_equal(again.field("k", x=AT), solution.field("k", x=AT))
    assert next(again.model.parameters()).dtype == dtype


def test_torchs_default_device_and_precision_do_not_matter(stored):
    _, path = stored
    before = torch.get_default_dtype()
    torch.set_default_device("meta")
    torch.set_default_dtype(torch.float16)
    try:
        again = Solution.load(path, decay())
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(before)
    expected = Solution.load(path, decay())
    for a, b in zip(again.model.state_dict().values(), expected.model.state_dict().values(), strict=True):
        assert torch.equal(a, b)
        assert a.dtype == b.dtype


# -- damaged files ------------------------------------------------------------------------------------------------


def damages(good):
    """200 files that are not the one that was written: bits flipped, cut short, bytes changed, put in and left out."""
    chance = random.Random(0)
    for _ in range(120):
        bit = chance.randrange(8 * len(good))
        flipped = bytearray(good)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)
    for _ in range(40):
        yield good[: chance.randrange(len(good))]
    for _ in range(20):
        at = chance.randrange(len(good))
        yield good[:at] + bytes([chance.randrange(256)]) + good[at:]
    for _ in range(20):
        at = chance.randrange(len(good) - 8)
        yield good[:at] + bytes(b ^ 0xFF for b in good[at : at + 8]) + good[at + 8 :]


def test_200_damaged_files_none_loaded_in_silence(stored, tmp_path):
    _, path = stored
    made = list(damages(path.read_bytes()))
    assert len(made) == 200
    for content in made:
        (tmp_path / "damaged.pt").write_bytes(content)
        with pytest.raises(DamagedFileError, match=r"damaged\.pt: [^\n]+$"):
            Solution.load(tmp_path / "damaged.pt", decay(), force=True)


WRONG = {
    "not finite": (lambda state: state["network.last.weight"].__setitem__((0, 0), torch.nan), "1 numbers that are not"),
    "integers": (lambda state: state.update({"network.last.bias": torch.zeros(1, dtype=torch.int64)}), "torch.int64"),
    "precision": (lambda state: state.update({"network.last.bias": torch.zeros(1)}), "has torch.float32, expected"),
    "shape": (
        lambda state: state.update({"network.last.bias": torch.zeros(2).double()}),
        r"shape \(2,\), expected \(1,",
    ),
    "missing": (lambda state: state.pop("network.last.bias"), "network.last.bias is missing"),
    "unknown": (lambda state: state.update(more=torch.zeros(1)), "more is unknown"),
    "infinite size": (lambda state: state["sizes"].fill_(torch.inf), "sizes has 1 numbers that are not finite"),
}


@pytest.mark.parametrize("name", WRONG)
def test_numbers_that_cannot_be_are_refused_whatever_the_hash_says(stored, name):
    change, said = WRONG[name]
    other = edited(stored[1], lambda content: change(content["model"]["state"]))
    with pytest.raises(ValueError, match=f"its parameters do not fit this problem and network: .*{said}"):
        Solution.load(other, decay(), force=True)


def test_another_activation_is_told_where_the_network_is_named(stored):
    with pytest.raises(ValueError, match="its network is another one: activation='sin' for 'tanh' in the file"):
        Solution.load(stored[1], decay(), network=partial(SMALL, activation=torch.sin))


def test_what_else_cannot_be_is_one_error(stored, tmp_path):
    _, path = stored
    for change, said in (
        (lambda content: content["model"]["network"].update({"class": "Module"}), "its network cannot be built"),
        (lambda content: content["model"]["network"]["arguments"].update(activation="os.system"), "activation: got"),
        (lambda content: content["model"]["network"]["arguments"].update(depth=-1), "its network cannot be built"),
        (lambda content: content["model"].update(dtype="int64"), "got precision 'int64'"),
        (lambda content: content["model"].pop("network"), r"it lacks what a solution has \('network'\)"),
        (lambda content: content["history"].pop("rows"), "it lacks what a solution has"),
        (lambda content: content.update(kind="checkpoint"), "it holds a checkpoint, expected a solution"),
    ):
        with pytest.raises(ValueError, match=said):
            Solution.load(edited(path, change), decay())
    with pytest.raises(IsADirectoryError):
        Solution.load(tmp_path, decay())
    with pytest.raises(FileNotFoundError):
        Solution.load(tmp_path / "nothing.pt", decay())


# -- the problem --------------------------------------------------------------------------------------------------


def conditions(rate=1.0, at=1.0):
    return {
        "equation": Constraint(lambda u, x: d(u, x) + rate * u, on=LINE),
        "start": Constraint(lambda u: u - at, on=LINE.face(x=0)),
    }


def observed(values):
    seen = Scatter({"x": torch.linspace(0, 1, 40)}, {"y": values})
    return decay(constraints={**conditions(), "data": Constraint(lambda u, y: u - y, on=seen)})


ONE = torch.linspace(0, 1, 40, dtype=torch.float64)
CHANGED = {
    "equation": ({}, {"constraints": conditions(rate=1.0 + 1e-6)}, "constraint 'equation' is another: its rows differ"),
    "value": ({}, {"constraints": conditions(at=2.0)}, "constraint 'start' is another"),
    "bounds": ({}, {"domain": Box(x=(0, 2))}, r"bounds: {'x': \[0.0, 1.0\]} in the file, {'x': \[0.0, 2.0\]} here"),
    "place": (
        {},
        {"constraints": {**conditions(), "start": Constraint(lambda u: u - 1, on=LINE.face(x=1))}},
        "constraint 'start' holds elsewhere",
    ),
    "names": ({}, {"constraints": {"equation": conditions()["equation"]}}, r"constraints: \['equation', 'start'\] in"),
    "ansatz": (
        {"ansatz": {"u": lambda u, x: 1 + x * u}},
        {"ansatz": {"u": lambda u, x: 1 + x * x * u}},
        "ansatz 'u' is another",
    ),
    "periodic": ({"constraints": {"equation": conditions()["equation"]}}, {"periodic": "x"}, r"periodic: \[\] in the"),
    "feature": (
        {"features": {"s": lambda x: torch.sqrt(x + 1)}},
        {"features": {"s": lambda x: torch.sqrt(x + 2)}},
        "feature 's' is another",
    ),
    "coefficient": ({"coefficients": {"k": 1.0}}, {"coefficients": {"k": 1.0 + 1e-15}}, "coefficients: {'k': 1.0} in"),
    "form": ({}, {"outputs": [Output("u", positive=True)]}, "forms: {} in the file, {'u': {'positive': True"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_another_problem_is_told_and_loaded_where_that_is_asked(tmp_path, name):
    common, change, said = CHANGED[name]
    made, other = decay(**common), decay(**{**common, **change})
    path = tmp_path / "decay.pt"
    untrained(made).save(path)
    Solution.load(path, decay(**common))
    with pytest.raises(ValueError, match=rf"decay\.pt: it is of another problem \(problem\): .*{said}.*or force=True"):
        Solution.load(path, other)
    if name != "periodic":  # which has one input more, so that the parameters cannot fit
        Solution.load(path, other, force=True)


def test_other_observations_are_told_wherever_they_differ():
    """Only the first few are stored themselves."""
    values = torch.exp(-ONE)
    other = values.clone()
    other[-1] += 1e-3
    found = differences(identity(observed(values)), observed(other))
    assert found == [
        "constraint 'data' is another: its size differ by 3.2e-07 of the largest, on a fixed smooth field"
    ] or (len(found) == 1 and "constraint 'data' is another: its size differ" in found[0])


def test_the_file_of_heat_is_none_of_burgers(tmp_path):
    untrained(heat_1d()).save(tmp_path / "heat.pt")
    with pytest.raises(ValueError, match=r"of another problem \(heat_1d\): bounds: .*; coefficients: .*"):
        Solution.load(tmp_path / "heat.pt", burgers())


# -- earlier versions, and code -----------------------------------------------------------------------------------


def earlier(version, solution):
    """What versions 1 and 2 of the format held."""
    state, scales = solution.model.state_dict(), solution.model.scales
    content = {
        "version": version,
        "problem": "decay",
        "coordinates": ["x"],
        "outputs": ["u"],
        "network": "MLP",
        "arguments": solution.model.network.arguments,
        "dtype": "float64",
        "state": {name: value for name, value in state.items() if version == 2 or "shifts" not in name},
        "coefficients": solution.coefficients,
        "history": solution.history.rows,
    }
    if version == 1:
        del content["state"]["unknown_sizes"]
        return content
    plain = {"outputs": {"u": list(scales.outputs["u"])}, "rows": {k: list(v) for k, v in scales.rows.items()}}
    return content | {"scales": plain | {"unknowns": dict(scales.unknowns)}, "certificate": None}


@pytest.mark.parametrize("version", [1, 2])
def test_files_of_earlier_versions_load(tmp_path, version):
    solution = untrained(decay())
    if version == 1:  # outputs had a size and no shift
        solution.model.shifts.zero_()
    path = tmp_path / "earlier.pt"
    torch.save(earlier(version, solution), path)
    again = Solution.load(path, decay())
    assert np.array_equal(again(x=AT), solution(x=AT))
    assert again.history.rows == solution.history.rows
    with pytest.raises(ValueError, match=r"coordinates: .* in the file"):
        Solution.load(path, burgers())
    content = bytearray(path.read_bytes())
    content[content.find(solution.model.network.last.weight.detach().numpy().tobytes()[:16])] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedFileError, match="damaged, its entry"):
        Solution.load(path, decay())


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_no_code_of_a_file_is_run(tmp_path):
    sprung = tmp_path / "sprung"
    torch.save({"version": 2, "state": Trap(sprung)}, tmp_path / "trap.pt")
    (tmp_path / "pickle.pt").write_bytes(pickle.dumps(Trap(sprung)))
    torch.save({"version": 2}, tmp_path / "empty.pt")
    (tmp_path / "zip.pt").write_bytes(b"PK\x03\x04" + bytes(100))
    for name in ("trap", "pickle", "empty", "zip"):
        with pytest.raises(DamagedFileError, match=rf"{name}\.pt: [^\n]+$"):
            Solution.load(tmp_path / f"{name}.pt", decay())
    assert not sprung.exists()


def test_a_network_with_features_beside_it_comes_back(tmp_path):
    from tests.training.test_checkpoint import with_features

    solution = untrained(decay(), with_features)
    solution.save(tmp_path / "features.pt")
    again = Solution.load(tmp_path / "features.pt", decay())
    assert np.array_equal(again(x=AT), solution(x=AT))
    moving = [name for name, parameter in again.model.named_parameters() if parameter.requires_grad]
    assert moving == ["network.last.weight", "network.last.bias"]


def test_a_factory_of_another_class_is_refused(stored):
    def other(inputs, outputs, generator, dtype):
        return torch.nn.Sequential(MLP(inputs, outputs, width=6, depth=2, generator=generator, dtype=dtype))

    with pytest.raises(ValueError, match=r"its network is another one: Sequential for MLP in the file"):
        Solution.load(stored[1], decay(), network=other)
