"""Covers faces in the decoder's own pixels, so that nothing can bring them back."""

from streamguard.redaction.redactor import MaskRedactor
from streamguard.redaction.slates import blank_slate

__all__ = ["MaskRedactor", "blank_slate"]
