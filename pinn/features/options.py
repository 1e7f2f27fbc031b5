"""Which linear solves on fixed neurons are made, as a value."""

from __future__ import annotations

from dataclasses import dataclass

from pinn.validation import positive

SHARE = 0.25  # of the work of training so far that one correction may take; see `pinn.alternation`


@dataclass(frozen=True)
class Features:
    """Which linear solves on fixed neurons `solve` makes.

    Args:
        fixed: begin with neurons from nothing, where nothing is named of how to train.
        lifted: correct the trained network by neurons over its hidden layer.
        share: of the work of training so far that one correction may take.

    Raises:
        ValueError: when `share` is not positive.

    Example:
        >>> from pinn import solve
        >>> from pinn.problems import reaction
        >>> solution = solve(reaction(), steps=5, features=Features(fixed=False), progress=False, certify=False)
        >>> solution.report.outcome.contributions[0].kind
        'neurons over the network'
    """

    fixed: bool = True
    lifted: bool = True
    share: float = SHARE

    def __post_init__(self) -> None:
        positive("Features", share=self.share)


DEFAULT = Features()
