"""Axes: where they start and end, and what stands at their ticks.

They are worked out here and handed to the drawing library as they are, so that a picture does not depend on the fonts
of the machine that draws it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FLAT = 0.3
"""An axis starts at nought unless what is shown would fill less than this share of it."""

SPAN = 0.2
"""An axis that does not start at nought spans at least this share of its highest value, so that little looks little."""

NARROW = frozenset(" .,:;'|!()[]/-fijlrtI")
NARROW_WIDTH, CAPITAL_WIDTH, USUAL_WIDTH = 0.37, 0.76, 0.63
"""Width of a character over the size of its font, in the widest of the usual sans-serif fonts (DejaVu Sans)."""


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear axis.

    Attributes:
        low: Where it starts.
        high: Where it ends.
        ticks: Values and what is written at them.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """Return how far along the axis a value stands, from 0 to 1.

        Args:
            value: A value.
        """
        return (value - self.low) / (self.high - self.low)

    def value(self, share: float) -> float:
        """Return the value that stands a share of the way along, which may lie outside the axis.

        Args:
            share: From 0 at the start to 1 at the end.
        """
        return self.low + share * (self.high - self.low)


def value_axis(shown: Sequence[float], most_ticks: int = 6) -> Axis:
    """Return a vertical axis with round ticks around everything that is shown.

    It starts at nought, unless that would flatten what is shown, or something lies below. One number alone has its size
    shown: there is nothing that could be flattened.

    Args:
        shown: Every value, limit and target in the picture.
        most_ticks: Ticks at most.
    """
    low, high = (min(shown), max(shown)) if shown else (0.0, 1.0)
    if low == high or (low >= 0 and (high - low) / high >= FLAT):
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        high = 1.0
    if low > 0:
        lacking = max(SPAN * high - (high - low), 0) / 2
        low, high = max(low - lacking, 0), high + lacking
    step = round_step((high - low) / (most_ticks - 2))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
    decimals += 1 if round(step * 10**decimals, 6) != int(round(step * 10**decimals, 6)) else 0
    ticks = tuple((tick * step, f"{tick * step + 0.0:,.{decimals}f}") for tick in range(first, last + 1))
    return Axis(first * step, last * step, ticks)


def round_step(least: float) -> float:
    """Return the smallest of 1, 2, 2.5 and 5 times a power of ten that is not below what is asked.

    Args:
        least: A number above 0.
    """
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * times for times in (1, 2, 2.5, 5, 10) if power * times >= least * (1 - 1e-9))


def width_of(text: str, size: float) -> float:
    """Return the room that a text needs.

    Args:
        text: One line.
        size: Size of its font.
    """
    widths = (
        NARROW_WIDTH if letter in NARROW else CAPITAL_WIDTH if letter.isupper() else USUAL_WIDTH for letter in text
    )
    return size * sum(widths)


def wrapped(text: str, room: float, size: float) -> list[str]:
    """Break a text into lines that fit.

    Args:
        text: Words; a non-breaking space holds two together.
        room: Width of a line.
        size: Size of the font.

    Returns:
        At least one line; a word that is longer than a line stays whole.
    """
    lines: list[str] = []
    for word in text.split(" "):
        if lines and width_of(f"{lines[-1]} {word}", size) <= room:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines.append(word)
    return lines or [""]


def spaced(labels: Sequence[tuple[float, str]], anchor: int, pixels: float, size: float) -> list[tuple[float, str]]:
    """Choose every nth period for the ticks of an axis, so that no label touches the next.

    Args:
        labels: Position from 0 to 1, and label, in order; a label may have several lines.
        anchor: Index of the period that has to keep its label.
        pixels: Length of the axis.
        size: Size of the font.

    Returns:
        The chosen ones, and the first and the last where they have room.
    """
    chosen = _every_nth(labels, anchor, pixels, size)
    if _apart(labels[0], chosen[0], pixels, size):
        chosen.insert(0, labels[0])
    if _apart(chosen[-1], labels[-1], pixels, size):
        chosen.append(labels[-1])
    return chosen


def _apart(left: tuple[float, str], right: tuple[float, str], pixels: float, size: float) -> bool:
    needed = sum(max(width_of(line, size) for line in label.split("\n")) for _, label in (left, right)) / 2
    return (right[0] - left[0]) * pixels >= needed + size * 0.7


def _every_nth(labels: Sequence[tuple[float, str]], anchor: int, pixels: float, size: float) -> list[tuple[float, str]]:
    for every in range(1, len(labels) + 1):
        chosen = [label for index, label in enumerate(labels) if (index - anchor) % every == 0]
        if all(_apart(left, right, pixels, size) for left, right in pairwise(chosen)):
            return chosen
    return [labels[anchor]]
