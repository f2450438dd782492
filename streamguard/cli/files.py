"""Text files that commands write: they get their names when they are whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from streamguard.errors import UsageError


@contextmanager
def text_file(path: Path, inputs: Sequence[Path], overwrite: bool) -> Iterator[TextIO]:
    """Give a file to write to, which gets its name when the block ends well.

    Its permissions are those of the last input.

    Args:
        path: Its name.
        inputs: What must not be replaced.
        overwrite: Whether it may be replaced.

    Raises:
        UsageError: It is one of the inputs.
        OutputExistsError: It exists, and may not be overwritten.
        SinkError: It cannot be written.
    """
    from streamguard.media.target import Target, sink_errors

    if path.resolve() in (file.resolve() for file in inputs):
        raise UsageError(f"the output {path} is also an input", "Choose another name")
    target = Target(path, inputs[-1], overwrite)
    try:
        with (
            sink_errors(path),
            # A file's name may hold any bytes; in JSON they become the escapes that it has.
            target.part.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
        ):
            yield file
        target.commit()
    finally:
        target.discard()
