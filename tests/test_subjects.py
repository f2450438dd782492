"""Kinds of things that are hidden: each is followed by itself, and what has no name is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from streamguard.detection.subjects import SUBJECTS, Subject, subjects_of
from streamguard.detection.subjects.face import FACE
from streamguard.errors import UsageError
from streamguard.geometry import Box
from streamguard.outlines import Polygon
from streamguard.plans import Quality
from streamguard.settings import Settings
from streamguard.tracking.observations import Observation, SearchedRegion
from streamguard.tracking.timeline import Moment, Timeline
from streamguard.tracking.tracker import Tracker

PLAN = Settings().plan
TOY = Subject(label="toy", words="toys", detectors=lambda _plan: {}, margin=0.25)
BOX = Box(40, 30, 70, 60)
WHOLE = Box(0, 0, 160, 90)


def tracker_of(*subjects: Subject) -> tuple[Tracker, Moment]:
    timeline = Timeline()
    tracker = Tracker([subject.kind(PLAN) for subject in subjects], timeline)
    tracker.advance(Moment(np.full((90, 160), 90, np.uint8), 0.0))
    return tracker, timeline.moments[-1]


def test_things_of_two_labels_in_one_place_are_two() -> None:
    tracker, moment = tracker_of(FACE, TOY)
    for label in ("face", "toy", "toy"):
        tracker.observe([Observation(BOX, 0.9, is_second=True)], (), label)
    assert [track.kind.label for track in tracker.tracks] == ["face", "toy"]
    assert [tracker.label_of(track_id) for track_id in moment.covers] == ["face", "toy"]


def test_a_look_for_one_label_says_nothing_about_another() -> None:
    tracker, _ = tracker_of(FACE, TOY)
    tracker.observe([Observation(BOX, 0.9, is_second=True)], (), "toy")
    tracker.observe([], [SearchedRegion(WHOLE, 5.0)], "face")
    assert tracker.tracks[0].denials == 0
    tracker.observe([], [SearchedRegion(WHOLE, 5.0)], "toy")
    assert tracker.tracks[0].denials == 1
    assert [track.kind.label for track in tracker.wanting_close_look("toy")] == ["toy"]
    assert tracker.wanting_close_look("face") == []


def test_what_is_known_of_a_kind_can_change_while_it_is_followed() -> None:
    strict = replace(FACE, belief=replace(FACE.belief, sure_second=0.95, most_misses=-5))
    tracker, moment = tracker_of(FACE)
    tracker.observe([Observation(BOX, 0.9, is_second=True)])
    assert tracker.covers(1, moment)
    tracker.adapt([strict.kind(PLAN)])
    assert not tracker.covers(1, moment)


def test_a_plain_thing_is_covered_as_large_as_it_is() -> None:
    for subject, grows in ((FACE, True), (TOY, False)):
        tracker, _ = tracker_of(subject)
        narrow = Box(40, 30, 52, 60)
        tracker.observe([Observation(narrow, 0.9, is_second=True)], (), subject.label)
        mask = tracker.tracks[0].mask(0.0, (90, 160))
        assert (mask.width > narrow.width + 1) is grows


def test_what_a_box_means() -> None:
    assert FACE.outline(BOX) == BOX
    assert FACE.whole(BOX, 0, 160, 90).y1 < BOX.y1
    # Upright is one turn clockwise: what is above lies to the left of the coded picture.
    assert FACE.whole(BOX, 1, 160, 90).x1 < BOX.x1
    assert TOY.whole(BOX, 0, 160, 90) == BOX
    assert TOY.outline(BOX) == Polygon(((32.5, 22.5), (77.5, 22.5), (77.5, 67.5), (32.5, 67.5)))
    assert (FACE.reach(0.3), TOY.reach(0.3)) == (0.3, 0.25)


def test_labels_are_looked_up_once_each_and_unknown_ones_named() -> None:
    assert subjects_of(["face", "face"]) == (FACE,)
    for labels in (["fase"], ["face", "moon"]):
        with pytest.raises(UsageError, match=f"{labels[-1]}.*face"):
            subjects_of(labels)
    with pytest.raises(UsageError, match="nothing to hide"):
        subjects_of([])
    assert all(label == subject.label for label, subject in SUBJECTS.items())


@pytest.mark.parametrize("quality", Quality)
@pytest.mark.parametrize("label", SUBJECTS)
def test_everything_is_looked_for_within_the_look_ahead(label: str, quality: Quality) -> None:
    plan = SUBJECTS[label].plan(Settings(quality=quality).plan)
    assert plan.whole_every <= plan.lookahead
