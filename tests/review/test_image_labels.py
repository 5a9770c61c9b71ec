from uuid import uuid4

import pytest

from perception_label.pipeline.solve_images import solve_images
from perception_label.storage.edits import make

CAMERA = "front"


@pytest.fixture
def shots(film):
    """Ask for labels of the camera's images."""

    def ask(**query):
        answer = film.get(f"/cameras/{CAMERA}/labels", **query)
        assert answer.status_code == 200, answer.text
        return answer.json["labels"]

    return ask


def test_a_keyframe_is_shown_at_once_and_what_follows_after_the_job(film, shots):
    times = film.log.image_timestamps_ns[CAMERA]
    box = {"kind": "box", "box_px": [30.0, 30.0, 60.0, 50.0]}
    made, shaped = film.post(
        _op("create_track", "a", {"class_name": "car"}),
        _op("set_shape", "a", {"camera": CAMERA, "shape": box}, times[3]),
    )
    assert (made["status"], shaped["status"]) == ("appended", "appended")
    (label,) = shots()
    assert (label["image"], label["is_key"], label["shape"]) == (3, True, box)
    solve_images(film.workspace, film.log)
    found = shots()
    assert sorted(one["image"] for one in found) == list(range(len(times)))
    assert [one["image"] for one in found if one["is_key"]] == [3]
    assert not any(one["is_stale"] for one in found)
    assert [one["image"] for one in shots(first=2, last=4)] == [3, 2, 4]
    assert {one["shape"] for one in shots(with_shapes=False)} == {None}
    # The next edit makes them old; a keyframe that is taken away leaves nothing behind.
    film.post(_op("remove_shape", "a", {"camera": CAMERA, "geometry": "box"}, times[3]))
    found = shots()
    assert 3 not in {one["image"] for one in found}
    assert all(one["is_stale"] for one in found)
    film.workspace.edits(film.log).append([make.delete("a")])
    assert shots() == []


def test_a_camera_that_is_not_there_is_404(film):
    assert film.get("/cameras/rear/labels").status_code == 404


def test_a_track_of_images_only_is_listed_without_boxes(film):
    at = film.log.image_timestamps_ns[CAMERA][0]
    shape = {"kind": "keypoints", "points_px": [[5.0, 5.0]], "visibility": [2]}
    film.post(
        _op("create_track", "b", {"class_name": "pedestrian"}),
        _op("set_shape", "b", {"camera": CAMERA, "shape": shape}, at),
    )
    track = film.tracks(track_id=["b"])["b"]
    assert (track["sweeps"], track["size_m"], track["class_name"]) == ([], None, "pedestrian")


def _op(kind, track_id, after, at=None):
    return {
        "edit_id": str(uuid4()), "kind": kind, "track_id": track_id, "after": after,
        "timestamp_ns": None if at is None else str(at),
    }  # fmt: skip
