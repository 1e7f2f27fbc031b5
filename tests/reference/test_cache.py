"""The cache gives back what was computed, computes what is missing or damaged, and leaves no half-written file."""

import numpy as np
import pytest

from pinn.reference.cache import cached, user_folder


class Builder:
    def __init__(self, value=1.0):
        self.calls = 0
        self.value = value

    def __call__(self):
        self.calls += 1
        return {"a": np.full(3, self.value), "c": np.array([1 + 2j])}


def test_computed_once_for_the_same_parameters(tmp_path):
    build = Builder()
    for _ in range(3):
        arrays = cached("thing", {"nu": 0.1, "modes": 8}, build, version=1, cache=tmp_path / "new")
    assert build.calls == 1
    assert set(arrays) == {"a", "c"}
    np.testing.assert_array_equal(arrays["c"], [1 + 2j])
    cached("thing", {"nu": 0.2, "modes": 8}, build, version=1, cache=tmp_path / "new")
    cached("thing", {"nu": 0.1, "modes": 8}, build, version=2, cache=tmp_path / "new")
    cached("other", {"nu": 0.1, "modes": 8}, build, version=1, cache=tmp_path / "new")
    assert build.calls == 4
    assert len(list((tmp_path / "new").iterdir())) == 4


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other"])
def test_a_damaged_file_is_computed_again(tmp_path, damage):
    build = Builder()
    cached("thing", {"nu": 0.1}, build, version=1, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    if damage == "other":
        cached("thing", {"nu": 0.3}, Builder(7.0), version=1, cache=tmp_path / "side")
        (other,) = (tmp_path / "side").iterdir()
        content = other.read_bytes()
    middle = len(content) // 3
    path.write_bytes(
        {
            "empty": b"",
            "cut": content[: len(content) // 2],
            "flipped": content[:middle]
            + bytes(255 - byte for byte in content[middle : middle + 40])
            + content[middle + 40 :],
            "text": b"not an archive",
            "other": content,
        }[damage]
    )
    arrays = cached("thing", {"nu": 0.1}, build, version=1, cache=tmp_path)
    assert build.calls == 2
    np.testing.assert_array_equal(arrays["a"], np.ones(3))
    assert cached("thing", {"nu": 0.1}, build, version=1, cache=tmp_path) and build.calls == 2


def test_objects_are_never_unpickled(tmp_path):
    build = Builder()
    cached("thing", {}, build, version=1, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    np.savez(path, a=np.array([{"code": 1}], dtype=object))
    cached("thing", {}, build, version=1, cache=tmp_path)
    assert build.calls == 2


def test_nothing_is_left_when_writing_or_computing_fails(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError("disk full")

    build = Builder()
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", fail)
        np.testing.assert_array_equal(cached("thing", {}, build, version=1, cache=tmp_path)["a"], np.ones(3))
    assert not list(tmp_path.iterdir())

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("thing", {}, interrupted, version=1, cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_cache_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    build = Builder()
    cached("thing", {}, build, version=1, cache=None)
    assert not list(tmp_path.iterdir())
    cached("thing", {}, build, version=1)
    assert [path.parent for path in tmp_path.rglob("*.npz")] == [tmp_path / "pinn"] and build.calls == 2


def test_the_users_folder_follows_the_xdg_specification(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "pinn"
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert user_folder() == tmp_path / "home" / ".cache" / "pinn"
