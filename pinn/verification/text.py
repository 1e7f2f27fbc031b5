"""The text of an equation at the place where something was found in it."""

from __future__ import annotations

import linecache
import sys
from pathlib import Path

import torch

import pinn.derivatives

_ROOMS = tuple(str(Path(str(module.__file__)).parent) for module in (pinn.derivatives, torch))


def text_of_caller(file: str) -> str:
    """The expression at which the user's own code was left, as it is written; empty where its text is not at hand.

    Args:
        file: whose functions are not the user's, as those of this one, of `pinn.derivatives` and of torch.
    """
    frame = sys._getframe(1)
    while frame is not None and (frame.f_code.co_filename == file or frame.f_code.co_filename.startswith(_ROOMS)):
        frame = frame.f_back  # type: ignore[assignment]
    if frame is None:
        return ""
    first, last, start, stop = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    if first is None or first != last or start is None or stop is None:
        return linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    line = linecache.getline(frame.f_code.co_filename, first)
    return line.encode()[start:stop].decode(errors="replace").strip()  # columns are counted in bytes
