"""The notebooks of the site run, and what they show is what their text says."""

import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "docs" / "notebooks").glob("*.py"))
SPEC = importlib.util.spec_from_file_location("site_notebooks", ROOT / "docs" / "site_notebooks.py")
notebooks = sys.modules["site_notebooks"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(notebooks)

SMALL = """# %% [markdown]
# # A title
#
# Text with $x$.

# %%
value = [1 < 2]
print("said")
value

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots()
axes.plot([0, 1])
figure
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "KEPT", tmp_path / "kept")
    path = tmp_path / "small.py"
    path.write_text(SMALL)
    return path


def test_cells_show_what_they_print_return_and_draw(small):
    text, first, second = notebooks.executed(small)
    assert text.source == "# A title\n\nText with $x$."
    assert (first.printed, first.shown, first.pictures) == ("said\n", "<pre>[True]</pre>", [])
    assert second.shown == "" and len(second.pictures) == 1
    page, pictures = notebooks.page_of("small", [text, first, second])
    assert pictures["small_1.png"].startswith(b"\x89PNG") and "![What this cell draws](small_1.png)" in page
    assert page.index("# A title") < page.index('print("said")') < page.index("```text\nsaid\n```")


def test_what_has_not_changed_is_not_run_again(small, monkeypatch):
    first = notebooks.executed(small)
    monkeypatch.setattr(notebooks, "_run", lambda cells, path: pytest.fail("it is run again"))
    assert notebooks.executed(small) == first
    small.write_text(SMALL.replace("1 < 2", "2 < 1"))
    with pytest.raises(pytest.fail.Exception):
        notebooks.executed(small)


def test_an_error_in_a_cell_ends_it_and_names_the_line(small, tmp_path):
    small.write_text(SMALL.replace("value = [1 < 2]", "value = 1 / 0"))
    with pytest.raises(ZeroDivisionError) as error:
        notebooks.executed(small)
    line = SMALL.splitlines().index("value = [1 < 2]") + 1
    assert (str(error.traceback[-1].path), error.traceback[-1].lineno + 1) == ("small.py", line)
    assert not list((tmp_path / "kept").glob("*.json"))
    with pytest.raises(ValueError, match="a notebook begins with # %%"):
        notebooks.cells_of("import torch\n" + SMALL)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_notebook_has_a_title_text_and_code(path):
    cells = notebooks.cells_of(path.read_text())
    assert cells[0].kind == "markdown" and cells[0].source.startswith("# ")
    assert {cell.kind for cell in cells} == {"markdown", "code"}
    made = json.loads(notebooks.ipynb_of(cells))
    assert made["nbformat"] == 4 and [cell["source"] for cell in made["cells"]] == [cell.source for cell in cells]


def numbers(name):
    """All numbers that a notebook prints, in order, and the page."""
    cells = notebooks.executed(ROOT / "docs" / "notebooks" / f"{name}.py")
    printed = "\n".join(cell.printed for cell in cells)
    return printed, [float(found) for found in re.findall(r"(?<![\w.])-?\d+\.\d+(?:e[-+]\d+)?", printed)]


@pytest.mark.slow
def test_forward():
    printed, _ = numbers("forward")
    assert "plate: trusted" in printed
    error, estimated = (float(re.search(rf"^{what} +(\S+)$", printed, re.M)[1]) for what in ("error", "estimated"))
    assert error < 1e-8 and estimated < 1e-8
    flux, exact = map(float, printed.strip().splitlines()[-1].split())
    assert flux == pytest.approx(exact, rel=1e-6)


@pytest.mark.slow
def test_inverse():
    _, (k, half, truth, classical, band, misfit) = numbers("inverse")
    assert abs(k - truth) < 3 * half
    assert k == pytest.approx(classical, abs=0.2 * band) and half == pytest.approx(band, rel=0.2)
    assert 0.005 < misfit < 0.02


@pytest.mark.slow
def test_geometry():
    printed, (*_, into, out) = numbers("geometry")
    assert "trusted" in printed and into == pytest.approx(out, rel=1e-4)


@pytest.mark.slow
def test_time():
    printed, found = numbers("time")
    coarse, middle, fine = found[1:4]
    assert coarse / middle == pytest.approx(4, rel=0.2) and middle / fine == pytest.approx(4, rel=0.2)
    for line in printed.strip().splitlines()[-3:]:
        falls, taken = map(float, line.partition(": ")[2].split(" and "))
        assert falls == pytest.approx(taken, rel=1e-4)


@pytest.mark.slow
def test_own_loop():
    printed, (*_, worst) = numbers("own_loop")
    assert "by jets" in printed and "all agree" in printed
    assert worst < 0.1  # seen: 0.006 to 0.02


def test_the_gallery_ends_with_the_notebooks(tmp_path, monkeypatch):
    structure = pytest.importorskip("mkdocs.structure.files")
    config = pytest.importorskip("mkdocs.config.defaults").MkDocsConfig()
    config.load_dict({"site_name": "s", "docs_dir": str(tmp_path / "docs"), "site_dir": str(tmp_path / "site")})
    config.plugins = pytest.importorskip("mkdocs.plugins").PluginCollection()
    config.plugins._current_plugin = "hooks"  # as the builder has it while it calls them
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "gallery.md").write_text("# Gallery\n\nApplications.\n")
    (tmp_path / "small.py").write_text(SMALL)
    for name, value in (("_ROOT", tmp_path), ("NOTEBOOKS", tmp_path), ("KEPT", tmp_path / "kept")):
        monkeypatch.setattr(notebooks, name, value)
    page = structure.File("gallery.md", str(tmp_path / "docs"), str(tmp_path / "site"), use_directory_urls=False)
    files = notebooks.on_files(structure.Files([page]), config)
    (text,) = (one.content_string for one in files if one.src_uri == "gallery.md")
    assert text.startswith("# Gallery\n\nApplications.\n\n## Notebooks\n")
    assert "(notebooks/small_1.png)" in text and text.count("# Gallery") == 1
