"""Estimates against truth: which are near, which answers are trusted and wrong, which are right and refused.

An answer is judged by the relative L2 error of its outputs, or by the largest relative error of its unknowns (C), and
its estimate by the same. Rules, each counted: an estimate is near within a factor of three of the truth; a trusted
answer is wrong when its error is more than ten times the error it is trusted to, or above 5 %, or when the problem has
other answers; an answer is right when its error is below 1e-4 and the problem determines it, and then it must not be
refused. Below the reference's own error, and below rounding, a ratio says nothing and counts as one.
"""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .results import Record, Run, finished, key, missing
from .tables import heading, judged, missing_table, table

NEAR, FAR = 3.0, 10.0  # factors between estimate and truth
WRONG, RIGHT = 0.05, 1e-4  # relative errors
ROUNDING = 1e-13


@dataclass(frozen=True)
class Judged:
    """One run, as it is counted.

    Attributes:
        problem, stage, seed: which.
        error: the true one, infinite where it is no number, NaN where no truth is known.
        estimate: of the certificate, NaN where there is none.
        floor: what the reference is known to be wrong by.
        carried: share of the residual that the solves left.
        stability: smallest singular value.
        verdict: in words.
        trusted: whether the answer is called trusted.
        stated: the error that it is trusted to, NaN where none is stated.
        determined: whether the problem has one answer.
        steps: after which it ended.
        taken: whether an earlier stage had ended by itself, and this is the same run.
    """

    problem: str
    stage: str
    seed: int
    error: float
    estimate: float
    floor: float
    carried: float
    stability: float
    verdict: str
    trusted: bool
    stated: float
    determined: bool
    steps: int | None = None
    taken: bool = False

    @property
    def ratio(self) -> float:
        """Estimate over truth; NaN where one of them is missing."""
        if not (math.isfinite(self.error) and math.isfinite(self.estimate)):
            return math.nan
        floor = max(self.floor, ROUNDING)
        return max(self.estimate, floor) / max(self.error, floor)

    def within(self, factor: float) -> bool:
        """Whether estimate and truth differ by less than a factor."""
        return 1 / factor <= self.ratio <= factor

    @property
    def wrong_and_trusted(self) -> bool:
        """What must never be."""
        if not self.trusted:
            return False
        stated = self.stated if math.isfinite(self.stated) else self.estimate
        beyond = math.isfinite(stated) and self.error > FAR * max(stated, self.floor, ROUNDING)
        return beyond or self.error > WRONG or not self.determined

    @property
    def right_and_refused(self) -> bool:
        """What should never be."""
        return self.determined and self.error < RIGHT and not self.trusted


def judge(record: Record, suite: Mapping[str, Any]) -> Judged:
    """A finished run as it is counted."""
    entry, found, said = suite[record["problem"]], record.get("estimate") or {}, record.get("verdict") or {}
    coefficients = entry.get("by", "error") == "coefficients"
    guesses = found.get("coefficient_errors") or {}
    estimate = max(map(_number, guesses.values()), default=math.nan) if coefficients else _number(found.get("error"))
    return Judged(
        problem=record["problem"],
        stage=record["method"],
        seed=int(record["seed"]),
        error=_error(record, suite),
        estimate=estimate,
        floor=0.0 if coefficients else float(record.get("reference_error") or 0.0),
        carried=_number(found.get("carried")),
        stability=_number(found.get("stability")),
        verdict=str(said.get("value", "none")),
        trusted=bool(said.get("trusted", False)),
        # The error that a verdict states is that of the outputs.
        stated=math.nan if coefficients else _number(said.get("error")),
        determined=bool(entry.get("determined", True)),
        steps=record.get("steps"),
        taken="taken_from" in record,
    )


def same_runs(planned: Sequence[Run], records: Sequence[Record], revision: str | None = None) -> list[Record]:
    """Records of later stages that are the run of an earlier one, which had ended by itself before its last step.

    A run of more steps then does the same: points, weights and solves follow from the seed, and none of them looks at
    the number of steps to come. What a limit had cut, of steps or seconds, might have gone on and is run again.

    Args:
        planned: all runs.
        records: on file.
        revision: count only those of this git revision; left out, all.

    Returns:
        those of planned runs that are not on file, each with the stage that it is `taken_from`.
    """
    done = finished(records, revision)
    ended = [one for one in done.values() if one.get("ended_by_itself") and one["steps"] < _steps(one)]
    found = []
    for run in missing(planned, records, revision):
        for one in ended:
            settings = {**one["settings"], "method": {**one["settings"]["method"], "steps": _steps(run.as_dict())}}
            same = {**one, "method": run.method, "settings": settings, "taken_from": one["method"]}
            if _steps(one) < _steps(same) and key(same) == key(run.as_dict()):
                found.append(same)
                break
    return found


