"""Numbers as the profile prints them."""

_PLAIN_BELOW = 10_000  # years keep their four digits together


def format_count(count: int) -> str:
    """`1,234,567`."""
    return f"{count:,}"


def format_share(share: float) -> str:
    """A share of 0 to 1 in percent; neither nothing nor all unless it is exactly that."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{100 * share:.1f} %" if share not in (0, 1) else f"{100 * share:.0f} %"


def format_value(value: float) -> str:
    """Four digits, and every digit before the point."""
    return f"{value:,.0f}" if abs(value) >= _PLAIN_BELOW else f"{value:.4g}"
