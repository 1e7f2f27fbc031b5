"""The architecture: imports point down the floors, Hydra stays out of the library, and nothing global is touched.

The floors are DESIGN's, with one cut made better: `solver` puts everything together, the report included, and so stands
above `report` and `plotting` instead of below.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# From the top to the bottom; a module imports only from floors below its own, or from its own package.
FLOORS = (
    {"__init__"},
    {"solver"},
    {"plotting"},
    {"training"},
    {"solution", "defaults", "verification"},
    {"optimizers", "sampling", "weighting"},
    {"objective"},
    {"problems"},
    {"model"},
    {"problem"},
    {"domains", "networks", "reference"},
    {"derivatives", "linalg", "least_squares"},
    {"files", "validation", "ambient"},
)

# Inside a function, when the user asks for it: solution.plot(...) is the face of the floor above.
DEFERRED = {("solution/solution.py", "plotting")}

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

LIBRARY = sorted(path for path in (ROOT / "pinn").rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT / "pinn").as_posix()


def floor(top: str) -> int:
    for index, members in enumerate(FLOORS):
        if top in members:
            return index
    raise AssertionError(f"pinn.{top} stands on no floor; add it to FLOORS")


def top_of(path: Path) -> str:
    return path.relative_to(ROOT / "pinn").parts[0].removesuffix(".py")


def imported(node: ast.AST, path: Path) -> list[str]:
    """Dotted names of the modules (or of the names in them) that an import statement asks for."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = ("pinn", *path.relative_to(ROOT / "pinn").parts[:-1])
            base = ".".join([*package[: len(package) - node.level + 1], *([base] if base else [])])
        return [f"{base}.{alias.name}" for alias in node.names]
    return []


def imports(path: Path) -> list[tuple[str, bool, int]]:
    """(dotted name, inside a function, line) of every import that runs; those for type checkers alone do not."""
    found = []

    def visit(node: ast.AST, inside: bool) -> None:
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            return
        found.extend((name, inside, node.lineno) for name in imported(node, path))
        inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    visit(ast.parse(path.read_text()), False)
    return found


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_imports_point_down(path):
    here = top_of(path)
    for name, inside, line in imports(path):
        parts = name.split(".")
        assert parts[0] not in FORBIDDEN_ROOTS | {"experiments", "conf"}, f"{path}:{line}: the library imports {name}"
        if parts[0] != "pinn" or len(parts) < 2:
            continue
        there = parts[1]
        if there == here or (inside and (name_of(path), there) in DEFERRED):
            continue
        assert floor(there) > floor(here), f"{path}:{line}: {here} imports {name}, which is not on a floor below"


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
