"""The gallery: applications that are to be run, checked before any starts, and the page that shows them.

An application is judged by one number: the relative L2 error of its outputs, the largest relative error of its unknown
coefficients, or that of quantities such as drag and frequencies. Beside it stand the error that the run estimated
itself, before it knew the truth, and its verdict. An error below that of the reference counts as that.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pinn.eigenvalues import eigenpairs
from pinn.solution import Solution

from ..command_line.configuration import ConfigurationError, check, check_names, choose, target
from .one_application import quantities_of
from .results import Record, Run
from .tables import heading, missing_table, table

AIM = 1e-4
"""The error that half of the applications are to be below."""
_TAKES = ("problem", "enough", "by", "quantities", "along", "eigenvalues", "shows", "cause")
_KEPT = ("problem", "quantities", "along", "eigenvalues", "shows")
_PICTURES = "gallery"
"""The folder beside the page in which its pictures lie."""


def plan(
    suite: Mapping[str, Any], applications: Sequence[str] | None, seed: int, seconds: float, options: Mapping[str, Any]
) -> list[Run]:
    """The runs, checked, in the order of the suite.

    Args:
        suite: name -> problem (a call), and what else `conf/gallery.yaml` says of it.
        applications: those to run; None for all.
        seed: of weights, points and noise-free choices of `solve`.
        seconds: of the processor, a run.
        options: of `solve`.

    Raises:
        ConfigurationError: for a name that is not known or given twice, an entry with a key that is none or a value
            that cannot be meant, or seconds that are not positive.
    """
    names = list(suite) if applications is None else list(applications)
    check_names("applications", names, suite)
    if isinstance(seconds, bool) or not seconds > 0:
        raise ConfigurationError(f"seconds={seconds}: expected a positive number; give such as seconds=40")
    for name in names:
        _check(name, suite[name])
    return [
        Run(
            name,
            "default",
            seed,
            min(float(seconds), float(suite[name].get("enough", seconds))),
            1,
            {"method": dict(options), **{key: suite[name][key] for key in _KEPT if key in suite[name]}},
            clock="processor",
        )
        for name in names
    ]


def _check(name: str, entry: Any) -> None:
    """Refuse an entry of the suite that cannot be run.

    Raises:
        ConfigurationError: which, and what to do.
    """
    where = f"suite.{name}"
    if not isinstance(entry, Mapping) or not isinstance(entry.get("problem"), Mapping):
        raise ConfigurationError(f"{where}: expected a mapping with a problem, got {entry!r}; give {where}.problem")
    for key in entry:
        if key not in _TAKES:
            raise ConfigurationError(f"{where}.{key}: an application has no such option; {choose(key, _TAKES)}")
    check(target(entry["problem"], f"{where}.problem"), entry["problem"], f"{where}.problem")
    enough = entry.get("enough", 1)
    if isinstance(enough, bool) or not isinstance(enough, (int, float)) or not enough > 0:
        raise ConfigurationError(f"{where}.enough: expected a positive number of seconds, got {enough!r}")
    by = entry.get("by", "error")
    if by not in ("error", "coefficients", "quantities"):
        raise ConfigurationError(f"{where}.by: got {by!r}, expected error, coefficients or quantities")
    if "quantities" in entry:
        try:
            quantities_of(str(entry["quantities"]))
        except (ImportError, AttributeError, ValueError) as error:
            raise ConfigurationError(f"{where}.quantities: {error}; give the dotted name of a function") from error
    elif by == "quantities":
        raise ConfigurationError(f"{where}.by: it has no quantities; give {where}.quantities, a function's dotted name")
    if "along" in entry and (not isinstance(entry["along"], Mapping) or len(entry["along"]) != 1):
        raise ConfigurationError(f"{where}.along: got {entry['along']!r}, expected one parameter: {{reynolds: [1, 2]}}")
    for key, function in (("eigenvalues", eigenpairs), ("shows", Solution.plot)):
        check(function, {**entry.get(key, {}), "_partial_": True}, f"{where}.{key}")


def judged(record: Mapping[str, Any], by: str) -> float:
    """The number that a finished run is judged by; infinity where it has none."""
    if by == "coefficients":
        found = list(record["coefficient_errors"].values())
    elif by == "quantities":
        found = [abs(value - true) / abs(true) for value, true in record["quantities"].values()]
    else:
        found = [] if record["error"] is None else [max(float(record["error"]), float(record["reference_error"]))]
    values = [math.inf if one is None or not math.isfinite(one) else float(one) for one in found]
    return max(values, default=math.inf)


def estimated(record: Mapping[str, Any], by: str) -> float | None:
    """The error of the same kind that the run estimated itself, what noise adds included; None where it did not."""
    known = record["estimate"] or {}
    noise = {name: value or 0.0 for name, value in record.get("noise", {}).items()}
    if by == "coefficients":
        errors = known.get("coefficient_errors", {}).items()
        return max((math.hypot(error, noise.get(name, 0.0)) for name, error in errors), default=None)
    found = known.get("error")
    return None if found is None else math.hypot(float(found), max(noise.values(), default=0.0))


def rows(records: Sequence[Record], suite: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the table says, a line an application, as plain values."""
    found = []
    for record in records:
        entry = suite[record["problem"]]
        by = entry.get("by", "error")
        error = judged(record, by)
        found.append(
            {
                "application": record["problem"],
                "by": by,
                "error": error if math.isfinite(error) else None,
                "estimated": estimated(record, by),
                "verdict": record["verdict"]["value"],
                "seconds": round(float(record["processor_seconds"]), 1),
                "steps": record["steps"],
                "reference_error": record["reference_error"],
                "met": error <= AIM,
                "cause": None if error <= AIM else entry.get("cause"),
                "quantities": record["quantities"],
                "coefficient_errors": record["coefficient_errors"],
            }
        )
    return found


