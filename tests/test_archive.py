"""Plain values come back from a file bit for bit, and nothing else comes out of one."""

import hashlib
import json
import math
import pickle

import pytest
import torch

from pinn import archive
from pinn.archive import DamagedFileError

CONTENT = {
    "numbers": [0, -1, 2**60, 0.1, 1e-320, math.inf, -math.inf, True, None],
    "text": "ψ \n \x00",
    "pair": (1, ("x", [])),
    "keys": {0: {"step": 1}, "~": "of one's own", "": 2.5},
    "tensors": [
        torch.randn(3, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)),
        torch.tensor([math.nan, -0.0, math.inf], dtype=torch.float32),
        torch.zeros(()),
        torch.zeros(0, 3, dtype=torch.int64),
        torch.tensor([True, False]),
        torch.arange(5, dtype=torch.uint8),
        torch.ones(3, dtype=torch.bfloat16),
    ],
}


def same(a, b):
    if isinstance(a, torch.Tensor):
        bits = [one.reshape(-1).view(torch.uint8) if one.numel() and one.ndim else one for one in (a, b)]
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(*bits)
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_everything_comes_back_as_it_was(tmp_path):
    size = archive.write(tmp_path / "a", CONTENT)
    assert same(archive.read(tmp_path / "a"), CONTENT)
    assert math.isnan(archive.read(tmp_path / "a")["tensors"][1][0])
    assert size < (tmp_path / "a").stat().st_size < size + 100


def test_axes_keep_their_order_in_memory(tmp_path):
    """On it depends how later products are rounded."""
    whole = torch.arange(24.0).reshape(2, 3, 4)
    for tensor in (whole, whole.permute(2, 0, 1), whole[0].T, whole[:, :, 1], whole[0, 0].expand(3, 4)):
        archive.write(tmp_path / "a", {"of": tensor})
        again = archive.read(tmp_path / "a")["of"]
        assert torch.equal(again, tensor)
        if tensor.numel() == tensor.untyped_storage().nbytes() // 4:
            assert again.stride() == tensor.stride()


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (lambda: 1, r"a\.b\[1\]: got function"),
        (object(), r"a\.b\[1\]: got object"),
        ({1.5: 2}, r"a\.b\[1\]: got dict"),
        (1j, r"a\.b\[1\]: got complex"),
        (torch.zeros(2, dtype=torch.complex64), r"a\.b\[1\]: got a tensor of torch.complex64"),
        (torch.eye(2).to_sparse(), r"a\.b\[1\]: got a tensor of torch.float32, torch.sparse"),
    ],
)
def test_what_no_file_holds_is_named_by_its_place(tmp_path, value, where):
    with pytest.raises(TypeError, match=where):
        archive.write(tmp_path / "a", {"a": {"b": [0, value]}})
    assert not (tmp_path / "a").exists()


def test_torchs_settings_do_not_matter(tmp_path):
    with torch.device("meta"), torch.inference_mode():
        archive.write(tmp_path / "a", {"x": torch.ones(3, device="cpu")})
        again = archive.read(tmp_path / "a")["x"]
    assert again.device.type == "cpu"
    assert not again.is_inference()
    assert torch.equal(again, torch.ones(3))


def sealed(document, numbers=b""):
    """A file whose hash is right, whatever it says."""
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    payload = f"{len(text)}\n".encode() + text + numbers
    return b"pinn file 3\n" + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload


STRANGE = {
    "empty": b"",
    "text": b"hello\n",
    "a pickle": pickle.dumps({"a": print}),
    "another version": b"pinn file 9\n" + b"0" * 64 + b"\n",
    "no hash": b"pinn file 3\n",
    "not JSON": sealed(b"{"),
    "not text": sealed(b"\xff\xfe"),
    "deep": sealed(b"[" * 100_000),
    "a list": sealed({"content": [], "tensors": []}),
    "no content": sealed({"tensors": []}),
    "an unknown kind": sealed({"content": {"a": {"~": "function"}}, "tensors": []}),
    "a tensor that is not there": sealed({"content": {"a": {"~": "tensor", "at": 3}}, "tensors": []}),
    "a tensor too large": sealed({"content": {}, "tensors": [["float64", [2**40], [0]]]}),
    "a tensor of less than nothing": sealed({"content": {}, "tensors": [["float64", [-1, -1], [0, 1]]]}),
    "a tensor of another type": sealed({"content": {}, "tensors": [["object", [1], [0]]]}),
    "axes out of order": sealed({"content": {}, "tensors": [["uint8", [1, 1], [0, 5]]]}, b"1"),
    "bytes left over": sealed({"content": {}, "tensors": []}, b"1"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_what_was_not_written_here_is_refused_in_one_line(tmp_path, name):
    (tmp_path / "a").write_bytes(STRANGE[name])
    with pytest.raises(DamagedFileError, match=r"^\S+/a: [^\n]+$"):
        archive.read(tmp_path / "a")


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        archive.read(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        archive.read(tmp_path)


def test_no_flipped_bit_and_no_cut_goes_unseen(tmp_path):
    archive.write(tmp_path / "a", {"x": torch.arange(9.0), "n": 3})
    good = (tmp_path / "a").read_bytes()
    for bit in range(0, 8 * len(good), 7):
        damaged = bytearray(good)
        damaged[bit // 8] ^= 1 << bit % 8
        (tmp_path / "a").write_bytes(damaged)
        with pytest.raises(DamagedFileError):
            archive.read(tmp_path / "a")
    for length in range(len(good)):
        (tmp_path / "a").write_bytes(good[:length])
        with pytest.raises(DamagedFileError):
            archive.read(tmp_path / "a")