def _steps(record: Mapping[str, Any]) -> int:
    """Optimizer steps that a run may take."""
    return int(record["settings"]["method"]["steps"])


def _error(record: Record, suite: Mapping[str, Any]) -> float:
    """The true error; where several values of the unknowns are right, that to the nearest."""
    answers: Mapping[str, Sequence[float]] = suite[record["problem"]].get("answers") or {}
    if not answers:
        return judged(record, suite)
    found = record["coefficients"]
    return max(min(abs(found[name] / one - 1) for one in values) for name, values in answers.items())


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def account(
    records: Sequence[Record],
    suite: Mapping[str, Any],
    command: str,
    gaps: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The whole account: where it comes from, the counts, what broke a rule, each problem and stage, what is missing.

    Args:
        records: finished runs.
        suite: the problems.
        command: what was typed.
        gaps: problem, stage and reason of what was planned and is not finished.
    """
    runs = [judge(record, suite) for record in records]
    parts = [heading(records, command)]
    if runs:
        parts += [
            "Estimate against truth: relative L2 errors on a fixed grid, or the largest relative one of unknowns (C). "
            "Problems were solved without their references and true coefficients.",
            counts(runs),
            *broken(runs),
            "By problem and stage, medians over seeds (least–greatest ratio); carried: the share of the residual that "
            "the solves left, near 1 where the estimate is a rough one.",
            stages_table(runs, suite),
        ]
    return "\n\n".join([*parts, *missing_table(_by_problem(gaps))]) + "\n"


def _by_problem(gaps: Sequence[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What is missing, one line a problem: stages that lack the same are named together."""
    stages: dict[str, dict[str, list[str]]] = {}
    for problem, stage, why in gaps:
        stages.setdefault(problem, {}).setdefault(why, []).append(stage)
    found = []
    for problem, by_why in stages.items():
        one = next(iter(by_why)) if len(by_why) == 1 else ""
        why = one or "; ".join(f"{_joined(names)}: {why}" for why, names in by_why.items())
        found.append((problem, _joined([name for names in by_why.values() for name in names]), why))
    return found


def _joined(stages: Sequence[str]) -> str:
    """Such as "30, 100 steps"."""
    return ", ".join([*(name.removesuffix(" steps") for name in stages[:-1]), stages[-1]])


def counts(runs: Sequence[Judged]) -> str:
    """The rules and how often each is kept."""
    known = [run for run in runs if math.isfinite(run.ratio) and run.determined]
    trusted, once = [run for run in known if run.trusted], [run for run in known if not run.taken]
    judgeable = [run for run in runs if not math.isnan(run.error) or not run.determined]
    rows = [
        ["estimates within a factor 3 of the truth", _share(sum(run.within(NEAR) for run in known), len(known))],
        ["the same, a run of several stages once", _share(sum(run.within(NEAR) for run in once), len(once))],
        ["of those trusted, within a factor 10", _share(sum(run.within(FAR) for run in trusted), len(trusted))],
        ["wrong and trusted", _share(sum(run.wrong_and_trusted for run in judgeable), len(judgeable))],
        ["right and refused", _share(sum(run.right_and_refused for run in judgeable), len(judgeable))],
    ]
    return table(("rule", "runs"), rows)


def _share(count: int, whole: int) -> str:
    return f"{count} of {whole}" + (f" ({count / whole:.0%})" if whole else "")


def broken(runs: Sequence[Judged]) -> list[str]:
    """Every run that breaks a rule, with its numbers; nothing where none does."""
    rows = [
        [
            "trusted, wrong" if run.wrong_and_trusted else "right, refused",
            *(run.problem, run.stage, str(run.seed)),
            *(f"{value:.1e}" for value in (run.error, run.estimate, run.carried, run.stability)),
            run.verdict,
        ]
        for run in runs
        if run.wrong_and_trusted or run.right_and_refused
    ]
    names = ("what", "problem", "stage", "seed", "error", "estimate", "carried", "stability", "verdict")
    return ["What breaks a rule:", table(names, rows)] if rows else []


def stages_table(runs: Sequence[Judged], suite: Mapping[str, Any]) -> str:
    """Error, estimate, their ratio and the verdicts, one line a problem and stage, or stages that are the same run."""
    groups: dict[tuple[str, str], list[Judged]] = {}
    for run in runs:
        groups.setdefault((run.problem, run.stage), []).append(run)
    stages: dict[tuple[str, str], list[str]] = {}
    last: dict[str, tuple[str, str]] = {}
    for (problem, stage), some in groups.items():
        seeds = {run.seed for run in groups.get(last.get(problem, ("", "")), [])}
        if not (all(run.taken for run in some) and seeds == {run.seed for run in some}):
            last[problem] = problem, stage
        stages.setdefault(last[problem], []).append(stage)
    rows = []
    for (problem, first), same in stages.items():
        some = groups[problem, first]
        ended = sorted({run.steps for run in some if run.steps is not None}) if len(same) > 1 else []
        after = f"; ended after {' to '.join(map(str, dict.fromkeys([ended[0], ended[-1]])))}" if ended else ""
        stage = _joined(same) + after
        coefficients = " (C)" if suite[problem].get("by", "error") == "coefficients" else ""
        ratios = [run.ratio for run in some if math.isfinite(run.ratio)]
        verdicts = [run.verdict for run in some]
        rows.append(
            [
                problem + coefficients,
                stage,
                _median([run.error for run in some]),
                _median([run.estimate for run in some]),
                f"{statistics.median(ratios):.2g} ({min(ratios):.2g}–{max(ratios):.2g})" if ratios else "—",
                _median([run.carried for run in some]),
                _median([run.stability for run in some]),
                ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts)),
                str(suite[problem].get("cause", "")),
            ]
        )
    names = ("problem", "stage", "error", "estimate", "estimate / error", "carried", "stability", "verdict", "cause")
    return table(names, rows)


