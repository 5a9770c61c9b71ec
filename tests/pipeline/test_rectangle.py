import numpy as np
import pytest

from perception_label.errors import EditError, ShapeError
from perception_label.geometry.overlap import overlap_bev
from perception_label.pipeline.rectangle import cuboid_from_rectangle, track_from_rectangle

SWEEP = 3


@pytest.fixture
def log(town_workspace):
    return town_workspace.log()


def nearest_car(log):
    """Return the truth's car nearest to the sensor in the sweep."""
    truth = log.truth()
    cars = truth[
        (truth.timestamps_ns == log.timestamps_ns[SWEEP])
        & (np.asarray(truth.class_names)[truth.classes] == "car")
    ].cuboids
    here = log.world_from_sensor[SWEEP, :2, 3]
    return cars[[int(np.argmin(np.linalg.norm(cars.center_m[:, :2] - here, axis=1)))]]


@pytest.mark.parametrize("grow_m", [0.0, 0.5])
def test_a_rectangle_round_a_car_becomes_its_cuboid(log, grow_m):
    car = nearest_car(log)
    drawn = car.size_m[0, :2] + grow_m
    found = cuboid_from_rectangle(log, SWEEP, car.center_m[0, :2], drawn, car.yaw_rad[0])
    assert found.class_name == "car"
    assert overlap_bev(found.cuboid, car)[0, 0] > 0.6
    assert found.cuboid.center_m[0, 2] == pytest.approx(car.center_m[0, 2], abs=0.3)


def test_its_heading_need_not_be_the_objects(log):
    car = nearest_car(log)
    square = np.full(2, np.linalg.norm(car.size_m[0, :2]))
    found = cuboid_from_rectangle(log, SWEEP, car.center_m[0, :2], square)
    assert overlap_bev(found.cuboid, car)[0, 0] > 0.5


def test_a_track_of_it(log):
    car = nearest_car(log)
    track = track_from_rectangle(
        log, SWEEP, car.center_m[0, :2], car.size_m[0, :2], car.yaw_rad[0], class_name="truck"
    )
    assert track.class_name == "truck"
    assert len(track.timestamps_ns) > 5


def test_an_empty_one_is_refused(log):
    with pytest.raises(EditError, match="no points above the ground"):
        cuboid_from_rectangle(log, SWEEP, [5000, 5000], [4, 2])


@pytest.mark.parametrize(
    ("center", "size"), [([0, 0, 0], [4, 2]), ([0, np.nan], [4, 2]), ([0, 0], [4, -2])]
)
def test_what_is_no_rectangle_is_refused(log, center, size):
    with pytest.raises(ShapeError, match="expected two"):
        cuboid_from_rectangle(log, SWEEP, center, size)
