import numpy as np
import pytest

import towns
from perception_label import open_workspace
from perception_label.geometry.cuboids import Cuboids
from perception_label.simulate.effort.cost import cost
from perception_label.simulate.effort.edit_desk import EditDesk
from perception_label.simulate.effort.scratch import scratch


@pytest.fixture(scope="module")
def street(tmp_path_factory):
    """A short simulated drive with its truth in place of proposals."""
    workspace = open_workspace(tmp_path_factory.mktemp("street") / "ws")
    workspace.ingest(towns.first(towns.held(), 6))
    workspace.log().write_machine("proposals", workspace.truth())
    return workspace


@pytest.fixture
def desk(street):
    log_id = street.logs()[0]
    with scratch(street, log_id) as apart:
        yield EditDesk(apart, apart.log(log_id))


def test_proposals_are_shown_as_they_are(street, desk):
    truth = street.log().truth()
    assert sorted(desk.track_ids()) == sorted({truth.track_names[k] for k in truth.tracks})
    name = desk.track_ids()[0]
    rows = truth.tracks == truth.track_names.index(name)
    assert np.array_equal(desk.shown(name).cuboids.packed(), truth.cuboids[rows].packed())


def test_a_keyframe_is_hard_and_carried_over_the_track(desk):
    name = next(t for t in desk.track_ids() if t.startswith("car") and len(desk.shown(t)) == 6)
    shown = desk.shown(name)
    at = int(shown.timestamps_ns[3])
    box = Cuboids(
        shown.cuboids.center_m[[3]] + [0.2, 0.1, 0.0],
        shown.cuboids.size_m[[3]],
        shown.cuboids.yaw_rad[[3]],
    )
    desk.set_keyframe(name, at, box)
    after = desk.shown(name)
    assert np.array_equal(after.timestamps_ns, shown.timestamps_ns)
    assert np.allclose(after.cuboids.packed()[3], box.packed()[0])


def test_every_verb_is_kept_in_the_edit_log(street):
    log_id = street.logs()[0]
    with scratch(street, log_id) as apart:
        desk = EditDesk(apart, apart.log(log_id))
        edits = apart.edits(log_id)
        one, two, three = [t for t in desk.track_ids() if len(desk.shown(t)) == 6][:3]
        desk.set_class(one, "truck")
        assert desk.shown(one).class_name == edits.track(one).class_name == "truck"
        times = desk.shown(two).timestamps_ns
        new = desk.split(two, int(times[3]))
        assert len(desk.shown(two)) == len(desk.shown(new)) == 3
        assert desk.merge(two, new)
        assert desk.shown(new) is None
        assert len(desk.shown(two)) == 6
        desk.delete(three)
        assert desk.shown(three) is None
        assert not edits.track(three).is_live
        desk.accept(one)
        assert edits.track(one).verdict == "accept"
        kinds = {row.edit.kind for row in edits.history()}
    assert {"create_track", "set_class", "split", "merge", "delete", "verdict"} <= kinds
    assert street.edits(log_id).revision == 0


@pytest.fixture(scope="module")
def report(street):
    return cost(street, seed=4)


def test_with_perfect_proposals_the_cost_is_looking(report):
    ours = report.strategies["ours"]
    assert ours.work.n_keyframes == 0
    assert ours.quality.recall == ours.quality.passing == 1
    assert set(ours.effort.counts) <= {"verify_grid", "verify_single", "nav_open_track"}
    assert report.times_cheaper()["sensor_linear"] > 5
    # Looked at is also what shows too little to be judged.
    assert report.over_time[-1, 0] >= len(report.judged.things)
    assert ours.curve[-1, 1] == 1


def test_the_same_seed_costs_the_same(street, report):
    assert cost(street, seed=4).as_dict()["strategies"] == report.as_dict()["strategies"]
