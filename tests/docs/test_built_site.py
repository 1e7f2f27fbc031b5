"""The site builds without a warning, has no dead link, and looks like one in a browser; so does a report."""

import importlib.util
import os
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest
from matplotlib.image import imread

from pinn import solve
from pinn.problems import heat_1d

ROOT = Path(__file__).resolve().parents[2]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
BUILDER = all(importlib.util.find_spec(name) for name in ("mkdocs", "material", "mkdocstrings", "latex2mathml"))

builds = pytest.mark.skipif(not BUILDER, reason='the site is built by packages that pip install "pinn[docs]" brings')
browses = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to open pages with")
WIDTH, HEIGHT = 1400, 1000
PALETTE_BLUE_GREY = (84, 110, 122)  # of the theme's header


class Links(HTMLParser):
    """Where a page leads to, and what on it can be led to."""

    def __init__(self, text):
        super().__init__()
        self.to, self.anchors = [], {"", "__top"}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Note it."""
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.to += [given[name] for name in ("href", "src") if given.get(name) and tag != "base"]


def dead_links(site):
    """Links of all pages of a folder that lead to no file of it, or to no place on a page."""
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    dead = []
    for path, page in pages.items():
        for link in page.to if path.name != "404.html" else ():
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            aim = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            aim = aim / "index.html" if aim.is_dir() else aim
            place = unquote(parts.fragment)
            if not aim.is_file() or (aim in pages and place not in pages[aim].anchors):
                dead.append(f"{path.relative_to(site)}: {link}")
    return dead


def test_a_dead_link_is_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<h1 id="top"></h1><a href="b.html#there">b</a><img src="c.png"><a href="#top">t</a>'
    )
    (tmp_path / "b.html").write_text('<p id="here"></p><a href="a.html">a</a><a href="https://example.org/x">x</a>')
    assert dead_links(tmp_path) == ["a.html: b.html#there", "a.html: c.png"]
    (tmp_path / "c.png").touch()
    (tmp_path / "b.html").write_text('<p id="there"></p>')
    assert dead_links(tmp_path) == []


def is_new(built):
    """Whether `make docs` has ended well since anything that the site is made of was changed."""
    sources = [ROOT / "mkdocs.yml", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*"), *(ROOT / "pinn").rglob("*.py")]
    return built.exists() and built.stat().st_mtime > max(path.stat().st_mtime for path in sources if path.is_file())


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, as `make docs` has left it, or built anew; notebooks that have not changed are not run again."""
    if is_new(ROOT / "build" / "site.built"):
        return ROOT / "build" / "site"
    folder = tmp_path_factory.mktemp("built") / "site"
    made = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0 and "WARNING" not in made.stderr, made.stderr
    return folder


@pytest.mark.slow
@builds
def test_no_link_inside_is_dead(site):
    assert len(list(site.rglob("*.html"))) > 50
    assert dead_links(site) == []


def shot(page, picture):
    """A screenshot of a page, (height, width, 3) from black 0 to white 1, also written to a file."""
    ended = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"),
            *(f"--window-size={WIDTH},{HEIGHT}", f"--user-data-dir={picture.parent}/profile"),
            *(f"--screenshot={picture}", page.resolve().as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert picture.is_file(), ended.stderr
    return imread(picture)[..., :3]


def coloured(image):
    """The part of a picture that is neither grey nor nearly so."""
    return float(np.mean(image.max(axis=2) - image.min(axis=2) > 0.25))


@pytest.mark.slow
@builds
@browses
@pytest.mark.parametrize(
    ("page", "pictures"),
    [
        ("index", True),
        ("tutorials/forward", False),
        ("api/solve", False),
        ("gallery", True),
        ("howto/index", False),
        ("howto/draw", True),
        ("notebooks/geometry", False),
    ],
)
def test_a_page_looks_like_one(site, tmp_path, page, pictures):
    image = shot(site / f"{page}.html", tmp_path / "shot.png")
    assert image.shape == (HEIGHT, WIDTH, 3)
    header = np.median(image[5:25, WIDTH // 2 :], axis=(0, 1)) * 255  # without its style it is white
    np.testing.assert_allclose(header, PALETTE_BLUE_GREY, atol=12)
    text = image[80:, 250:1150].mean(axis=2)
    assert 0.005 < np.mean(text < 0.5) < 0.5 and np.mean(text > 0.9) > 0.3
    assert (coloured(image[80:]) > 0.01) is pictures or not pictures


@pytest.mark.slow
@browses
def test_a_report_looks_like_one(tmp_path):
    solution = solve(heat_1d(), steps=5, features=None, progress=False)
    solution.report.save_html(tmp_path / "report.html")
    image = shot(tmp_path / "report.html", tmp_path / "shot.png")
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert 0.002 < np.mean(image.mean(axis=2) < 0.5) < 0.6
    assert coloured(image) > 0.01  # its pictures
