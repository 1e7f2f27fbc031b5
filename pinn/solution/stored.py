"""Solutions in files: written whole, checked bit by bit when read, and compared with the problem they are read for."""

from __future__ import annotations

import os
import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from pinn import archive
from pinn.ambient import default_dtype, plain_tensors
from pinn.archive import DamagedFileError
from pinn.identity import differences, identity
from pinn.model import Model, NetworkFactory
from pinn.problem import Problem
from pinn.scales import unit_scales
from pinn.solution.history import History
from pinn.structure import described, rebuilt
from pinn.verification.certificate import Certificate

_ENTRIES = {"kind", "name", "identity", "model", "coefficients", "history", "certificate"}


@dataclass(frozen=True)
class Parts:
    """What a file holds of a solution."""

    problem: Problem
    model: Model
    history: History
    certificate: Certificate | None


def save(path: str | os.PathLike[str], parts: Parts) -> None:
    """See `Solution.save`."""
    coefficients = {name: float(value.detach()) for name, value in parts.model.coefficients().items()}
    archive.write(
        path,
        {
            "kind": "solution",
            "name": parts.problem.name,
            "identity": identity(parts.problem),
            "model": described(parts.model),
            "coefficients": coefficients,
            "history": parts.history.as_plain(),
            "certificate": None if parts.certificate is None else parts.certificate.as_plain(),
        },
    )


def load(path: str | os.PathLike[str], problem: Problem, network: NetworkFactory | None, force: bool) -> Parts:
    """See `Solution.load`."""
    content = archive.read(path) if archive.is_archive(path) else _as_now(path, _earlier(path), problem)
    require_kind(path, content, "solution", _ENTRIES)
    if not force:
        require_same(path, content, problem)
    try:
        dtype = getattr(torch, str(content["model"]["dtype"]), None)
        with plain_tensors(), default_dtype(dtype if dtype in (torch.float32, torch.float64) else torch.float64):
            model = rebuilt(str(path), problem, content["model"], network)
            plain = content["certificate"]
            certificate = None if plain is None else Certificate.from_plain(plain)
            return Parts(problem, model, History.from_plain(content["history"]), certificate)
    except (KeyError, AttributeError) as error:
        raise DamagedFileError(f"{path}: it lacks what a solution has ({error})") from error


def require_kind(path: str | os.PathLike[str], content: Mapping[str, Any], kind: str, entries: set[str]) -> None:
    """Refuse a file that holds something else.

    Raises:
        DamagedFileError: saying what it holds.
    """
    if content.get("kind") != kind or not entries <= set(content):
        raise DamagedFileError(f"{path}: it holds a {content.get('kind', 'thing of another kind')}, expected a {kind}")


def require_same(path: str | os.PathLike[str], content: Mapping[str, Any], problem: Problem) -> None:
    """Refuse a file of another problem.

    Raises:
        ValueError: naming all that differs.
    """
    found = differences(content["identity"], problem)
    if found:
        raise ValueError(
            f"{path}: it is of another problem ({content['name']}): {'; '.join(found)}; give the problem that it "
            "solves, or force=True to load it all the same"
        )


def _earlier(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a file of version 1 or 2, which are torch's; they hold no identity but names.

    Raises:
        DamagedFileError: where it is none of them, or cannot be read.
    """
    if not zipfile.is_zipfile(path):
        raise DamagedFileError(f"{path}: this is no file of pinn, or its beginning is damaged; give one that it wrote")
    try:
        with zipfile.ZipFile(path) as file:
            broken = file.testzip()
        if broken is not None:
            raise DamagedFileError(f"{path}: damaged, its entry {broken} is not what was written; take a copy of it")
        content = torch.load(path, weights_only=True, map_location="cpu")
    except (zipfile.BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, KeyError, NotImplementedError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DamagedFileError(f"{path}: it cannot be read without running code of it ({said:.120})") from None
    if not isinstance(content, dict) or content.get("version") not in (1, 2):
        raise DamagedFileError(f"{path}: not a solution file; write one with Solution.save")
    return content


def _as_now(path: str | os.PathLike[str], content: Mapping[str, Any], problem: Problem) -> dict[str, Any]:
    """The content of a file of version 1 or 2 as one of this version.

    Version 1 had sizes of outputs but no shifts, and the first guess of an unknown was its size.
    """
    try:
        state, scales = dict(content["state"]), dict(content.get("scales", {}))
        network = {"class": content["network"], "arguments": dict(content["arguments"])}
        if content["version"] == 1:
            state["shifts"] = torch.zeros_like(state["sizes"])
            unknowns = {name: abs(one.initial) or 1.0 for name, one in problem.unknowns.items()}
            state["unknown_sizes"] = torch.tensor(list(unknowns.values()), dtype=torch.float64)
            outputs = {
                name: [0.0, size] for name, size in zip(content["outputs"], state["sizes"].tolist(), strict=True)
            }
            rows = {name: list(ones) for name, ones in unit_scales(problem).rows.items()}
            scales = {"outputs": outputs, "rows": rows, "unknowns": unknowns}
        fields = {name: network for name, one in problem.unknowns.items() if one.inputs}
        model = {"network": network, "fields": fields, "dtype": content["dtype"], "scales": scales, "state": state}
        return {
            "kind": "solution",
            "name": content["problem"],
            "identity": {what: content[what] for what in ("coordinates", "outputs")},
            "model": model,
            "coefficients": content["coefficients"],
            "history": History(content["history"]).as_plain(),
            "certificate": content.get("certificate"),
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedFileError(f"{path}: it lacks what version {content['version']} has ({error})") from None
