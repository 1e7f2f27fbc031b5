"""Put what the benchmarks found into docs/, and six lines of it into the README: tables verbatim, pictures beside them.

    python -m experiments.figures

A benchmark leaves `table.md` and a picture in its folder under outputs/; where both are there they replace those in
docs/, and the README's text between `<!-- benchmark -->` and `<!-- /benchmark -->` becomes the account's first
paragraph, which says when, where and by which command, and some lines of its table. What has not been run stays.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from pinn.files import replacing

from .command_line.run_folder import write_text

ROOT = Path(__file__).resolve().parent.parent
SOURCES = {
    "benchmark": ("benchmark_10", "error.png", 0),
    "benchmark_60": ("benchmark_60", "error.png", 0),
    "peers": ("benchmark_peers", "error.png", 2),
    "targets": ("benchmark_optimizers/targets", "error.png", 0),
    "optimizers": ("benchmark_optimizers/optimizers", "error.png", 0),
    "large": ("benchmark_optimizers/large", "error.png", 0),
    "certificate": ("benchmark_certificate/all", "error.png", 0),
    "derivatives": ("benchmark_derivatives/latest", "ratios.png", 0),
    "rivals": ("benchmark_rivals", "error.png", 0),
    "classical": ("benchmark_classical", "error.png", 0),
    "difficulty": ("benchmark_difficulty", "error.png", 0),
    "gpu": ("benchmark_gpu/latest", None, 1),
    "pinnacle_errors": ("benchmark_pinnacle", "error.png", 0),
    "growth": ("benchmark_scaling", "picture.png", 0),
    "gallery": ("gallery", "gallery", 0),
}
"""Name in docs/ -> folder under outputs/, picture or folder of pictures in it or None, number of the table shown."""

SHOWN = ("poisson_2d", "helmholtz_1_4", "burgers", "kdv", "cavity", "diffusion_inverse")
COLUMNS = ("problem", "median", "least–greatest", "reference’s error", "seconds")
"""Lines and columns of the public suite's table that the README has."""


def figures(root: Path = ROOT, sources: Mapping[str, tuple[str, str | None, int]] = SOURCES) -> list[str]:
    """Copy what is there.

    Args:
        root: a checkout.
        sources: name -> folder under outputs/, picture or folder of pictures in it or None, number of the table shown.

    Returns:
        the names that were renewed.
    """
    readme = (root / "README.md").read_text(encoding="utf-8")
    renewed = []
    for name, (folder, picture, shown) in sources.items():
        table = root / "outputs" / folder / "table.md"
        drawn = None if picture is None else root / "outputs" / folder / picture
        if not (table.exists() and (drawn is None or drawn.exists())):
            continue
        text = table.read_text(encoding="utf-8")
        (root / "docs").mkdir(exist_ok=True)
        write_text(root / "docs" / f"{name}.md", text)
        for one, place in _copies(drawn, root / "docs", name):
            with replacing(place) as temporary:
                shutil.copyfile(one, temporary)
        readme = inserted(readme, name, brief(excerpt(text, shown)))
        renewed.append(name)
    write_text(root / "README.md", readme)
    return renewed


def _copies(drawn: Path | None, docs: Path, name: str) -> list[tuple[Path, Path]]:
    """Each picture and where it goes: beside the page, or in a folder of the same name where it is one of several."""
    if drawn is None or not drawn.is_dir():
        return [] if drawn is None else [(drawn, docs / f"{name}.png")]
    (docs / drawn.name).mkdir(exist_ok=True)
    return [(one, docs / drawn.name / one.name) for one in sorted(drawn.glob("*.png"))]


def excerpt(text: str, shown: int) -> str:
    """The first paragraph and one table, by number, of a Markdown text."""
    parts = text.strip().split("\n\n")
    tables = [part for part in parts if part.startswith("|")]
    return f"{parts[0]}\n\n{tables[shown]}"


def brief(text: str, names: Sequence[str] = SHOWN, columns: Sequence[str] = COLUMNS) -> str:
    """A paragraph and a table, of which some lines and columns are kept where it has such."""
    paragraph, _, table = text.partition("\n\n")
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
    kept = [index for index, title in enumerate(lines[0]) if title in columns] or list(range(len(lines[0])))
    chosen = [line for line in lines[2:] if line[0] in names] or lines[2:]
    rows = ["| " + " | ".join(line[index] for index in kept) + " |" for line in [lines[0], lines[1], *chosen]]
    return paragraph + "\n\n" + "\n".join(rows)


def inserted(text: str, name: str, content: str) -> str:
    """The text with new content between a name's marks, where it has such marks."""
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n).*?(<!-- /{re.escape(name)} -->)", re.DOTALL)
    return pattern.sub(lambda found: f"{found[1]}\n{content}\n\n{found[2]}", text)


def main() -> None:
    """Entry of `python -m experiments.figures`."""
    renewed = figures()
    print(f"renewed: {', '.join(renewed)}" if renewed else "nothing to renew: outputs/ holds no benchmark's table")


if __name__ == "__main__":
    main()
