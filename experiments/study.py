"""Search for the best options: a sweep in which Optuna proposes what to run next, from what came out so far.

    python -m experiments.study problem=heat_1d network=mlp network.width=range(4,41,4) network.depth=1,2,3 steps=50
    python -m experiments.study study.trials=50 optimizer=adam 'optimizer.lr=tag(log,interval(1e-4,1e-1))' ...
    python -m experiments.study study.storage=sqlite:///outputs/study.db ...    # goes on where it was; start it twice

Everything is said as for `experiments.train`; what has several values is searched: a list, `range(first,end,step)`,
`interval(low,high)`, of whole numbers `int(interval(4,40))`, by orders of magnitude `tag(log,interval(1e-4,1))`. What
is to be least is the relative error of a run, or where there is no reference its estimate. Each trial is a run with a
folder of its own; `study.json` beside them has all trials and the number of the best.

Proposals are those of tree-structured Parzen estimators (Bergstra et al., Algorithms for hyper-parameter optimization,
NIPS 2011); the same for the same seed. `pip install "pinn[optuna]"` brings Optuna. Hydra's own plugin for it
(hydra-optuna-sweeper 1.3.0) wants an Optuna of 2022.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, IntervalSweep, Override, RangeSweep
from omegaconf import DictConfig, OmegaConf

from pinn.solver import solve
from pinn.validation import count

from .command_line.configuration import ConfigurationError, build, check
from .command_line.overrides import CONF, clean_exit, prepare, words
from .command_line.run_folder import write_json
from .command_line.working_folder import importable
from .train import APART, run

_OWN = "study."


@dataclass(frozen=True)
class Study:
    """How to search.

    Args:
        trials: in all, those that the storage has already among them.
        seed: of the proposals.
        name: of the study in its storage.
        storage: a database, such as `sqlite:///outputs/study.db`, with which the study goes on; left out, none.
        folder: for the folders of the runs and `study.json`; left out, a new one in `outputs/studies`.
    """

    trials: int = 20
    seed: int = 0
    name: str = "pinn"
    storage: str | None = None
    folder: str | None = None

    def __post_init__(self) -> None:
        count("study", 1, trials=self.trials)
        count("study", 0, seed=self.seed)

    def place(self) -> Path:
        """The folder, made."""
        now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
        path = Path("outputs") / "studies" / now if self.folder is None else Path(self.folder)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def begun(self) -> Any:
        """Optuna's study: a new one, or one that goes on.

        Raises:
            ImportError: where Optuna is not installed.
        """
        try:
            import optuna
        except ImportError:
            raise ImportError('study: optuna is not installed; pip install "pinn[optuna]" brings it') from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return optuna.create_study(
            study_name=self.name,
            storage=self.storage,
            sampler=optuna.samplers.TPESampler(seed=self.seed),
            load_if_exists=self.storage is not None,
        )


def search(study: Study, flags: list[str], fixed: list[str], space: Mapping[str, Any]) -> dict[str, Any]:
    """Run the trials and return what `study.json` holds.

    Args:
        study: how to search.
        flags: of Hydra, for every run.
        fixed: overrides of every run.
        space: where Optuna is to search, by key.

    Raises:
        SystemExit: of a run that was broken off or refused.
    """
    found = study.begun()
    folder = study.place()
    while len(found.trials) < study.trials:
        trial = found.ask(dict(space))
        chosen = [f"{key}={trial.params[key]}" for key in space]
        value = _run([*flags, *fixed, *chosen, f"hydra.run.dir='{folder / str(trial.number)}'"])
        if value is not None and math.isfinite(value):
            found.tell(trial, value)
        else:
            from optuna.trial import TrialState

            found.tell(trial, state=TrialState.FAIL)
        write_json(folder / "study.json", told(found))
        shown = " ".join(line.lstrip("+") for line in chosen)
        print(f"trial {trial.number}: {'no error' if value is None else f'{value:.2g}'} with {shown}", flush=True)
    result = told(found)
    write_json(folder / "study.json", result)
    print(f"best: {'none' if result['best'] is None else 'trial {}'.format(result['best'])}; see {folder}/study.json")
    return result


def distribution(override: Override) -> Any:
    """Where Optuna is to search, for what a command line says.

    Raises:
        ConfigurationError: for what is neither a list, a range nor an interval, or an interval that is empty or has no
            logarithm.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value, said = override.value(), (override.input_line or "").lstrip("+")
    if isinstance(value, ChoiceSweep):
        return CategoricalDistribution(list(override.sweep_string_iterator()))
    if isinstance(value, IntervalSweep) and value.start is not None and value.end is not None:
        log = "log" in value.tags
        if not (0 if log else -math.inf) < value.start <= value.end:
            raise ConfigurationError(
                f"{said}: expected ends in order{', above zero' if log else ''}; give such as "
                f"{'tag(log,interval(1e-4,1))' if log else 'interval(0.1,1)'}"
            )
        if isinstance(value.start, int) and isinstance(value.end, int):
            return IntDistribution(value.start, value.end, log=log)
        return FloatDistribution(value.start, value.end, log=log)
    if isinstance(value, RangeSweep):
        places = list(value.range())
        if len(places) > 1 and all(isinstance(place, int) for place in places):
            return IntDistribution(min(places), max(places), step=abs(places[1] - places[0]))
        return CategoricalDistribution(places)
    raise ConfigurationError(f"{said}: this cannot be searched; give a list a,b, range(4,41,4) or interval(0.1,1)")


