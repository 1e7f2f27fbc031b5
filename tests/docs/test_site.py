"""The site tells the truth: its Python runs page by page, its commands exist, its pages are those that are linked."""

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
PYTHON = {
    name: re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for name, text in PAGES.items()
    if "```python" in text
}
QUICK = ("how/derivatives.md", "howto/own_loop.md")  # the others train


def shortened(code):
    """The same with a few steps of training instead of seconds."""
    return re.sub(r"\bseconds=\d+", "steps=8", re.sub(r"\bsteps=\d+", "steps=8", code))


@pytest.mark.parametrize(
    "page", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in PYTHON]
)
def test_python_of(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)  # as in a notebook: modules are found where one works
    names = {"__name__": "__main__"}
    for code in PYTHON[page]:
        exec(compile(shortened(code), page, "exec"), names)
    sys.modules.pop("mine", None)  # which a page has written
    assert capsys.readouterr().out or list(tmp_path.iterdir()), "it shows nothing"


def test_every_page_is_in_the_contents_and_every_entry_is_a_page():
    contents = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("nav:")[2]
    named = re.findall(r"[\w/]+\.md", contents)
    listed = set(named)
    assert len(named) == len(listed), f"twice: {sorted(name for name in listed if named.count(name) > 1)}"
    made = {"changelog.md", "extending.md", "howto/index.md"}
    run = {f"notebooks/{path.stem}.md" for path in (DOCS / "notebooks").glob("*.py")}
    assert listed == set(PAGES) | made | run


def test_every_tutorial_and_every_task_has_a_picture():
    pages = [name for name in PAGES if name.startswith(("tutorials/", "howto/"))]
    bare = [name for name in pages if not re.search(r"<!-- picture: \S|!\[.+\]\(\S+\)", PAGES[name])]
    assert len(pages) > 25 and not bare


def test_modules_make_targets_and_tests_that_it_names_exist():
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name, text in PAGES.items():
        for module in re.findall(r"python -m (experiments[\w.]*)", text):
            assert ROOT.joinpath(*module.split(".")).with_suffix(".py").exists(), (name, module)
        for target in re.findall(r"`make ([\w-]+)`", text):
            assert re.search(rf"^{target}:", rules, re.MULTILINE), (name, target)
        for path in re.findall(r"`(tests/[\w/.]+)`", text):
            assert (ROOT / path).exists(), (name, path)


PACKAGES = (
    "",
    ".derivatives",
    ".derivatives.jets",
    ".domains",
    ".equations",
    ".features",
    ".linalg",
    ".networks",
    ".optimizers",
    ".plotting",
    ".problems",
    ".ranks",
    ".reference",
    ".sampling",
    ".scales",
    ".solution",
    ".training",
    ".training.trackers",
    ".verification",
    ".weighting",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_on_a_page_of_the_api(package):
    pages = [text for name, text in PAGES.items() if name.startswith("api/")]
    listed = [name for text in pages for name in re.findall(r"^::: (\S+)$", text, re.MULTILINE)]
    assert len(listed) == len(set(listed))
    module = importlib.import_module(f"pinn{package}")
    for name in module.__all__:
        thing = getattr(module, name)
        whole = f"{thing.__module__}.{thing.__qualname__}" if hasattr(thing, "__qualname__") else ""
        if not whole.startswith("pinn"):  # a constant, or another name for a type
            assert any(one.endswith(f".{name}") or _holds(one, thing, name) for one in listed), name
        else:
            assert any(whole == one or whole.startswith(f"{one}.") for one in listed), whole


def _holds(listed, thing, name):
    """Whether a page shows a module that has a thing under that name."""
    module = sys.modules.get(listed)
    return module is not None and getattr(module, name, None) is thing


def test_documented_names_exist():

    for name, text in PAGES.items():
        for path in re.findall(r"^::: ([\w.]+)$", text, re.MULTILINE):
            module, _, attribute = path.rpartition(".")
            found = importlib.import_module(path if attribute[0].islower() and _is_module(path) else module)
            assert found.__name__ == path or hasattr(found, attribute), (name, path)


def _is_module(path):
    base = ROOT.joinpath(*path.split("."))
    return base.with_suffix(".py").exists() or base.is_dir()


def test_every_capability_names_tests_that_exist():
    rows = [line for line in PAGES["capabilities.md"].splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 20
    for row in rows:
        _, tests = row.rstrip("| ").rsplit("|", 1)
        linked = re.findall(r"\[(tests/[\w/.]+)\]\(\.\./\1\)|`(tests/[\w/.]+)`", tests)
        assert linked, f"no test is named: {row}"
        for path in (ROOT / (one or other) for one, other in linked):
            files = [path] if path.suffix == ".py" else sorted(path.rglob("test_*.py"))
            assert files and all("def test_" in file.read_text(encoding="utf-8") for file in files), (row, path)
