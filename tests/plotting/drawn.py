"""Pictures of fields that are known, drawn small, and what tells two of them apart.

    python -m tests.plotting.drawn     # draws the baselines anew; look at each before it is committed

Two pictures are compared where neither fonts nor a pixel matter: each is brought to cells of 12 x 12 pixels, and the
difference is the root mean square over cells and colours, relative to that of the ink on the white of the second.
"""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread, imsave

from pinn.plotting import Banded, Fields, Shown, plot_bands, plot_history, plot_solution
from pinn.solution import History

BASELINES = Path(__file__).resolve().parent / "baselines"
DPI = 50
CELL = 12


def plane():
    """Two coordinates, a field with a reference: solution, reference and error beside each other."""
    return plot_solution(
        Shown(
            Fields(
                title="plane",
                coordinates=("x", "y"),
                bounds={"x": (0.0, 2.0), "y": (0.0, 1.0)},
                outputs=("u",),
                contains=lambda at: np.ones_like(at["x"], dtype=bool),
                evaluate=lambda at: {"u": np.sin(np.pi * at["x"]) * at["y"] + 1e-3 * np.cos(3 * at["x"])},
                exact=lambda at: {"u": np.sin(np.pi * at["x"]) * at["y"]},
                labels={"u": "temperature / K"},
            )
        )
    )


def holed():
    """A disc cut out of a square: the picture ends along the circle."""

    def level(at):
        return 0.35 - np.hypot(at["x"] - 0.2, at["y"])

    return plot_solution(
        Shown(
            Fields(
                title="a square with a hole",
                coordinates=("x", "y"),
                bounds={"x": (-1.0, 1.0), "y": (-1.0, 1.0)},
                outputs=("p",),
                contains=lambda at: level(at) <= 0,
                evaluate=lambda at: {"p": np.exp(-2 * np.hypot(at["x"] - 0.2, at["y"]))},
                level=level,
            )
        )
    )


def lines():
    """A system of two over time, with its reference dashed and the errors on a scale of powers."""
    return plot_solution(
        Shown(
            Fields(
                title="circle",
                coordinates=("t",),
                bounds={"t": (0.0, 6.0)},
                outputs=("u", "v"),
                contains=lambda at: np.ones_like(at["t"], dtype=bool),
                evaluate=lambda at: {"u": np.sin(at["t"]) + 1e-4 * at["t"], "v": np.cos(at["t"]) - 1e-3},
                exact=lambda at: {"u": np.sin(at["t"]), "v": np.cos(at["t"])},
            )
        )
    )


def times():
    """Five times of an evolution in the plane, on one scale of colours."""
    return plot_solution(
        Shown(
            Fields(
                title="a spot that spreads",
                coordinates=("x", "y", "t"),
                bounds={"x": (-1.0, 1.0), "y": (-1.0, 1.0), "t": (0.0, 1.0)},
                outputs=("c",),
                contains=lambda at: np.ones_like(at["x"], dtype=bool),
                evaluate=lambda at: {
                    "c": np.exp(-(at["x"] ** 2 + at["y"] ** 2) / (0.1 + at["t"])) * 0.1 / (0.1 + at["t"])
                },
            )
        ),
        kind="values",
        over="t",
    )


def streamlines():
    """A vortex as streamlines."""
    return plot_solution(
        Shown(
            Fields(
                title="vortex",
                coordinates=("x", "y"),
                bounds={"x": (-1.0, 1.0), "y": (-1.0, 1.0)},
                outputs=("u", "v"),
                contains=lambda at: np.ones_like(at["x"], dtype=bool),
                evaluate=lambda at: {"u": -at["y"], "v": at["x"]},
            )
        ),
        kind="streamlines",
    )


def history():
    """Loss and error of a run that converges quadratically at its end."""
    rows = []
    for step in range(1, 41):
        loss = 10.0 ** (-0.1 * step - 0.004 * step**2)
        row = {"step": step, "stage": 0, "seconds": 0.1 * step, "loss": loss}
        rows.append(row | ({"validation": 2 * loss, "error": loss**0.5} if step % 4 == 0 else {}))
    return plot_history(History(rows), reference_error=1e-3, title="a run")


def bands():
    """A field that was found, with its band."""
    x = np.linspace(0, 1, 60)
    return plot_bands([Banded("k", {"x": x}, 1 + x**2, 0.05 + 0.1 * x)])


PICTURES = {draw.__name__: draw for draw in (plane, holed, lines, times, streamlines, history, bands)}


def pixels(figure):
    """A figure as an image (height, width, 3), black 0 and white 1."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3] / 255.0


def difference(first, second):
    """Difference between the cells of two images, relative to the ink of the second; infinite for different sizes."""
    if first.shape != second.shape:
        return np.inf
    ink = np.sqrt(np.mean((1 - _cells(second)) ** 2))
    return float(np.sqrt(np.mean((_cells(first) - _cells(second)) ** 2)) / ink)


def baseline(name):
    """The image that was looked at and committed."""
    return imread(BASELINES / f"{name}.png")[..., :3]


def _cells(image):
    height, width = (side // CELL * CELL for side in image.shape[:2])
    return image[:height, :width].reshape(height // CELL, CELL, width // CELL, CELL, 3).mean(axis=(1, 3))


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        imsave(BASELINES / f"{name}.png", pixels(draw()), metadata={"Software": None})
