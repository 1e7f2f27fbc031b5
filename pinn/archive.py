"""Plain values and tensors in one file whose every bit is checked, and which holds no code.

    pinn file 3\\n
    SHA-256 of all that follows, 64 hexadecimal digits\\n
    number of bytes of the text, decimal\\n
    text: JSON, in which {"~": "tensor", "at": i} stands for the i-th tensor, and each tensor's type, shape and order
    the tensors' numbers, one after the other, little-endian, in the order of their axes in memory, the last fastest

Plain values are None, truth values, numbers, strings, lists, tuples, and mappings with keys of strings or integers;
they come back as they were, bit for bit, and tensors with the order of axes that they had in memory, on which the
rounding of later products depends. JSON and raw numbers cannot make anything else, where a pickle, even a restricted
one, is a program that is run (Python's documentation of `pickle` begins with that warning). The arrangement is that of
the safetensors format, with a hash and with nested values.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pinn.ambient import plain_tensors
from pinn.files import replacing

VERSION = 3
_MAGIC = b"pinn file "
_TAG = "~"
_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.float64,
        torch.float32,
        torch.float16,
        torch.bfloat16,
        torch.int64,
        torch.int32,
        torch.int16,
        torch.int8,
        torch.uint8,
        torch.bool,
    )
}


class DamagedFileError(ValueError):
    """What is in a file is not what was written, or was never written by this library."""


def write(path: str | os.PathLike[str], content: Mapping[str, Any]) -> int:
    """Write a mapping to a file, which is whole or not there; returns its number of bytes.

    Args:
        path: of the file; its folder must exist.
        content: plain values and tensors, nested.

    Raises:
        TypeError: naming the first entry that is neither.
        OSError: naming the path, where it cannot be written.
    """
    parts = _encoded(content)
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(_MAGIC + f"{VERSION}\n{digest.hexdigest()}\n".encode())
        for part in parts:
            file.write(part)
    return sum(len(part) for part in parts)


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The mapping that `write` wrote, tensors on the CPU.

    Raises:
        DamagedFileError: when a bit of the file is not what was written, or it is of another kind or version.
        OSError: naming the path, when it cannot be read.

    Example:
        >>> import tempfile
        >>> path = tempfile.mktemp()
        >>> _ = write(path, {"step": 3, "pair": (0.1, torch.zeros(2))})
        >>> read(path)
        {'step': 3, 'pair': (0.1, tensor([0., 0.]))}
    """
    with open(path, "rb") as file:
        raw = file.read()
    first, _, rest = raw.partition(b"\n")
    if not first.startswith(_MAGIC):
        raise DamagedFileError(f"{path}: this is no file of pinn, or its beginning is damaged; give one that it wrote")
    if first != _MAGIC + str(VERSION).encode():
        said = first[:40].decode("ascii", "replace")
        raise DamagedFileError(f"{path}: got {said!r}, expected version {VERSION}; read it with the pinn that wrote it")
    digest, _, payload = rest.partition(b"\n")
    if digest != hashlib.sha256(payload).hexdigest().encode():
        raise DamagedFileError(
            f"{path}: damaged or cut short, its SHA-256 is not the one written in it; take a copy or an earlier file"
        )
    with plain_tensors():
        return _decoded(path, payload)


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Whether a file begins as those of this library do, whatever follows."""
    with open(path, "rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _encoded(content: Mapping[str, Any]) -> list[bytes]:
    """The file behind its hash: length of the text, text, and each tensor's numbers."""
    tensors: list[Tensor] = []
    document = {"content": _plain(content, "", tensors), "tensors": [_described(tensor) for tensor in tensors]}
    text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    return [f"{len(text)}\n".encode(), text, *(_numbers(tensor) for tensor in tensors)]


def _plain(value: Any, where: str, tensors: list[Tensor]) -> Any:
    """A value as JSON has it; tensors are gathered, and written as their place among them."""
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {_TAG: "float", "is": repr(value)}
    if isinstance(value, Tensor):
        if str(value.dtype).removeprefix("torch.") not in _DTYPES or value.layout is not torch.strided:
            raise TypeError(f"{where or 'content'}: got a tensor of {value.dtype}, {value.layout}, which no file holds")
        tensors.append(value)
        return {_TAG: "tensor", "at": len(tensors) - 1}
    if type(value) in (list, tuple):
        entries = [_plain(entry, f"{where}[{i}]", tensors) for i, entry in enumerate(value)]
        return entries if type(value) is list else {_TAG: "tuple", "of": entries}
    if isinstance(value, Mapping):
        if all(type(key) is str for key in value) and _TAG not in value:
            return {key: _plain(entry, f"{where}.{key}".lstrip("."), tensors) for key, entry in value.items()}
        pairs = [[key, _plain(entry, f"{where}[{key!r}]", tensors)] for key, entry in value.items()]
        if all(type(key) in (int, str) for key, _ in pairs):
            return {_TAG: "mapping", "of": pairs}
    raise TypeError(
        f"{where or 'content'}: got {type(value).__name__} {value!r:.80}, which no file holds; expected numbers, "
        "strings, tensors, and lists, tuples and mappings of them"
    )


def _described(tensor: Tensor) -> list[Any]:
    return [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), _order(tensor)]


def _order(tensor: Tensor) -> list[int]:
    """The axes, the slowest in memory first; as they come where the numbers do not lie side by side."""
    order = sorted(range(tensor.ndim), key=tensor.stride, reverse=True)
    return order if tensor.permute(order).is_contiguous() else list(range(tensor.ndim))


def _numbers(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().permute(_order(tensor)).contiguous().reshape(-1)
    if sys.byteorder != "little":
        raise NotImplementedError("files are written on machines whose numbers are little-endian")
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def _decoded(path: str | os.PathLike[str] | Path, payload: bytes) -> dict[str, Any]:
    """What `_encoded` encoded; the hash was right, so what does not fit was written by something else."""
    try:
        length, _, rest = payload.partition(b"\n")
        document = json.loads(rest[: int(length)])
        tensors, place = [], int(length)
        for name, shape, order in document["tensors"]:
            dtype = _DTYPES[name]
            count = math.prod(shape)
            size = count * dtype.itemsize
            if min(shape, default=0) < 0 or place + size > len(rest):
                raise ValueError(f"a tensor of shape {shape} does not fit")
            flat = torch.frombuffer(bytearray(rest[place : place + size]), dtype=dtype) if count else torch.empty(0)
            back = [order.index(axis) for axis in range(len(shape))]
            tensors.append(flat.to(dtype).reshape([shape[axis] for axis in order]).permute(back))
            place += size
        if place != len(rest):
            raise ValueError(f"{len(rest) - place} bytes are left over")
        content = _valued(document["content"], tensors)
        if not isinstance(content, dict):
            raise ValueError("its content is no mapping")
        return content
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise DamagedFileError(f"{path}: it does not hold what its format says ({error}); give one of pinn's") from None


def _valued(value: Any, tensors: list[Tensor]) -> Any:
    if isinstance(value, list):
        return [_valued(entry, tensors) for entry in value]
    if not isinstance(value, dict):
        return value
    kind = value.get(_TAG)
    if kind is None:
        return {key: _valued(entry, tensors) for key, entry in value.items()}
    if kind == "tensor":
        return tensors[value["at"]]
    if kind == "float":
        return float(value["is"])
    if kind == "tuple":
        return tuple(_valued(entry, tensors) for entry in value["of"])
    if kind == "mapping":
        return {key: _valued(entry, tensors) for key, entry in value["of"]}
    raise ValueError(f"unknown kind {kind!r}")
