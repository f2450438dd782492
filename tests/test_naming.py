"""What outputs are called, and that no two have one name."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamguard.errors import UsageError
from streamguard.jobs.naming import NameRequest, alike, assign, check_template


def request(source: str) -> NameRequest:
    path = PurePosixPath(source)
    return NameRequest(path, ".jpg" if path.suffix == ".heic" else path.suffix)


def names(sources: list[str], owners: dict[str, str] | None = None) -> dict[str, str]:
    given = assign([request(source) for source in sources], owners or {})
    return dict(zip(sources, map(str, given), strict=True))


def test_inputs_that_differ_in_suffix_only_have_outputs_of_their_own() -> None:
    sources = ["IMG_1.heic", "IMG_1.jpg", "IMG_1.mov", "sub/IMG_1.heic"]
    assert names(sources) == {
        "IMG_1.heic": "IMG_1.heic.jpg",
        "IMG_1.jpg": "IMG_1.jpg",
        "IMG_1.mov": "IMG_1.mov",
        "sub/IMG_1.heic": "sub/IMG_1.heic.jpg",
    }


def test_names_that_some_file_systems_take_for_one_are_kept_apart() -> None:
    found = names(["A.jpg", "a.jpg", "caf\u00e9.jpg", "cafe\u0301.jpg"])
    assert found["A.jpg"] == "A.jpg"
    assert found["a.jpg"].startswith("a~")
    assert len({alike(name) for name in found.values()}) == 4


def test_a_name_that_was_given_stays_when_files_are_added() -> None:
    assert names(["a.heic"], {"a.heic.jpg": "a.heic"}) == {"a.heic": "a.heic.jpg"}
    added = names(["a.heic", "a.heic.jpg"], {"a.heic.jpg": "a.heic"})
    assert added["a.heic"] == "a.heic.jpg"
    assert added["a.heic.jpg"].startswith("a.heic~")
    fresh = names(["a.heic", "a.heic.jpg"])
    assert fresh["a.heic.jpg"] == "a.heic.jpg"
    again = names(["a.heic", "a.heic.jpg"], {name: source for source, name in fresh.items()})
    assert again == fresh


_NAMES = st.text("aAb", min_size=1, max_size=2)
_SUFFIXES = st.sampled_from([".heic", ".jpg", ".JPG", ".heic.jpg", ".heic~1.jpg"])
_FILES = st.lists(st.builds(str.__add__, _NAMES, _SUFFIXES), unique=True, max_size=8)


@given(_FILES, _FILES)
def test_no_two_files_share_a_name_and_none_changes_it(first: list[str], more: list[str]) -> None:
    before = names(first)
    owners = {name: source for source, name in before.items()}
    everything = sorted({*first, *more})
    after = names(everything, owners)
    assert len({alike(name) for name in after.values()}) == len(everything)
    assert all(after[source] == name for source, name in before.items())


@pytest.mark.parametrize(
    "template",
    [
        "{stem}/{suffix}",
        "..\\{stem}{suffix}",
        "{stem}{other}",
        "{stem.parent}{suffix}",
        "{stem!r}{suffix}",
        "{stem:>9}{suffix}",
        "{}{suffix}",
        "same{suffix}",
        "{stem{suffix}",
    ],
)
def test_templates_that_make_bad_names_are_refused(template: str) -> None:
    with pytest.raises(UsageError):
        check_template(template)


def test_braces_in_a_name_are_no_fields() -> None:
    assert str(NameRequest(PurePosixPath("{suffix}.jpg"), ".jpg").name()) == "{suffix}.jpg"
    assert check_template("{stem}{{x}}{suffix}") == "{stem}{{x}}{suffix}"
