"""The options that say what is hidden, and what covers look like by label."""

from __future__ import annotations

from dataclasses import dataclass

import click

from streamguard.errors import UsageError
from streamguard.geometry import ZONE
from streamguard.settings import Effect, RedactionSettings, Settings

_EFFECTS = ", ".join(effect.value for effect in Effect)


@dataclass(frozen=True, slots=True)
class Effects:
    """What covers look like.

    Attributes:
        other: Of all labels that are not named.
        by_label: Of those that are.
    """

    other: Effect = RedactionSettings().effect
    by_label: tuple[tuple[str, Effect], ...] = ()

    @property
    def use_color(self) -> bool:
        """Whether any of them has a colour."""
        return Effect.SOLID in (self.other, *dict(self.by_label).values())

    def check(self, hidden: tuple[str, ...]) -> None:
        """Refuse effects of what is not hidden.

        Raises:
            click.UsageError: There is one.
        """
        for label, effect in self.by_label:
            if label not in (*hidden, ZONE):
                more = ",".join((*hidden, label))
                words = f"--effect {label}={effect}: {label} is not hidden. Add --hide {more}"
                raise click.UsageError(words, click.get_current_context())


def _labels(
    _context: click.Context, _option: click.Parameter, value: str | None
) -> tuple[str, ...]:
    if value is None:
        return Settings().hide
    labels = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    _known(labels)
    return labels


def _effects(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> Effects:
    found: dict[str, Effect] = {}
    for value in values:
        label, _, name = value.rpartition("=")
        if name not in tuple(Effect):
            raise click.BadParameter(f"there is no effect {name!r}. There are {_EFFECTS}")
        if label in found:
            raise click.BadParameter(f"{label or 'the effect'} is given twice")
        found[label] = Effect(name)
    named = [label for label in found if label not in ("", ZONE)]
    if named:
        _known(named)
    other = found.pop("", Effects().other)
    return Effects(other, tuple(found.items()))


def _known(labels: tuple[str, ...] | list[str]) -> None:
    """Refuse labels that nothing is known of, and say which there are."""
    from streamguard.detection.subjects import subjects_of

    try:
        subjects_of(labels)
    except UsageError as error:
        raise click.BadParameter(str(error)) from error


hide_option = click.option(
    "--hide",
    metavar="LABEL,...",
    callback=_labels,
    help="Labels of what to hide, separated by commas, such as face,code.  [default: face]",
)
effect_option = click.option(
    "--effect",
    metavar="[LABEL=]EFFECT",
    multiple=True,
    callback=_effects,
    help=f"What a cover looks like: {_EFFECTS}. With a label, that of one kind of thing:"
    f" --effect blur --effect code=solid.  [default: {Effects().other.value}]",
)