def told(study: Any) -> dict[str, Any]:
    """A study of Optuna as plain values: all trials, and the number of the best, None where there is none."""
    trials = [
        {
            "number": trial.number,
            "parameters": {key.lstrip("+"): value for key, value in trial.params.items()},
            "error": trial.value,
        }
        for trial in study.trials
    ]
    done = [trial for trial in trials if trial["error"] is not None]
    return {"trials": trials, "best": min(done, key=lambda trial: trial["error"])["number"] if done else None}


def _run(arguments: list[str]) -> float | None:
    """One run of `experiments.train`; None where it ended by an error, which it has told.

    Raises:
        SystemExit: where it was broken off by a signal, or refused.
    """
    values: list[float | None] = []
    sys.argv[1:] = arguments

    def job(config: DictConfig) -> None:
        values.append(run(config))

    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
    except SystemExit as ended:
        if ended.code != 1:
            raise
    return values[0] if values else None


def _options(overrides: list[str]) -> tuple[Study, list[str]]:
    """The study's own options, and the other overrides.

    Raises:
        ConfigurationError: for an option that a study has not.
    """
    own = [line for line in overrides if line.startswith(_OWN)]
    given = OmegaConf.to_container(OmegaConf.from_dotlist([line.removeprefix(_OWN) for line in own]))
    assert isinstance(given, dict)
    call = {str(key): value for key, value in given.items()}
    check(Study, call, "study")
    return build(Study, call, "study"), [line for line in overrides if line not in own]


def main() -> None:
    """Entry of `python -m experiments.study`."""
    importable()
    with clean_exit():
        given = words(sys.argv[1:])
        study, others = _options(list(given.overrides))
        flags = [argument for argument in sys.argv[1:] if argument not in given.overrides]
        if "--multirun" in flags or "-m" in flags:
            raise ConfigurationError("study: a study is a sweep by itself; leave --multirun out")
        sys.argv[1:] = [*flags, *others]
        prepare("config", solve, APART)
        marked = OverridesParser.create().parse_overrides(list(words(sys.argv[1:]).overrides))
        searched = [one for one in marked if one.is_sweep_override()]
        fixed = [one.input_line or "" for one in marked if not one.is_sweep_override()]
        if given.only_tells:
            hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(run)()
            return
        if not searched:
            raise ConfigurationError(
                "study: nothing has several values; give such as network=mlp network.width=range(4,41,4)"
            )
        study.begun()  # whatever is missing is said before the first run
        space = {one.get_key_element(): distribution(one) for one in searched}
    search(study, flags, fixed, space)


if __name__ == "__main__":
    main()
