"""Axes with round numbers on them."""

from typing import Any

_STEPS = ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))  # of a power of ten: few marks over many decades, more over few
_FEWEST = 3


def round_log(axis: Any) -> None:
    """Make an axis logarithmic, with plain round numbers as its marks however short it is."""
    from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, NullLocator

    class RoundLog(Locator):  # type: ignore[misc]
        def __call__(self) -> list[float]:
            return self.tick_values(*axis.get_view_interval())

        def tick_values(self, low: float, high: float) -> list[float]:
            for steps in _STEPS:
                marks = [step * 10.0**power for power in range(-9, 10) for step in steps]
                inside = [mark for mark in marks if low <= mark <= high]
                if len(inside) >= _FEWEST:
                    return inside
            return [float(mark) for mark in MaxNLocator(4).tick_values(low, high) if mark > 0]

    getattr(axis.axes, f"set_{axis.axis_name}scale")("log")
    axis.set_major_locator(RoundLog())
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(plain))


def plain(value: float, place: int | None = None) -> str:
    """A number without powers of ten."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.4g}"
