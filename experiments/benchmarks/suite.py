"""What a benchmark is to run: problems × methods × seeds as a plan of runs, all of it checked before any starts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pinn.solver import solve

from ..command_line.configuration import ConfigurationError, check, check_names, choose, target
from ..peers.recipes import RECIPES
from .one_run import PACKAGE
from .results import Run


def plan(
    suite: Mapping[str, Any],
    known_methods: Mapping[str, Any],
    methods: Sequence[str],
    seeds: Sequence[int],
    problems: Sequence[str] | None,
    seconds: float,
    threads: int,
    jobs: int = 1,
    clock: str = "wall",
) -> list[Run]:
    """All runs, checked, in the order they are made: by seed, problem and method, so that methods interleave.

    Raises:
        ConfigurationError: for a name that is not known or given twice, a problem without target, a peer or a recipe
            that there is not, or an option that no constructor takes.
    """
    names = list(suite) if problems is None else list(problems)
    for what, given, known in (("problems", names, suite), ("methods", methods, known_methods), ("seeds", seeds, None)):
        check_names(what, given, known)
    if not seconds > 0 or threads < 1 or jobs < 1:
        raise ConfigurationError(f"seconds={seconds}, threads={threads}, jobs={jobs}: give positive numbers")
    if clock not in ("wall", "processor") or (clock == "processor" and threads > 1):
        raise ConfigurationError(f"clock={clock}, threads={threads}: give clock=wall, or clock=processor on one thread")
    for name in names:
        check_entry(name, suite[name], needs=("problem", "target"), takes=("by", "cause", "enough"))
    for method in methods:
        check_method(method, known_methods[method])
    runs = []
    for seed, name, method in itertools.product(seeds, names, methods):
        options = known_methods[method]
        if "peer" in options and name not in options["problems"]:
            continue
        settings = {"problem": suite[name]["problem"], "method": _settings(name, options)}
        limit = min(seconds, float(suite[name].get("enough", seconds)))
        runs.append(Run(name, method, seed, limit, threads, settings, jobs, clock))
    if not runs:
        having = "; ".join(f"{method} has {', '.join(known_methods[method]['problems'])}" for method in methods)
        raise ConfigurationError(f"problems={names}: methods={list(methods)} have no recipe for any of them; {having}")
    return runs


def plan_optimizers(
    suite: Mapping[str, Any],
    known_optimizers: Mapping[str, Any],
    problems: Sequence[str],
    optimizers: Sequence[str],
    seeds: Sequence[int],
    seconds: float,
    threads: int,
    jobs: int = 1,
) -> list[Run]:
    """All runs, checked, in the order they are made: those that are compared follow each other on the same machine.

    Raises:
        ConfigurationError: for a name that is not known or given twice, a problem without a call, targets that are no
            numbers, or an option that no constructor takes.
    """
    for what, given, known in (
        ("problems", problems, suite),
        ("optimizers", optimizers, known_optimizers),
        ("seeds", seeds, None),
    ):
        check_names(what, given, known)
    if not seconds > 0 or threads < 1 or jobs < 1:
        raise ConfigurationError(f"seconds={seconds}, threads={threads}, jobs={jobs}: give positive numbers")
    for name in problems:
        check_entry(name, suite[name], needs=("problem",), takes=("by", "cause", "targets", "network"))
        for when, value in suite[name].get("targets", {}).items():
            if not (_positive(when) and _positive(value)):
                raise ConfigurationError(f"suite.{name}.targets: expected seconds: error, got {when}: {value}")
    runs = []
    for seed, name, one in itertools.product(seeds, problems, optimizers):
        network = {"network": suite[name]["network"]} if suite[name].get("network") else {}
        options = here(known_optimizers[one]) | network
        if one != "default":  # an optimizer is compared by what it trains, without corrections
            options = {"features": None} | options
        check_options(f"known_optimizers.{one}", options)
        settings = {"problem": suite[name]["problem"], "method": options}
        runs.append(Run(name, one, seed, seconds, threads, settings, jobs))
    return runs


def plan_certificate(
    suite: Mapping[str, Any],
    problems: Sequence[str],
    stages: Sequence[int],
    seeds: Sequence[int],
    seconds: float,
    threads: int,
    jobs: int = 1,
) -> list[Run]:
    """All runs, checked, in the order they are made: by stage, so that what is cheap comes first, problem and seed.

    Raises:
        ConfigurationError: for a name that is not known or given twice, a stage that is no number of steps, a problem
            without a call, or an option that no constructor takes.
    """
    for what, given, known in (("problems", problems, suite), ("seeds", seeds, None), ("stages", stages, None)):
        check_names(what, given, known)
    if not seconds > 0 or threads < 1 or jobs < 1:
        raise ConfigurationError(f"seconds={seconds}, threads={threads}, jobs={jobs}: give positive numbers")
    for steps in stages:
        if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
            raise ConfigurationError(f"stages: expected numbers of optimizer steps, got {steps!r}; give e.g. [15, 50]")
    for name in problems:
        entry = {**suite[name], "problem": here(suite[name].get("problem"))}
        check_entry(name, entry, needs=("problem",), takes=("answers", "by", "cause", "determined", "options"))
        check_options(f"suite.{name}.options", suite[name].get("options", {}))
    runs = []
    for steps, name, seed in itertools.product(sorted(stages), problems, seeds):
        options = {**here(suite[name].get("options", {})), "steps": steps}
        settings = {"problem": here(suite[name]["problem"]), "method": options, "blind": True}
        runs.append(Run(name, f"{steps} steps", seed, seconds, threads, settings, jobs))
    return runs


def check_entry(name: str, entry: Any, needs: Sequence[str], takes: Sequence[str]) -> None:
    """Refuse an entry of the suite that lacks something, has something else, or has values that make no sense.

    Raises:
        ConfigurationError: which, and what to do.
    """
    where = f"suite.{name}"
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"{where}: expected a mapping with {' and '.join(needs)}, got {entry!r}")
    for key_ in entry:
        if key_ not in (*needs, *takes):
            raise ConfigurationError(f"{where}.{key_}: a problem has no such option; {choose(key_, [*needs, *takes])}")
    for key_ in needs:
        if key_ not in entry:
            raise ConfigurationError(f"{where}: it has no {key_}; give {where}.{key_}")
    problem, by, aims = entry["problem"], entry.get("by", "error"), entry.get("target", 1.0)
    if not isinstance(problem, Mapping) or "_target_" not in problem:
        raise ConfigurationError(f"{where}.problem: expected a call, {{_target_: pinn.problems....}}, got {problem!r}")
    check(target(problem, f"{where}.problem"), problem, f"{where}.problem")
    values = [("enough", entry.get("enough", 1))]
    for when, aim in aims.items() if isinstance(aims, Mapping) else [(1, aims)]:
        values += [("target", when), ("target", aim)]
    for key_, value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise ConfigurationError(f"{where}.{key_}: expected a positive number, got {value!r}")
    if by not in ("error", "coefficients"):
        raise ConfigurationError(f"{where}.by: expected error or coefficients, got {by!r}")
    if not isinstance(entry.get("cause", ""), str):
        raise ConfigurationError(f"{where}.cause: expected a text, got {entry['cause']!r}")


def target_of(entry: Mapping[str, Any], seconds: float) -> float:
    """The error that a run of at most so many seconds is to reach; of the shortest where it is given fewer still.

    Args:
        entry: of the suite; `target` is a number, or a mapping from seconds to numbers.
        seconds: that a run is allowed.
    """
    aims = entry["target"]
    if not isinstance(aims, Mapping):
        return float(aims)
    return float(aims[max((when for when in aims if float(when) <= seconds), key=float, default=min(aims, key=float))])


def check_method(name: str, options: Mapping[str, Any]) -> None:
    """Refuse a peer that is not known, has no problems or none of that name, and options that `solve` does not have.

    Raises:
        ConfigurationError: which, and what to do.
    """
    where = f"known_methods.{name}"
    if "peer" not in options:
        check_options(where, options)
        return
    peer, problems = options["peer"], options.get("problems")
    if peer not in RECIPES:
        raise ConfigurationError(f"{where}.peer: {peer!r} is not known; {choose(str(peer), RECIPES)}")
    if not problems:
        known = ", ".join(RECIPES[peer])
        raise ConfigurationError(f"{where}: {peer} has no problems; give {where}.problems, among {known}")
    for option in options:
        if option not in ("peer", "problems"):
            raise ConfigurationError(f"{where}.{option}: {peer} follows its recipe and takes no options; leave it out")
    check_names(f"{where}.problems", problems, RECIPES[peer])


def check_options(where: str, options: Mapping[str, Any]) -> None:
    """Refuse options that `solve` does not have, and those that each run sets itself.

    Raises:
        ConfigurationError: which, and what to do.
    """
    own = [option for option in ("problem", "seed", "seconds", "threads", "progress") if option in options]
    if own:
        raise ConfigurationError(f"{where}.{own[0]}: each run sets it; give {own[0]} to the benchmark, or leave it out")
    check(solve, {**options, "_partial_": True}, where)


def _settings(name: str, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is on file of a method: its options, or the recipe that the peer follows, which is as much a setting."""
    if "peer" not in options:
        return options
    return {"peer": options["peer"], "recipe": asdict(RECIPES[options["peer"]][name])}


def _positive(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0


def here(node: Any) -> Any:
    """A configuration with this package's own functions where the package lies: beside pinn, or in it in a wheel."""
    if isinstance(node, Mapping):
        return {key: here(value) for key, value in node.items()}
    if isinstance(node, list):
        return [here(value) for value in node]
    if isinstance(node, str) and node.startswith("experiments."):
        return f"{PACKAGE}{node.removeprefix('experiments')}"
    return node
