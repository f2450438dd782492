"""Tells the windows of this process once more that they are on the screen.

Qt, which OpenCV's windows stand on, loses events of the X server while it opens a window, one
start in ten on a busy machine. If it was the one that says that the window is mapped, Qt never
paints. To hear it twice does no harm.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from ctypes import POINTER, byref, c_int, c_long, c_uint, c_ulong, c_void_p
from typing import Any

_MAP_NOTIFY, _STRUCTURE_NOTIFY, _CARDINAL = 19, 1 << 17, 6


class _MapEvent(ctypes.Structure):
    """``XMapEvent``, as long as any event of Xlib."""

    _fields_ = (
        ("type", c_int),
        ("serial", c_ulong),
        ("is_sent", c_int),
        ("display", c_void_p),
        ("event", c_ulong),
        ("window", c_ulong),
        ("is_override", c_int),
        ("rest", c_long * 24),
    )


def tell_mapped() -> bool:
    """Tell every window of this process that it is mapped.

    Returns:
        Whether there was a window to tell; without an X server there is none.
    """
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = c_void_p
    display = c_void_p(x11.XOpenDisplay(None))
    if display.value is None:
        return False
    x11.XDefaultRootWindow.restype = c_ulong
    # A window may be gone by now; Xlib itself would end the process.
    ignore = ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)(lambda _display, _error: 0)
    x11.XSetErrorHandler.restype = c_void_p
    before = c_void_p(x11.XSetErrorHandler(ignore))
    try:
        root = x11.XDefaultRootWindow(display)
        own = [w for w in _windows(x11, display, root) if _process(x11, display, w) == os.getpid()]
        for window in own:
            event = _MapEvent(type=_MAP_NOTIFY, display=display, event=window, window=window)
            x11.XSendEvent(display, c_ulong(window), 0, c_long(_STRUCTURE_NOTIFY), byref(event))
        x11.XSync(display, 0)
    finally:
        x11.XSetErrorHandler(before)
        x11.XCloseDisplay(display)
    return bool(own)


def _windows(x11: Any, display: c_void_p, window: int) -> Iterator[int]:
    """Yield all windows in another one. A window manager puts others round them."""
    ends, count, found = (c_ulong(), c_ulong()), c_uint(), c_void_p()
    root, parent = map(byref, ends)
    x11.XQueryTree(display, c_ulong(window), root, parent, byref(found), byref(count))
    inside = _numbers(x11, found, count.value)
    for child in inside:
        yield child
        yield from _windows(x11, display, child)


def _process(x11: Any, display: c_void_p, window: int) -> int:
    """Return the process that a window says it belongs to, or 0."""
    name = c_ulong(x11.XInternAtom(display, b"_NET_WM_PID", 0))
    kind, form, count, rest = c_ulong(), c_int(), c_ulong(), c_ulong()
    data = c_void_p()
    where = display, c_ulong(window), name, c_long(0), c_long(1), 0, c_ulong(_CARDINAL)
    x11.XGetWindowProperty(*where, byref(kind), byref(form), byref(count), byref(rest), byref(data))
    return next(iter(_numbers(x11, data, count.value)), 0)


def _numbers(x11: Any, found: c_void_p, count: int) -> list[int]:
    """Return numbers that Xlib has found, and free them."""
    if found.value is None:
        return []
    numbers = ctypes.cast(found, POINTER(c_ulong))[:count]
    x11.XFree(found)
    return numbers
