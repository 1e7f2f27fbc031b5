"""Applications from many fields, solved, measured against their truths and drawn.

    python -m experiments.gallery                                             # all, 90 processor seconds each at most
    python -m experiments.gallery applications=[solovev,scattering] seconds=40
    python -m experiments.gallery only_report=true                            # the page again from the file

Each is a call of `solve` in a process of its own, on one thread and without the truth. What is finished in
`results.jsonl` of the folder is not run again. `table.md` is the page with `gallery/NAME.png` beside it, `table.json`
has its numbers; `python -m experiments.figures` takes both to `docs/gallery.md`. The exit code is 1 when a run failed.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from .benchmarks import applications as account
from .benchmarks import session
from .benchmarks.one_run import PACKAGE, perform, revision
from .benchmarks.results import Record, Run, chosen, read
from .command_line.overrides import CONF
from .command_line.run_folder import write_json


def gallery(
    suite: dict[str, Any],
    seed: int,
    seconds: float,
    folder: str,
    applications: list[str] | None = None,
    options: dict[str, Any] | None = None,
    same_revision: bool = False,
    only_report: bool = False,
    invocation: session.Invocation | None = None,
) -> None:
    """Run what is missing and write the page.

    Args:
        suite: name -> problem (a call), and what else there is to say of an application.
        seed: of weights and points.
        seconds: of the processor, a run at the most.
        folder: where `results.jsonl`, `table.md`, `table.json` and the pictures lie.
        applications: those to run; left out, the whole suite.
        options: of `solve`; left out, its own.
        same_revision: count only runs of this git revision as finished.
        only_report: run nothing.
        invocation: the start of the program that this belongs to; left out, one of its own.
    """
    invocation = invocation or session.Invocation(session.name_of_session())
    planned = account.plan(suite, applications, seed, seconds, options or {})
    place = Path(folder)
    if not only_report:
        module = f"{PACKAGE}.benchmarks.one_application"
        performing = functools.partial(perform, module=module, pictures=place / "gallery")
        same = revision() if same_revision else None
        session.carry_out(planned, place, 1, invocation.session, same=same, performing=performing)
    shown = session.whole(planned, folder, invocation, plan_of)

    def text(records: Sequence[Record], gaps: Sequence[tuple[str, str, str]]) -> str:
        return account.markdown(records, suite, invocation.command, gaps)

    session.report(place, shown, text, None)
    lines = account.rows(chosen(shown, read(place / "results.jsonl")), suite)
    write_json(place / "table.json", {"applications": lines})


def plan_of(call: session.Call, beside: int) -> list[Run]:
    """The plan of a job's configuration; its runs follow each other, whatever goes on beside."""
    given = session.with_defaults(gallery, call)
    return account.plan(given["suite"], given["applications"], given["seed"], given["seconds"], given["options"] or {})


def main() -> None:
    """Entry of `python -m experiments.gallery`."""
    invocation = session.begin("gallery", gallery, plan_of, ("applications", "seed"))

    def run(config: DictConfig) -> None:
        session.job(config, gallery, invocation)

    hydra.main(version_base="1.3", config_path=str(CONF), config_name="gallery")(run)()
    session.end(invocation)


if __name__ == "__main__":
    # Not as __main__: a launcher that starts processes hands them functions by the name of their module.
    importlib.import_module(f"{PACKAGE}.gallery").main()
