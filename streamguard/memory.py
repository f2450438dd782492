"""Giving freed memory back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Give memory that was freed back to the system, where the C library keeps it.

    An encoder or decoder that is opened and closed again leaves holes that the GNU C library
    neither returns nor fills: after 800 recordings of two seconds a process held 227 MiB instead
    of 66, and still grew. Elsewhere nothing is done.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
