"""Where the keys of a YAML document stand, mistakes in its words, and ``${NAME}`` in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import ValidationError

Key = tuple[str | int, ...]
"""The way to a value: names of keys, and numbers in lists."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_MAP = "should be a map of keys to values"
# What pydantic says in the words of Python, in those of YAML.
_WORDS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "tuple_type": "should be a list",
    "dict_type": _MAP,
    "model_type": _MAP,
    "float_parsing": "should be a number",
    "int_parsing": "should be a whole number",
    "bool_parsing": "should be true or false",
}


class Lines:
    """Which key stands on which line.

    Args:
        root: The document.

    Attributes:
        duplicates: A mistake for every key that is given twice.
    """

    def __init__(self, root: yaml.Node | None) -> None:
        self._lines: dict[Key, int] = {}
        self.duplicates: list[str] = []
        if root is not None:
            self._walk(root, ())

    def mistake(self, key: Key, words: str) -> str:
        """Return what is wrong with a key, with its line or that of the nearest one above it."""
        place = key
        while place and place not in self._lines:
            place = place[:-1]
        line = self._lines.get(place, 1)
        return f"line {line}: {'.'.join(map(str, key)) or 'the file'}: {words}"

    def inherited(self, prefix: Key, place: Key, fallback: Key) -> Key:
        """Return the key of what a map holds itself, or has from another one under it."""
        is_own = (*prefix, *place[:1]) in self._lines
        is_there = (*fallback, *place[:1]) in self._lines
        return (*fallback, *place) if place and is_there and not is_own else (*prefix, *place)

    def describe(
        self, error: ValidationError, prefix: Key = (), fallback: Key = ()
    ) -> Iterator[str]:
        """Yield every mistake in words, without the offending value: it may be a secret."""
        for item in error.errors(include_input=False, include_url=False, include_context=False):
            place = tuple(part for part in item["loc"] if part != "[key]")
            key = self.inherited(prefix, place, fallback) if fallback else (*prefix, *place)
            words = _WORDS.get(item["type"]) or item["msg"].removeprefix("Value error, ")
            yield self.mistake(key, words)

    def _walk(self, node: yaml.Node, key: Key) -> None:
        self._lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                inner = (*key, str(name.value))
                is_known = inner in self._lines
                self._lines[inner] = name.start_mark.line + 1
                if is_known:
                    self.duplicates.append(self.mistake(inner, "given twice"))
                self._walk(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for number, value in enumerate(node.value):
                self._walk(value, (*key, number))


def expanded(value: Any, environment: Mapping[str, str], lines: Lines) -> tuple[Any, list[str]]:
    """Return a document with ``${NAME}`` replaced in every text, and a mistake for each unknown."""
    mistakes: list[str] = []

    def replaced(value: Any, key: Key) -> Any:
        if isinstance(value, dict):
            return {name: replaced(inner, (*key, name)) for name, inner in value.items()}
        if isinstance(value, list):
            return [replaced(inner, (*key, number)) for number, inner in enumerate(value)]
        if not isinstance(value, str):
            return value
        missing = [name for name in _VARIABLE.findall(value) if name not in environment]
        if missing:
            words = ", ".join(f"${{{name}}} is not set" for name in missing)
            mistakes.append(lines.mistake(key, words))
            return value
        return _VARIABLE.sub(lambda match: environment[match[1]], value)

    return replaced(value, ()), mistakes
