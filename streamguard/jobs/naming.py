"""What outputs are called: templates, and names of their own for all of a folder."""

from __future__ import annotations

import hashlib
import string
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from streamguard.errors import UsageError

BESIDE = "{stem}.anonymized{suffix}"
"""Template of outputs beside their input."""
IN_FOLDER = "{stem}{suffix}"
"""Template of outputs in a folder of their own."""

_FIELDS = ("stem", "suffix")


def check_template(template: str) -> str:
    """Return a template of output names, once it is known to make good ones.

    Raises:
        UsageError: It has a path separator, another field, or lacks ``{stem}``.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"the name {template!r} has a brace too many or too few") from error
    names = [name for _, name, _, _ in parts if name is not None]
    plain = all(not form and not conversion for _, _, form, conversion in parts)
    if not plain or not set(names) <= set(_FIELDS):
        raise UsageError(
            f"the name {template!r} has an unknown field", "Use {stem} and {suffix} only"
        )
    if "stem" not in names:
        raise UsageError(
            f"the name {template!r} would be the same for every file", "Put {stem} into it"
        )
    if any(sign in template for sign in "/\\\0"):
        raise UsageError(
            f"the name {template!r} holds a path separator", "Name the folder with --output"
        )
    return template


@dataclass(frozen=True, slots=True)
class NameRequest:
    """What an output should be called.

    Attributes:
        source: Name of the input relative to its folder.
        suffix: Suffix of the output.
        template: Template of the output's name.
        after: The name that the output is named after, relative to the input's folder; that of
            the input when None.
    """

    source: PurePosixPath
    suffix: str
    template: str = IN_FOLDER
    after: PurePosixPath | None = None

    @property
    def keeps_suffix(self) -> bool:
        """Whether the output has the suffix of what it is named after."""
        return self.suffix == (self.after or self.source).suffix

    def name(self, mark: str = "") -> PurePosixPath:
        """Return the output's relative name.

        The whole name of an input whose suffix cannot be kept goes in: ``a.heic`` becomes
        ``a.heic.jpg``, so that ``a.jpg`` is free for the output of ``a.jpg``.

        Args:
            mark: What makes the name differ from another's.
        """
        after = self.after or self.source
        stem = after.stem if self.keeps_suffix else after.name
        return after.with_name(self.template.format(stem=f"{stem}{mark}", suffix=self.suffix))


def assign(requests: Sequence[NameRequest], owners: Mapping[str, str]) -> list[PurePosixPath]:
    """Give every input a name for its output that no other has.

    A name that an earlier run gave to an input stays with it. Names that differ only in
    upper and lower case count as the same, as they are on many file systems.

    Args:
        requests: One for each input.
        owners: Relative names of inputs by those of their outputs, from earlier runs.

    Returns:
        Relative names of the outputs, in the order of the requests.
    """
    taken = {alike(output): source for output, source in owners.items()}
    given: dict[int, PurePosixPath] = {}
    # Files that keep their suffix come first, so that a.heic never takes a name of theirs.
    for number in sorted(range(len(requests)), key=lambda index: not requests[index].keeps_suffix):
        request = requests[number]
        source = str(request.source)
        names = [request.name(), *(request.name(mark) for mark in _marks(source))]
        own = (name for name in names if owners.get(str(name)) == source)
        free = (name for name in names if taken.get(alike(name), source) == source)
        given[number] = next(own, None) or next(free)
        taken[alike(given[number])] = source
    return [given[number] for number in range(len(requests))]


def alike(name: PurePosixPath | Path | str) -> str:
    """Return what is equal for names that a file system may take for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", str(name)).casefold())


def _marks(source: str) -> list[str]:
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    return [f"~{digest[:length]}" for length in (6, 12, 64)]
