import numpy as np

from perception_label.geometry.labels import each_track
from perception_label.pipeline.carry_on import carry_on
from perception_label.pipeline.score import with_counts


def parked_and_moving(log):
    """The truth's parked car with the most points, and a car that moved."""
    truth = with_counts(log, log.truth(), np.ones(len(log.truth()), dtype=bool))
    cars = [t for t in each_track(truth).values() if t.class_names[t.classes[0]] == "car"]
    apart = [np.ptp(t.cuboids.center_m[:, :2], axis=0).max() for t in cars]
    parked = [t for t, far in zip(cars, apart, strict=True) if far == 0]
    moving = [t for t, far in zip(cars, apart, strict=True) if far > 1]
    return max(parked, key=lambda t: t.n_points.min()), moving[0]


def test_what_stands_is_carried_as_long_as_it_shows(town_workspace):
    log = town_workspace.log()
    parked, _ = parked_and_moving(log)
    middle = slice(8, 12)
    found = carry_on(log, parked.cuboids[middle], parked.timestamps_ns[middle])
    assert found == (int(log.timestamps_ns[0]), int(log.timestamps_ns[-1]))


def test_what_moves_is_not_carried(town_workspace):
    log = town_workspace.log()
    _, moving = parked_and_moving(log)
    assert carry_on(log, moving.cuboids, moving.timestamps_ns) is None


def test_a_box_on_nothing_is_not_carried(town_workspace):
    log = town_workspace.log()
    parked, _ = parked_and_moving(log)
    box, at = parked.cuboids[8:9], parked.timestamps_ns[8:9]
    lifted = type(box)(box.center_m + np.array([0.0, 0.0, 40.0]), box.size_m, box.yaw_rad)
    assert carry_on(log, lifted, at) == (int(at[0]), int(at[0]))
