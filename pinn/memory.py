"""How much memory there is: of the machine, or of the control group that a container or a batch job is confined to.

`total` does not change while a machine runs, so that what is decided by it is the same in every run; `available` is
what is free now, for refusals of what cannot end well. Linux control groups of version 2 (`memory.max`; kernel
documentation, "Control Group v2", memory controller) and 1; elsewhere the machine's own numbers, or no limit where it
tells none.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator
from pathlib import Path

import torch

_GROUPS = Path("/sys/fs/cgroup")


def total(device: torch.device | None = None) -> float:
    """Bytes that a program may take at the most; infinite where nothing tells.

    Args:
        device: whose memory is meant; left out, the processor's.
    """
    if device is not None and device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[1])
    machine = math.inf
    with contextlib.suppress(ValueError, OSError, AttributeError):
        machine = float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    return min([machine, *(limit for limit, _ in _limits())])


def available(device: torch.device | None = None) -> float:
    """Bytes that can still be taken now, file caches counted as free; infinite where nothing tells."""
    if device is not None and device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0]) + torch.cuda.memory_reserved(device)
    machine = math.inf
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                machine = 1024.0 * float(line.split()[1])
    return min([machine, *(max(limit - used, 0.0) for limit, used in _limits())])


def _limits(groups: Path = _GROUPS, own: Path = Path("/proc/self/cgroup")) -> Iterator[tuple[float, float]]:
    """Limit and use, in bytes, of each control group with a limit that this process is in."""
    lines = []
    with contextlib.suppress(OSError):
        lines = own.read_text(encoding="utf-8").splitlines()
    for line in lines:
        _, kind, path = line.split(":", 2)
        if kind == "":
            names, place = ("memory.max", "memory.current", "inactive_file"), groups / path.lstrip("/")
        elif "memory" in kind.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            place = groups / "memory" / path.lstrip("/")
        else:
            continue
        root = groups if kind == "" else groups / "memory"
        while place.is_relative_to(root):
            with contextlib.suppress(OSError, ValueError):
                limit = float((place / names[0]).read_text())  # "max" is no number, and no limit
                used = float((place / names[1]).read_text()) - _counted(place / "memory.stat", names[2])
                yield limit, used
            place = place.parent


def _counted(statistics: Path, name: str) -> float:
    """One entry of `memory.stat`; zero where it is not there."""
    with contextlib.suppress(OSError, ValueError):
        for line in statistics.read_text().splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
    return 0.0


def in_words(size: float) -> str:
    """A number of bytes for people.

    Example:
        >>> in_words(2.79e11), in_words(5e5)
        ('279 GB', '0.5 MB')
    """
    unit, name = (1e9, "GB") if size >= 1e9 else (1e6, "MB")
    return f"{size / unit:.3g} {name}"
