"""Figures that cannot be right: every rule is shown on a small file, with its arithmetic in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

TOPICS = ("gates", "figures")


def test_case(case: Any, check_case: Callable[[Any], None]) -> None:
    check_case(case)
