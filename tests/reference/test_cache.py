"""The cache gives back what was computed, computes what is missing or damaged, and leaves no half-written file."""

import importlib
import inspect

import numpy as np
import pytest

from pinn.reference.cache import cached, source_hash, user_folder


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
        arrays = cached("thing", {"nu": 0.1, "modes": 8}, build, module=__name__, cache=tmp_path / "new")
    assert build.calls == 1
    assert set(arrays) == {"a", "c"}
    np.testing.assert_array_equal(arrays["c"], [1 + 2j])
    cached("thing", {"nu": 0.2, "modes": 8}, build, module=__name__, cache=tmp_path / "new")
    cached("thing", {"nu": 0.1, "modes": 8}, build, module="pinn.reference.chebyshev", cache=tmp_path / "new")
    cached("other", {"nu": 0.1, "modes": 8}, build, module=__name__, cache=tmp_path / "new")
    assert build.calls == 4
    assert len(list((tmp_path / "new").iterdir())) == 4


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "text", "other"])
def test_a_damaged_file_is_computed_again(tmp_path, damage):
    build = Builder()
    cached("thing", {"nu": 0.1}, build, module=__name__, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    if damage == "other":
        cached("thing", {"nu": 0.3}, Builder(7.0), module=__name__, cache=tmp_path / "side")
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
    arrays = cached("thing", {"nu": 0.1}, build, module=__name__, cache=tmp_path)
    assert build.calls == 2
    np.testing.assert_array_equal(arrays["a"], np.ones(3))
    assert cached("thing", {"nu": 0.1}, build, module=__name__, cache=tmp_path) and build.calls == 2


def test_an_edited_solver_reads_no_file_of_the_old_one(tmp_path, monkeypatch):
    """Nor where what was edited is another module of its package, which it takes a function from."""
    package = tmp_path / "solvers_of_this_test"
    package.mkdir()
    for name, text in {
        "__init__": "",
        "scheme": "ORDER = 4\n\n\ndef step():\n    return ORDER\n",
        "unused": "",
        "waves": "from solvers_of_this_test.scheme import step\n\n\ndef build():\n    return step()\n",
    }.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("scheme", "unused", "waves"):
        importlib.import_module(f"solvers_of_this_test.{name}")
    build, module = Builder(), "solvers_of_this_test.waves"

    def computed():
        for _ in range(2):
            cached("thing", {}, build, module=module, cache=tmp_path / "kept")
        return build.calls

    def edit(name):
        with (package / f"{name}.py").open("a") as file:
            file.write("# An edit.\n")

    assert computed() == 1
    for name, calls in (("unused", 1), ("scheme", 2), ("waves", 3)):
        edit(name)
        assert computed() == calls
    (package / "scheme.py").unlink()
    assert source_hash(module) is None
    assert computed() == 5 and len(list((tmp_path / "kept").iterdir())) == 3


@pytest.mark.parametrize("name", ["cavity", "diffusion_reaction", "periodic"])
def test_all_that_computes_a_reference_is_in_its_key(name, monkeypatch):
    module = importlib.import_module(f"pinn.reference.{name}")
    before = source_hash(module.__name__)
    helpers = {
        "cavity": ("cavity", "chebyshev", "result"),
        "diffusion_reaction": ("diffusion_reaction", "chebyshev", "ordinary", "result"),
        "periodic": ("periodic", "chebyshev", "spectral", "result"),
    }
    true = inspect.getsource
    for helper in helpers[name]:
        text = f"pinn.reference.{helper}"
        monkeypatch.setattr(inspect, "getsource", lambda m, text=text: true(m) + "#" * (m.__name__ == text))
        assert source_hash(module.__name__) != before
    monkeypatch.setattr(inspect, "getsource", true)
    assert source_hash(module.__name__) == before


def test_objects_are_never_unpickled(tmp_path):
    build = Builder()
    cached("thing", {}, build, module=__name__, cache=tmp_path)
    (path,) = tmp_path.iterdir()
    np.savez(path, a=np.array([{"code": 1}], dtype=object))
    cached("thing", {}, build, module=__name__, cache=tmp_path)
    assert build.calls == 2


def test_nothing_is_left_when_writing_or_computing_fails(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise OSError("disk full")

    build = Builder()
    with monkeypatch.context() as patch:
        patch.setattr(np, "savez", fail)
        np.testing.assert_array_equal(cached("thing", {}, build, module=__name__, cache=tmp_path)["a"], np.ones(3))
    assert not list(tmp_path.iterdir())

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached("thing", {}, interrupted, module=__name__, cache=tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_cache_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    build = Builder()
    cached("thing", {}, build, module=__name__, cache=None)
    assert not list(tmp_path.iterdir())
    cached("thing", {}, build, module=__name__)
    assert [path.parent for path in tmp_path.rglob("*.npz")] == [tmp_path / "pinn"] and build.calls == 2


def test_the_users_folder_follows_the_xdg_specification(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_folder() == tmp_path / "pinn"
    for ignored in ("", "relative/path"):
        monkeypatch.setenv("XDG_CACHE_HOME", ignored)
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        assert user_folder() == tmp_path / "home" / ".cache" / "pinn"
