"""What holds for one call of ``streamguard edit``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streamguard.edits.editor import Editor


@dataclass(frozen=True, slots=True)
class Session:
    """What was said before the sub-command.

    Attributes:
        path: The analysis.
        actor: Who makes the edit.
        codes: Lists of codes of one's own.
        seen: Number of the last edit the actor knew of; None for all there are.
    """

    path: Path
    actor: str
    codes: tuple[Path, ...]
    seen: int | None

    @contextmanager
    def open(self) -> Iterator[Editor]:
        """Give the open analysis."""
        from streamguard.edits.editor import edit

        with edit(self.path, actor=self.actor, codes=self.codes) as editor:
            yield editor
