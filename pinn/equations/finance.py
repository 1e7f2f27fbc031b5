"""The price of an option, after Black and Scholes.

Sources: Black, Scholes, J. Political Economy 81 (1973) 637; Merton, Bell J. Econ. Manag. Sci. 4 (1973) 141.
"""

from __future__ import annotations

from typing import Any

from pinn.derivatives import d
from pinn.equations.naming import Quantity, Rows, by_name


def black_scholes(
    *,
    asset: str = "S",
    time: str = "t",
    output: str = "V",
    volatility: Quantity = "sigma",
    interest: Quantity = "r",
    dividend: Quantity = 0.0,
) -> Rows:
    """The Black-Scholes equation, V_t + ½ σ² S² V_SS + (r − q) S V_S − r V = 0, backwards from the payoff at expiry.

    Args:
        asset: name of S, the price of the asset, in a currency.
        time: name of the calendar time t, years; V is known at the end.
        output: name of V, the option's price, in that currency.
        volatility: σ, 1/√year; of S and t too.
        interest: r, without risk, continuously compounded, 1/year.
        dividend: q, the asset's continuous yield, 1/year.

    Returns:
        An equation of one row, in currency a year.

    Raises:
        ValueError, TypeError: as `pinn.equations.naming.by_name` does.

    Source: Black, Scholes, J. Political Economy 81 (1973) 637, eq. (7); the dividend: Merton (1973).

    Example:
        >>> from pinn.binding import names_of
        >>> names_of(black_scholes(interest=0.05))
        (('V', 'S', 't', 'sigma'), ())
    """

    def rows(v: Any, s: Any, t: Any, sigma: Any, r: Any, q: Any) -> Any:
        return d(v, t) + 0.5 * sigma**2 * s**2 * d(v, s, s) + (r - q) * s * d(v, s) - r * v

    return by_name(
        "black_scholes",
        rows,
        {"output": output, "asset": asset, "time": time},
        {"volatility": volatility, "interest": interest, "dividend": dividend},
    )
