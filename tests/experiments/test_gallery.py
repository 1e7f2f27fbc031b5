"""The gallery's command: entries that are refused, a run and its picture, the page, and that nothing is run twice."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from omegaconf import OmegaConf

from experiments.benchmarks import applications
from experiments.benchmarks.one_application import LARGEST, measure, quantities_of
from experiments.command_line.errors import ConfigurationError
from experiments.command_line.overrides import CONF
from pinn.problems import gallery

ROOT = Path(__file__).resolve().parents[2]
SUITE = OmegaConf.to_container(OmegaConf.load(CONF / "gallery.yaml"), resolve=False)["suite"]


def test_every_application_is_planned():
    runs = applications.plan(SUITE, None, 0, 120.0, {})
    assert [run.problem for run in runs] == list(SUITE)
    targets = {entry["problem"]["_target_"].rsplit(".", 1)[1] for entry in SUITE.values()}
    assert targets == {*gallery.__all__, "cavity"}
    assert all(run.clock == "processor" and run.seconds <= 120 for run in runs)
    assert [run.seconds for run in applications.plan(SUITE, ["scattering"], 0, 20, {})] == [20.0]


GOOD = {"problem": {"_target_": "pinn.problems.gallery.solovev"}}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({}, r"suite.mine: expected a mapping with a problem, got \{\}; give suite.mine.problem"),
        ({**GOOD, "shwos": {}}, "suite.mine.shwos: an application has no such option; did you mean shows"),
        ({**GOOD, "by": "eye"}, "suite.mine.by: got 'eye', expected error, coefficients or quantities"),
        ({**GOOD, "by": "quantities"}, "suite.mine.by: it has no quantities; give suite.mine.quantities"),
        ({**GOOD, "quantities": "pinn.nowhere.at_all"}, "suite.mine.quantities: .*give the dotted name of a function"),
        ({**GOOD, "along": {"a": [1], "b": [2]}}, "suite.mine.along: got .* expected one parameter"),
        ({**GOOD, "enough": 0}, "suite.mine.enough: expected a positive number of seconds, got 0"),
        ({**GOOD, "shows": {"kid": "values"}}, "suite.mine.shows.kid"),
        ({**GOOD, "eigenvalues": {"m": 3}}, "suite.mine.eigenvalues.m"),
        ({"problem": {"_target_": "pinn.problems.gallery.solvev"}}, "suite.mine.problem"),
    ],
)
def test_entries_that_cannot_be_run_are_refused(entry, message):
    with pytest.raises(ConfigurationError, match=message):
        applications.plan({"mine": entry}, None, 0, 1.0, {})


@pytest.mark.parametrize(("names", "seconds"), [(["solvev"], 1.0), (["solovev", "solovev"], 1.0), ([], 1.0), (None, 0)])
def test_runs_that_cannot_be_meant_are_refused(names, seconds):
    with pytest.raises(ConfigurationError, match=r"applications|seconds=0: expected a positive number"):
        applications.plan(SUITE, names, 0, seconds, {})


def run_of(name, **settings):
    (run,) = applications.plan({name: {**SUITE[name], **settings}}, [name], 0, 20.0, {"steps": 3})
    return run.as_dict()


def test_a_run_is_measured_and_drawn(tmp_path):
    found = measure(run_of("pharmacokinetics"), tmp_path)
    assert found["error"] < 1e-10 and set(found["errors"]) == {"c", "p"}
    assert found["verdict"]["value"] == "trusted" and found["estimate"]["error"] < 1e-10
    assert found["processor_seconds"] > 0
    picture = tmp_path / "pharmacokinetics.png"
    assert picture.stat().st_size <= LARGEST
    image = imread(picture)[..., :3]
    assert 0.5 < np.mean(image) < 0.999  # neither black nor empty


def test_eigenvalues_are_measured_and_drawn(tmp_path):
    found = measure(run_of("waveguide", eigenvalues={"name": "k2", "n": 2}), tmp_path)
    assert applications.judged(found, "quantities") < 1e-9
    assert (tmp_path / "waveguide.png").stat().st_size <= LARGEST


def test_a_row_of_values_is_solved_in_turn(tmp_path):
    settings = {"along": {"length": [2.0, 3.0]}, "problem": {"_target_": "pinn.problems.oscillator"}}
    (run,) = applications.plan({"swing": settings}, None, 0, 20.0, {})
    found = measure(run.as_dict(), tmp_path)
    assert found["error"] < 1e-8 and (tmp_path / "swing.png").exists()


def record(name, **changed):
    """What is on file of a run."""
    at = {"date": "2026-01-01 00:00:00", "machine": "m", "versions": {"torch": "2"}, "revision": "abc", "jobs": 1}
    found = {
        "problem": name,
        "method": "default",
        "seed": 0,
        "seconds": 40.0,
        "threads": 1,
        "clock": "processor",
        "settings": {"method": {}, **{key: SUITE[name][key] for key in ("problem",)}},
        "error": 1e-7,
        "reference_error": 0.0,
        "coefficient_errors": {},
        "quantities": {},
        "estimate": {"error": 2e-7, "coefficient_errors": {}},
        "noise": {},
        "verdict": {"value": "trusted", "trusted": True, "error": 2e-7},
        "processor_seconds": 3.21,
        "steps": 7,
    }
    return {**at, **found, **changed}


def test_the_page_has_numbers_statement_and_picture():
    inverse = {"error": 0.1, "coefficient_errors": {"beta": 3e-3, "gamma": 1e-3}}
    inverse["estimate"] = {"error": 0.2, "coefficient_errors": {"beta": 4e-3, "gamma": 2e-3}}
    inverse["noise"] = {"beta": 3e-3, "gamma": 1e-3}
    flow = {"error": None, "quantities": {"drag": [5.58, 5.5795], "lift": [0.0100, 0.0106]}, "estimate": None}
    known = {"reference_error": 3e-5, "error": 1e-9}
    suite = {**SUITE, "epidemic": {**SUITE["epidemic"], "cause": "noise"}}
    suite["cylinder_flow"] = {key: value for key, value in SUITE["cylinder_flow"].items() if key != "cause"}
    records = [
        record("solovev"),
        record("epidemic", **inverse),
        record("cylinder_flow", **flow),
        record("spinodal", **known),
    ]
    text = applications.markdown(records, suite, "command", [("beltrami", "default", "not run")])
    assert "| [solovev](#solovev) | 1.0e-07 | 2.0e-07 | trusted | exact | 3.2 | met |" in text
    assert "| [epidemic](#epidemic) | 3.0e-03 (C) | 5.0e-03 | trusted | exact | 3.2 | missed: noise |" in text
    assert "| [cylinder_flow](#cylinder_flow) | 5.7e-02 (Q) | — | trusted | exact | 3.2 | missed |" in text
    assert "| [spinodal](#spinodal) | 3.0e-05 | 2.0e-07 | trusted | 3.0e-05 | 3.2 | met |" in text
    assert "2 of 4 applications are below 1e-04" in text and "| beltrami | default | not run |" in text
    assert "## solovev\n\nThe equilibrium of a plasma" in text and "(gallery/solovev.png)" in text
    assert "drag 5.58 (true 5.5795)" in text and "(../pinn/problems/gallery/solovev.py)" in text
    assert "Nothing is finished yet." in applications.markdown([], SUITE, "command")


def test_a_run_without_a_number_is_infinitely_wrong():
    assert applications.judged(record("solovev", error=None), "error") == np.inf
    assert applications.judged(record("solovev", error=float("nan")), "error") == np.inf
    assert applications.judged(record("solovev"), "coefficients") == np.inf


def test_quantities_are_found_where_a_module_and_a_function_share_a_name():
    assert quantities_of("pinn.problems.gallery.waveguide.cutoffs")([]) == {}


@pytest.mark.slow
def test_the_command_goes_on_where_it_was(tmp_path):
    command = [sys.executable, "-m", "experiments.gallery", "applications=[pharmacokinetics]", f"folder={tmp_path}"]
    first = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "[1/1] pharmacokinetics" in first.stdout
    again = subprocess.run([*command[:3], "only_report=true", *command[3:]], cwd=ROOT, capture_output=True, text=True)
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "[1/1]" not in again.stdout + second.stdout and "1 of 1 applications are below" in second.stdout
    (line,) = json.loads((tmp_path / "table.json").read_text())["applications"]
    assert line["met"] and line["error"] < 1e-10
    assert re.search(r"^\| \[pharmacokinetics\]", (tmp_path / "table.md").read_text(), re.MULTILINE)
    assert (tmp_path / "gallery" / "pharmacokinetics.png").stat().st_size <= LARGEST
    wrong = subprocess.run([*command[:3], "applications=[pharmacokinetic]"], cwd=ROOT, capture_output=True, text=True)
    assert (
        wrong.returncode != 0
        and "applications: 'pharmacokinetic' is not known; did you mean pharmacokinetics" in wrong.stderr
    )
    assert "Traceback" not in wrong.stderr
