"""Sweeps: what varies in the names of their folders, and a table of all results at their end.

A run of `--multirun problem=poisson_2d,heat_1d seed=0,1` has a folder such as `2_problem-heat_1d_seed-0`. When all have
ended, wherever they ran, the table of what they differ in and what came out is printed and written to the sweep's
folder as `table.md`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from .errors import ConfigurationError
from .overrides import CONF, groups, words
from .run_folder import write_text

TABLE = "table.md"
_PLAIN = re.compile(r"[\w.+-]{1,24}")  # values that make a folder's name; others are told by the table alone
_LONGEST = 100  # characters of a name
_BASIC = "basic"
_CALLBACK = "hydra.callbacks.table._target_"


class SweepTable(Callback):
    """Hydra's callback: the table, when all runs of a sweep have ended."""

    def on_multirun_end(self, config: DictConfig, **rest: Any) -> None:
        """Print and write it."""
        from ..benchmarks.tables import table as in_markdown
        from ..compare import laid_out, read, table  # which loads Matplotlib

        folder = Path(config.hydra.sweep.dir)
        runs = [read(one) for one in ended(folder)]
        if not runs:
            return
        rows = table(runs)
        write_text(folder / TABLE, in_markdown(rows[0], rows[1:]) + "\n")
        print(f"\n{laid_out(rows)}\nwritten to {folder / TABLE}")


def ended(folder: Path) -> list[Path]:
    """The folders of those runs of a sweep that have ended with results, in the order of their numbers.

    Args:
        folder: of the sweep.
    """
    found = {path.parent.relative_to(folder): path.parent for path in folder.glob("*/**/metrics.json")}
    return [found[one] for one in sorted(found, key=lambda one: (_number(one.parts[0]), one))]


def of_sweep(arguments: Sequence[str], ranks: int = 1) -> list[str]:
    """What is added to a command line that is a sweep; nothing to another.

    Args:
        arguments: of the command line, as Hydra takes them.
        ranks: that share the points of each run.

    Raises:
        ConfigurationError: where several ranks are to run a sweep in further processes.
    """
    if not ({"-m", "--multirun"} & set(arguments)):
        return []
    parser = OverridesParser.create()
    overrides = [parser.parse_override(line) for line in words(arguments).overrides]
    given = {override.key_or_group: override for override in overrides}
    launcher = given.get("hydra/launcher")
    if ranks > 1 and launcher is not None and launcher.value() != _BASIC:
        raise ConfigurationError(
            f"hydra/launcher={launcher.value()}: {ranks} ranks share the points of one run at a time; leave it out, or "
            "start without torchrun"
        )
    more = [f"+{_CALLBACK}={SweepTable.__module__}.{SweepTable.__name__}"]
    if "hydra.sweep.subdir" not in given:
        more.append(f"hydra.sweep.subdir='{_subfolder(overrides)}'")
    return more


def _subfolder(overrides: Sequence[Override]) -> str:
    """The name of a run's folder, with Hydra's references to what the sweep varies."""
    known, name, length = groups([CONF]), "${hydra:job.num}", 4
    swept = [override for override in overrides if override.is_sweep_override()]
    for override in swept:
        key = override.key_or_group
        values = [] if override.is_interval_sweep() else [str(one) for one in override.sweep_string_iterator()]
        longest = len(key) + 2 + max(map(len, values), default=0)
        if key.startswith("hydra") or not all(map(_PLAIN.fullmatch, values)) or length + longest > _LONGEST:
            continue
        length += longest
        name += f"_{key}-" + (f"${{hydra:runtime.choices.{key}}}" if key in known else f"${{{key}}}")
    return name if swept else "${hydra:job.num}_${hydra:runtime.choices.problem}"


def _number(name: str) -> int:
    """The number that a folder's name begins with; those without one come last."""
    found = re.match(r"\d+", name)
    return int(found[0]) if found else sys.maxsize