def markdown(
    records: Sequence[Record], suite: Mapping[str, Any], command: str, gaps: Sequence[tuple[str, str, str]] = ()
) -> str:
    """The page: where the numbers come from, the table, and each application with its statement and picture.

    Args:
        records: finished runs.
        suite: of the configuration.
        command: what was typed.
        gaps: problem, method and reason of what was planned and is not finished.
    """
    lines = rows(records, suite)
    parts = [
        "# Gallery",
        "Problems as their fields state them, solved by `solve` with nothing but a time limit. The answer was found "
        "without the truth, which then measured it; *estimated* is the error that the run gave itself.",
        *_thumbnails([record["problem"] for record in records]),
        heading(records, command),
    ]
    if lines:
        below = sum(line["met"] for line in lines)
        parts += [
            table(
                ("application", "error", "estimated", "verdict", "truth’s error", "seconds", f"{AIM:.0e}"),
                [_cells(line) for line in lines],
            ),
            f"{below} of {len(lines)} applications are below {AIM:.0e}. Errors are relative L2 of all outputs; (C) the "
            "largest relative error of the unknown coefficients, (Q) that of the quantities. Seconds are the "
            "processor's, of all that the run does; a limit is looked at between steps.",
        ]
    parts += missing_table(gaps)
    for record, line in zip(records, lines, strict=True):
        parts += _section(record, line)
    return "\n\n".join(parts) + "\n"


def _thumbnails(names: Sequence[str]) -> list[str]:
    """All pictures in rows of one height, each a link to its application."""
    links = [f"[![{name}]({_PICTURES}/{name}.png){{ style='height:8em' }}](#{name})" for name in names]
    return ["\n".join(links)] if links else []


def _cells(line: Mapping[str, Any]) -> list[str]:
    kind = {"error": "", "coefficients": " (C)", "quantities": " (Q)"}[line["by"]]
    missed = f"missed: {line['cause']}" if line["cause"] else "missed"
    return [
        f"[{line['application']}](#{line['application']})",
        ("—" if line["error"] is None else f"{line['error']:.1e}") + kind,
        "—" if line["estimated"] is None else f"{line['estimated']:.1e}",
        line["verdict"],
        f"{line['reference_error']:.1e}" if line["reference_error"] > 0 else "exact",
        f"{line['seconds']:.0f}" if line["seconds"] >= 10 else f"{line['seconds']:.1f}",
        "met" if line["met"] else missed,
    ]


def _section(record: Mapping[str, Any], line: Mapping[str, Any]) -> list[str]:
    """Heading, statement, picture and what was found of one application."""
    name = record["problem"]
    address = record["settings"]["problem"]["_target_"]
    module = target(record["settings"]["problem"], "problem").__module__
    text = inspect.cleandoc(importlib.import_module(module).__doc__ or name)
    title, *others = text.split("\n\n")
    path = f"{module.replace('.', '/')}.py"
    parts = [
        f"## {name}",
        " ".join(title.split()),
        *(part for part in others if not part.startswith("Source")),
        f"![{address} as it was solved]({_PICTURES}/{name}.png)",
    ]
    found = [f"{key} {value:.6g} (true {true:.6g})" for key, (value, true) in line["quantities"].items()]
    found += [f"relative error of {key} {error:.1e}" for key, error in line["coefficient_errors"].items()]
    choice = address.removeprefix("pinn.problems.").replace(".", "/")
    end = f"Stated in [`{path}`](../{path}); on the command line `problem={choice}`."
    return [*parts, f"Found: {'; '.join(found)}. {end}" if found else end]