def _median(values: Sequence[float]) -> str:
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "—"
    median = statistics.median(known)
    return f"{median:.1e}" if math.isfinite(median) else "diverged"


def listing(records: Sequence[Record], suite: Mapping[str, Any]) -> str:
    """One line a run, comma separated, for whoever wants to draw it otherwise."""
    names = (
        *("problem", "stage", "seed", "error", "estimate", "ratio", "floor", "carried", "stability", "verdict"),
        *("trusted", "stated", "determined", "wrong_and_trusted", "right_and_refused"),
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for record in records:
        run = judge(record, suite)
        writer.writerow([getattr(run, name) for name in names])
    return text.getvalue()


def picture(records: Sequence[Record], suite: Mapping[str, Any], path: Path) -> None:
    """Estimate against truth, both logarithmic, one point a run, coloured by verdict; bands: factors three and ten.

    Runs of problems that are not determined have no error to estimate, and are left out.
    """
    import numpy as np

    from pinn.plotting.canvas import INK, MUTED, PALETTE, new_figure, quiet, save

    runs = [run for run in (judge(record, suite) for record in records) if math.isfinite(run.ratio)]
    runs = [run for run in runs if run.error > 0 and run.estimate > 0 and run.determined]
    figure = new_figure(6.4, 5.6)
    axes = quiet(figure.add_subplot())
    values = [value for run in runs for value in (run.error, run.estimate)] or [1e-6, 1.0]
    low, high = min(values) / 3, max(values) * 3
    line = np.array([low, high])
    axes.fill_between(line, line / FAR, line * FAR, color=MUTED, alpha=0.12, lw=0, label="within 10")
    axes.fill_between(line, line / NEAR, line * NEAR, color=MUTED, alpha=0.25, lw=0, label="within 3")
    axes.plot(line, line, color=INK, lw=0.8)
    verdicts = sorted({run.verdict for run in runs}, key=lambda name: (name != "trusted", name))
    others = [color for color in PALETTE if color != PALETTE[3]]
    for index, name in enumerate(verdicts):
        some = [run for run in runs if run.verdict == name]
        color = PALETTE[3] if name == "trusted" else others[index % len(others)]
        axes.plot(
            [run.error for run in some],
            [run.estimate for run in some],
            *("o",),
            color=color,
            ms=4.5,
            alpha=0.8,
            label=f"{name} ({len(some)})",
        )
    if broke := [run for run in runs if run.wrong_and_trusted or run.right_and_refused]:
        errors, estimates = [run.error for run in broke], [run.estimate for run in broke]
        axes.plot(errors, estimates, "o", mfc="none", mec=INK, ms=9, label="breaks a rule")
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    axes.set_xlabel("true error", fontsize=10)
    axes.set_ylabel("estimated error", fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    save(figure, path)
