"""The architecture: imports point down and in no circle, Hydra stays out of the library, nothing global is touched.

The floors stand in docs/floors.toml; docs/architecture.py, which draws them, reads the imports.
"""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def drawing():
    """docs/architecture.py as a module, wherever the tests are started."""
    spec = importlib.util.spec_from_file_location("architecture", ROOT / "docs" / "architecture.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


architecture = drawing()
FLOORS = architecture.read_floors()
MODULES = architecture.modules()


FORBIDDEN_ROOTS = {"hydra", "omegaconf", "argparse", "click"}

FORBIDDEN_CALLS = {
    "print": "a library logs or returns",
    "breakpoint": "left from debugging",
    "torch.manual_seed": "pass a torch.Generator",
    "torch.seed": "pass a torch.Generator",
    "torch.cuda.manual_seed": "pass a torch.Generator",
    "np.random.seed": "pass a generator",
    "numpy.random.seed": "pass a generator",
    "random.seed": "pass a generator",
    "torch.set_default_dtype": "dtype comes from the inputs",
    "torch.set_default_device": "device comes from the inputs",
    "torch.set_num_threads": "threads belong to the caller",
    "os.getcwd": "paths come from the caller",
    "Path.cwd": "paths come from the caller",
    "matplotlib.use": "the backend belongs to the caller",
    "plt.figure": "use Figure: pyplot holds global state",
}

# `solve` sets what a run depends on and restores it, in one module: nothing else limits the threads of torch itself.
SCOPED = {"ambient.py": {"torch.set_num_threads", "torch.set_default_dtype"}}

LIBRARY = sorted(MODULES.values())


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "pinn").as_posix()


def floor(room: str) -> int:
    """0 for the roof; the further down, the greater."""
    found = [index for index, one in enumerate(FLOORS) if room in one.rooms]
    assert len(found) == 1, f"pinn.{room} stands on {len(found)} floors; give it one line in docs/floors.toml"
    return found[0]


def test_every_room_stands_on_one_floor():
    rooms = [room for one in FLOORS for room in one.rooms]
    assert sorted(rooms) == sorted({architecture.room_of(module) for module in MODULES})


def test_the_page_lists_the_rooms():
    page = architecture.PAGE.read_text("utf-8")
    assert page == architecture.with_table(page, FLOORS), "run `python docs/architecture.py` to renew the page"
    assert architecture.PICTURE.exists()


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module):
    here = architecture.room_of(module)
    for one in architecture.imports(module, MODULES):
        where = f"{MODULES[module]}:{one.line}"
        top = one.target.partition(".")[0]
        assert top not in FORBIDDEN_ROOTS | {"experiments", "conf"}, f"{where}: the library imports {one.target}"
        if top == "pinn":
            there = architecture.room_of(one.target)
            down = there == here or floor(there) > floor(here)
            assert down, f"{where}: {here} imports {one.target}, which is not on a floor below"


def test_no_import_circle():
    """Imports inside functions count too, unless they are listed."""
    deferred = architecture.read_deferred()
    graph = {module: set() for module in MODULES}
    listed = set()
    for module in MODULES:
        for one in architecture.imports(module, MODULES):
            if one.deferred and (module, one.target) in deferred:
                listed.add((module, one.target))
            elif one.target in MODULES:
                graph[module].add(one.target)
    assert architecture.circles(graph) == set()
    assert listed == deferred, "listed in docs/floors.toml, and not there any more"


def test_circles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"e"}, "f": {"a", "d"}}
    assert architecture.circles(graph) == {frozenset("abc"), frozenset("e")}


def test_imports_are_read_as_python_reads_them(tmp_path):
    texts = {
        "__init__": "from pinn.room import face",
        "ground": "",
        "room/__init__": "",
        "room/face": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pinn.ground",
        "room/inner": "from . import face\nfrom ..ground import name\ndef f():\n    import pinn.room.face as g, torch",
    }
    for name, text in texts.items():
        (tmp_path / "pinn" / "room").mkdir(parents=True, exist_ok=True)
        (tmp_path / "pinn" / f"{name}.py").write_text(text)
    known = architecture.modules(tmp_path / "pinn")
    assert set(known) == {"pinn", "pinn.ground", "pinn.room", "pinn.room.face", "pinn.room.inner"}
    found = [(one.target, one.deferred, one.line) for one in architecture.imports("pinn.room.inner", known)]
    assert found == [
        ("pinn.room.face", False, 1),
        ("pinn.ground", False, 2),
        ("pinn.room.face", True, 4),
        ("torch", True, 4),
    ]
    assert [one.target for one in architecture.imports("pinn.room.face", known)] == ["typing"]
    assert [one.target for one in architecture.imports("pinn.room.face", known, lazily=True)] == [
        "typing",
        "pinn.ground",
    ]
    assert architecture.room_graph(known) == {"__init__": {"room"}, "ground": set(), "room": {"ground"}}


def test_an_arrow_that_a_longer_way_implies_is_left_out():
    assert architecture.reduced({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == [("a", "b"), ("b", "c")]


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_nothing_global_is_touched(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            forbidden = set(FORBIDDEN_CALLS) - SCOPED.get(name_of(path), set())
            assert name not in forbidden, f"{path}:{node.lineno}: {name}: {FORBIDDEN_CALLS[name]}"
        if isinstance(node, ast.Global):
            raise AssertionError(f"{path}:{node.lineno}: module state {node.names}")
        if isinstance(node, ast.ExceptHandler):
            caught = "everything" if node.type is None else ast.unparse(node.type)
            assert caught not in {"everything", "Exception", "BaseException"}, f"{path}:{node.lineno}: catches {caught}"


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_a_module_and_a_function_can_be_held_in_mind(path):
    text = path.read_text()
    tree = ast.parse(text)
    assert text.count("\n") <= 450, f"{path}: {text.count(chr(10))} lines; cut it"
    assert ast.get_docstring(tree), f"{path}: opens without saying what it computes"
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno <= 80, f"{path}:{node.lineno}: {node.name} does not fit a screen"


def test_every_exported_name_exists():
    import pinn

    for name in pinn.__all__:
        assert getattr(pinn, name) is not None


def test_every_package_has_its_types():
    assert (ROOT / "pinn" / "py.typed").exists()
    for folder in (ROOT / "pinn").rglob("*"):
        if folder.is_dir() and any(folder.glob("*.py")):
            assert (folder / "__init__.py").exists(), f"{folder}: no __init__.py, so the wheel would leave it out"


def test_the_same_picture_is_not_written_again(tmp_path):
    figure, path = architecture.new_figure(1, 1), tmp_path / "picture.png"
    figure.add_subplot().plot([0, 1])
    architecture.save_if_other(figure, path)
    path.write_bytes(path.read_bytes() + b"\0")  # other bytes, the same pixels
    before = path.read_bytes()
    architecture.save_if_other(figure, path)
    assert path.read_bytes() == before
    figure.axes[0].plot([1, 0])
    architecture.save_if_other(figure, path)
    assert path.read_bytes() != before
