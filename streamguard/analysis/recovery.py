"""What a program that was killed while it changed an analysis left half done."""

from __future__ import annotations

from pathlib import Path

from streamguard.errors import AnalysisError, unreadable

_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")
"""The end of a journal that names a second one. SQLite would open that, and may remove it."""


def check_journal(path: Path) -> None:
    """Check the journal beside a file, which SQLite opens, and plays back if it may write.

    Raises:
        AnalysisError: There is a journal that no change of ours made.
    """
    # SQLite follows links before it adds the suffix.
    journal = Path(f"{path.resolve()}-journal")
    if not journal.exists():
        return
    if not journal.is_file():
        raise _refused(journal)
    try:
        with journal.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - len(_NAMES_ANOTHER)))
            end = file.read()
    except FileNotFoundError:
        return  # the program that made it has just finished
    except OSError as error:
        raise unreadable(journal, error) from error
    if end == _NAMES_ANOTHER:
        raise _refused(journal)


def _refused(journal: Path) -> AnalysisError:
    return AnalysisError(
        f"{journal} was not made by editing an analysis, and is not followed",
        "Remove it if you do not know where it is from",
    )
