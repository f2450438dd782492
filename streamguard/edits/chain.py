"""The chain of digests over edits: each covers its edit and the digest before it.

Names and reasons are in it by salted digests, so that they can be erased without breaking it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from streamguard.edits.acts import BoxAt
from streamguard.edits.edit_json import canonical


@dataclass(frozen=True, slots=True)
class Sealed:
    """A text that can be erased.

    Attributes:
        text: The text; None once it was erased.
        salt: Random digits, erased with it: without them nobody can try names.
        seal: SHA-256 of both, which stays.
    """

    text: str | None
    salt: str | None
    seal: str

    @property
    def is_true(self) -> bool:
        """Whether the text is the one that was sealed, or was erased with its salt."""
        if self.text is None or self.salt is None:
            return self.text is None and self.salt is None
        return self.seal == _digest(self.salt, self.text)


def seal(text: str | None) -> Sealed:
    """Return a text with its seal; None stands for one that was erased elsewhere."""
    salt = secrets.token_hex(16)
    if text is None:
        return Sealed(None, None, _digest(salt, ""))
    return Sealed(text, salt, _digest(salt, text))


def start_of(decision: str) -> str:
    """Return the digest that stands before the first edit.

    Args:
        decision: Digest of the decision; so edits of another one do not fit.
    """
    return _digest("streamguard edits", decision)


def next_digest(before: str, said: object, drawn: tuple[BoxAt, ...]) -> str:
    """Return the digest of an edit.

    Args:
        before: Digest of the edit before it.
        said: All that its row says, as JSON has it, texts by their seals.
        drawn: Boxes that belong to it.
    """
    return _digest(before, canonical([said, drawn]))


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
