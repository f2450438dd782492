"""Keeps a library's import from importing what is never used here."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class _Deferred(ModuleType):
    """Stands for a module until somebody wants something of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what the import system itself asks for
            raise AttributeError(name)
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def deferred(*names: str) -> Iterator[None]:
    """Put off the import of some modules to the first use of their attributes.

    Inside the block importing them costs nothing; whoever does keeps a stand-in that loads the
    real module when it is used. Modules that are loaded already, and imports after the block,
    are as always.

    Args:
        names: Full module names; of a package and its module name the package first.
    """
    stand_ins = {name: _Deferred(name) for name in names if name not in sys.modules}
    for name, stand_in in stand_ins.items():
        package, _, last = name.rpartition(".")
        if package in stand_ins:
            setattr(stand_ins[package], last, stand_in)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
