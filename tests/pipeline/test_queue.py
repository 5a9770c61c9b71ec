"""The review queue of a whole log."""

import pytest

from perception_label import review_queue
from perception_label.quality.queue import KINDS
from perception_label.tables import labels_from_table


@pytest.fixture(scope="module")
def queue(town_workspace):
    return review_queue(town_workspace.log(), workers=1)


def test_every_track_is_shown_once(queue, town_workspace):
    labels = labels_from_table(town_workspace.cuboids())
    shown = [item.track_id for item in queue.of_kind("track")]
    assert sorted(shown) == sorted(labels.track_names)
    assert len(set(shown)) == len(shown)


def test_the_worst_come_first(queue):
    expected = [item.expected_error for item in queue]
    assert expected == sorted(expected, reverse=True)
    assert [item.rank for item in queue] == list(range(len(queue)))
    assert {item.kind for item in queue} <= set(KINDS)
    assert len({item.item_id for item in queue}) == len(queue)


def test_any_number_of_workers_gives_the_same_queue(queue, town_workspace):
    assert review_queue(town_workspace.log(), workers=2) == queue


def test_candidates_are_shown_as_missing_objects(queue, town_workspace):
    candidates = labels_from_table(town_workspace.log().machine("candidates"))
    shown = {i.track_id for i in queue.of_kind("missing")}
    assert shown >= set(candidates.track_names)
    assert len(shown) > 0
