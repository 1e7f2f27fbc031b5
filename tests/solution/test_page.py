"""The page of a run: one file, nothing from a network, and what a browser makes of it."""

import dataclasses
import re
import shutil
import subprocess
from functools import partial
from html.parser import HTMLParser

import pytest

from pinn import Box, Constraint, Problem, d
from pinn.networks import MLP
from pinn.problems import diffusion_inverse
from pinn.solution.verdict import Judgement, Verdict
from pinn.solver import solve
from pinn.verification.certificate import Certificate, Direction

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
VOID = {"meta", "img", "br"}


@pytest.fixture(scope="module")
def report():
    network = partial(MLP, width=8, depth=1)
    return solve(diffusion_inverse(), network=network, features=None, steps=3, progress=False).report


@pytest.fixture(scope="module")
def page(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    report.save_html(path)
    return path


class Structure(HTMLParser):
    """Tags that were opened and how they nest."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.sources = [], [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_it_is_one_whole_file_that_asks_for_nothing(page):
    text = page.read_text()
    found = Structure()
    found.feed(text)
    assert not found.open and not {"script", "link", "iframe"} & set(found.seen)
    assert len(found.sources) in (5, 6) and all(one.startswith("data:image/png;base64,") for one in found.sources)
    assert not re.search(r"https?:|url\(|@import", re.sub(r"base64,[^\"]*", "", text))


def test_page_markdown_text_and_json_say_the_same(report, page):
    page, markdown, text, plain = page.read_text(), report.markdown(), str(report), report.as_dict()
    assert text.splitlines()[0] == f"{report.problem}: {report.judgement}"
    assert markdown.startswith(f"# {text.splitlines()[0]}\n") and f"<h1>{text.splitlines()[0]}</h1>" in page
    assert plain["verdict"] == report.verdict and plain["trusted"] is report.trusted is False
    for sentence in (*plain["evidence"], plain["advice"]):
        assert sentence in text and sentence in markdown
        assert sentence.replace("'", "&#x27;") in page
    for name in ("equation", "initial", "walls", "data", "C", "LevenbergMarquardt"):
        assert name in text and name in markdown and name in page
    assert markdown.count("\n## ") >= 4 and "| constraint |" in markdown
    assert "<details>" in page and page.index("<details>") > page.index("Losses over time")


def test_a_notebook_gets_a_part_of_a_page(report):
    part = dataclasses.replace(report, drawn=None)._repr_html_()
    assert part.startswith("<style>") and "<html" not in part and "<img" not in part and report.verdict in part


def test_names_are_escaped(report):
    assert "<h1>&lt;b&gt;&amp;: " in dataclasses.replace(report, drawn=None, problem="<b>&").html()


def test_a_browser_shows_it_without_a_network(page, tmp_path):
    browser = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if browser is None:
        pytest.skip("no Chromium here")
    # Whatever it would ask of a network goes to a proxy that is not there, and pictures have a size when they are seen.
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--proxy-server=127.0.0.1:9",
        f"--user-data-dir={tmp_path}",
    ]
    shot = tmp_path / "report.png"
    command = [browser, *options, f"--screenshot={shot}", "--window-size=1200,2600", f"file://{page}"]
    subprocess.run(command, capture_output=True, check=True, timeout=600)
    from matplotlib.image import imread

    seen = imread(shot)
    assert seen.shape[:2] == (2600, 1200)
    shown = (seen[..., :3].min(2) < 0.9).mean(1) > 0.01  # rows of the screen on which something stands
    assert shown.mean() > 0.3 and shown[100:2000].mean() > 0.5


def test_of_what_nothing_determines_no_error_is_told_or_drawn():
    line = Box(t=(0, 6))
    rows = {
        "equation": Constraint(lambda u, t: d(u, t, t) + u, on=line),
        "start": Constraint(lambda u: u - 1, on=line.face(t=0)),
    }
    report = solve(Problem(line, ["u"], rows), network=partial(MLP, width=8, depth=1), steps=4, progress=False).report
    assert report.judgement.undetermined(report.certificate, ("u",)) == ("u",)
    page = report.html()
    assert "<h2>Estimated error</h2><p>u: not determined</p>" in page and 'alt="Estimated error"' not in page
    assert "not determined" in next(line for line in str(report).splitlines() if line.startswith("u "))


def test_an_output_is_determined_where_only_numbers_are_open():
    opened = Direction(1e-9, {}, unknowns={"a": 0.7, "b": -0.7})
    judgement = Judgement(Verdict.NOT_DETERMINED)
    found = Certificate(1e-3, {"u": 1e-3}, 0.1, 1e-9, (opened,), 1.0)
    assert judgement.undetermined(found, ("u", "a", "b")) == ("a", "b")
    assert judgement.undetermined(None, ("u",)) == ("u",)
    assert Judgement(Verdict.TRUSTED, 1e-3).undetermined(None, ("u",)) == ()
