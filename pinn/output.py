"""An output of which more is known than its name: that it is positive, or where it lies."""

from __future__ import annotations

from collections.abc import Sequence

from pinn.validation import finite


class Output(str):
    """An output's name, with what is known of its values: `Problem(domain, [Output("c", positive=True)], ...)`.

    Example:
        >>> Output("fraction", bounds=(0, 1)).bounds
        (0.0, 1.0)
    """

    positive: bool
    bounds: tuple[float, float] | None
    smooth: bool | None

    def __new__(
        cls,
        name: str,
        positive: bool = False,
        bounds: Sequence[float] | None = None,
        smooth: bool | None = None,
    ) -> Output:
        """The name, checked.

        Args:
            name: as equations take it.
            positive: keep it positive, by a softplus of what the network says.
            bounds: `(low, high)` keeps it between, by a sigmoid; in its own units.
            smooth: whether it is kept smooth where data state their noise, as an unknown field is; left out, it is
                where no observation takes it and there are fewer equations than outputs (`pinn.smoothness`).

        Raises:
            TypeError: when the name is no string.
            ValueError: when `bounds` are not two finite numbers, low < high, or come with `positive`.
        """
        if not isinstance(name, str):
            raise TypeError(f"Output: got name {name!r}, expected a string; give one such as Output('u')")
        self = super().__new__(cls, name)
        self.positive = bool(positive)
        self.bounds = None if bounds is None else _interval(name, bounds)
        if smooth is not None and not isinstance(smooth, bool):
            raise TypeError(f"Output {name!r}: got smooth={smooth!r}, expected True, False or None; leave it out")
        self.smooth = smooth
        if self.positive and self.bounds is not None:
            raise ValueError(f"Output {name!r}: got positive=True and bounds; give one of them")
        return self


def _interval(name: str, bounds: Sequence[float]) -> tuple[float, float]:
    if isinstance(bounds, str) or not hasattr(bounds, "__iter__") or len(tuple(bounds)) != 2:
        raise ValueError(f"Output {name!r}: got bounds={bounds!r}, expected two finite numbers; give (low, high)")
    low, high = bounds
    finite(f"Output {name!r}: bounds", low=low, high=high)
    if not low < high:
        raise ValueError(f"Output {name!r}: bounds={(low, high)} hold nothing between them; give low < high")
    return float(low), float(high)
