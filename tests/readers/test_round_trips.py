"""Out and in again, of random logs: what a format can hold comes back."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from perception_label.export import Labelled, TrackFacts, plan_logs
from perception_label.geometry.cameras import Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import ImageLabels, objects, texts
from perception_label.geometry.labels import Labels
from perception_label.geometry.masks import compress, encode
from perception_label.geometry.poses import EgoPoses
from perception_label.geometry.shapes import KINDS, Shape
from perception_label.readers.labels import Facts, read_labels
from perception_label.tables import labels_to_table

CLASSES = ("car", "truck", "pedestrian", "cyclist", "trailer", "other")
NAMES = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"),
    min_size=1, max_size=8,
).map(str.strip).filter(bool)  # fmt: skip
VALUES = st.one_of(st.booleans(), st.integers(-9, 9), st.text('ab"1 ü', max_size=5))
WIDTH, HEIGHT = 320, 240


def poses(rng, n):
    """A path with slopes of up to 17 degrees."""
    out = np.tile(np.eye(4), (n, 1, 1))
    turns = np.column_stack([rng.uniform(-3, 3, n), *rng.uniform(-0.3, 0.3, (2, n))])
    out[:, :3, :3] = Rotation.from_euler("ZYX", turns).as_matrix()
    out[:, :3, 3] = rng.uniform(-500, 500, (n, 3))
    return out


@st.composite
def logs(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_sweeps = draw(st.integers(1, 5))
    tracks = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    times = 1_600_000_000_000_000_000 + np.arange(n_sweeps) * 100_000_000
    kept = rng.random((len(tracks), n_sweeps)) < 0.7
    kept[0, 0] = True
    track, sweep = np.nonzero(kept)
    kinds = rng.choice(CLASSES, len(tracks))
    m = len(track)
    is_key = rng.random(m) < 0.5
    is_key[0] = False
    labels = Labels.from_columns(
        times[sweep], [tracks[k] for k in track], kinds[track].tolist(),
        Cuboids(rng.uniform(-80, 80, (m, 3)), rng.uniform(0.3, 9, (m, 3)),
                rng.choice([*rng.uniform(-3.14, 3.14, 5), 0, np.pi / 2, -np.pi], m)),
    )  # fmt: skip
    facts = {
        name: TrackFacts(
            draw(st.dictionaries(st.sampled_from("abc"), VALUES, max_size=2)),
            {"when": {int(times[k]): draw(VALUES) for k in range(n_sweeps) if rng.random() < 0.4}},
        )
        for name in tracks
    }
    made = Labelled(
        log_id="yard",
        boxes=labels_to_table(labels, ["human" if k else "solver" for k in is_key.tolist()]),
        timestamps_ns=times,
        ego_poses=EgoPoses(times, poses(rng, n_sweeps)),
        ego_from_lidar=poses(rng, 1)[0],
        track_facts=lambda: facts,
        points=False,
    )
    return made, labels, is_key, facts


def written(folder, made, format):
    for planned in plan_logs([made], format):
        for name, fill in planned.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            fill(folder / name)
    facts = Facts(
        log_id=made.log_id,
        timestamps_ns=made.timestamps_ns,
        ego_poses=made.ego_poses,
        ego_from_lidar=made.ego_from_lidar,
        image_timestamps_ns={name: i.timestamps_ns for name, i in made.images.items()},
    )
    return read_labels(folder, format, facts)


@pytest.mark.parametrize("format", ["supervisely", "sustech", "mcap"])
@settings(max_examples=40)
@given(logs())
def test_boxes_in_the_lidar_come_back(format, log):
    made, labels, is_key, facts = log
    with tempfile.TemporaryDirectory() as folder:
        back = written(Path(folder), made, format)
    assert back.coordinate_frame == "world"
    names = {"BicycleRider": "cyclist"}
    found = {}
    for k in range(len(back.cuboids)):
        box = back.cuboids.packed()[k]
        kind = back.class_names[k]
        found[back.track_ids[k], int(back.at[k])] = (
            names.get(kind, kind.lower()), box, back.is_key is None or bool(back.is_key[k])
        )  # fmt: skip
    sweeps = np.searchsorted(made.timestamps_ns, labels.timestamps_ns)
    assert len(found) == len(labels)
    for k in range(len(labels)):
        kind, box, keyed = found[labels.track_names[labels.tracks[k]], int(sweeps[k])]
        expected = labels.cuboids.packed()[k]
        assert kind == labels.class_names[labels.classes[k]]
        assert np.abs(box[:6] - expected[:6]).max() < 1e-4
        assert 1 - np.cos(box[6] - expected[6]) < 1e-9
        assert keyed == is_key[k]
    times = made.timestamps_ns.tolist()
    if format == "mcap":  # which says what holds at each box, not since when
        for name, sweep in found:
            assert held(back, name, sweep) == facts[name].at(times[sweep])
        return
    for name in set(back.track_ids.tolist()):
        assert dict(back.attributes.get(name, {})) == dict(facts[name].attributes)
        expected = {times.index(t): v for t, v in facts[name].sweep_attributes["when"].items()}
        assert dict(back.sweep_attributes.get(name, {}).get("when", {})) == expected


def held(back, name, sweep):
    """The attributes of a track that hold at a sweep."""
    said = dict(back.attributes.get(name, {}))
    for what, values in back.sweep_attributes.get(name, {}).items():
        before = [at for at in values if at <= sweep]
        if before:
            said[what] = values[max(before)]
    return said


def shape(rng, kind):
    corners = np.sort(rng.uniform(1, 200, (2, 2)), axis=0) + np.array([[0, 0], [3, 3]])
    if kind == "box":
        return Shape.box(corners.ravel())
    points = rng.uniform(1, 200, (5, 2))
    if kind == "polygon":
        return Shape.polygon([points])
    if kind == "mask":
        inside = np.zeros((HEIGHT, WIDTH), dtype=bool)
        (x0, y0), (x1, y1) = corners.astype(int)
        inside[y0:y1, x0:x1] = rng.random((y1 - y0, x1 - x0)) < 0.8
        inside[y0, x0] = True
        return Shape.mask([HEIGHT, WIDTH], compress(encode(inside).runs(0)).decode())
    if kind == "keypoints":
        return Shape.keypoints(points, [2] * 5)
    return Shape.polyline(points)


@st.composite
def cameras(draw, kinds):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 6))
    tracks = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    rows = [
        (name, image, str(rng.choice(CLASSES)), shape(rng, kind))
        for name in tracks
        for kind in [str(rng.choice(kinds))]
        for image in range(n)
        if rng.random() < 0.7
    ] or [(tracks[0], 0, "car", shape(rng, kinds[0]))]
    kinds_of = {}
    rows = [(t, i, kinds_of.setdefault(t, k), s) for t, i, k, s in rows]
    times = np.arange(n, dtype=np.int64) * 50_000_000
    images = np.array([row[1] for row in rows])
    shapes = [row[3] for row in rows]
    boxes = [s.box_px if s.kind != "mask" else [1, 1, 9, 9] for s in shapes]
    labels = ImageLabels(
        images=images,
        timestamps_ns=times[images],
        track_ids=texts([row[0] for row in rows]),
        class_names=texts([row[2] for row in rows]),
        boxes_px=np.array(boxes, dtype=np.float64),
        kinds=np.array([KINDS.index(s.kind) for s in shapes], dtype=np.int8),
        shapes=objects([None if s.kind == "box" else s for s in shapes]),
        is_key=rng.random(len(rows)) < 0.5,
    )
    made = Labelled(
        log_id="yard",
        boxes=labels_to_table(
            Labels.from_columns([], [], [], Cuboids.unpack(np.empty((0, 7)))), []
        ),
        timestamps_ns=times,
        ego_poses=None,
        ego_from_lidar=np.eye(4),
        images={"front": Images(times, tuple(Path(f"{k}.jpg") for k in range(n)))},
        pictures=lambda _: Blank(n),
        image_labels=lambda _: labels,
        points=False,
    )
    return made, labels


class Blank:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def image(self, i):
        return np.zeros((HEIGHT, WIDTH, 3), np.uint8)


def compare(format, made, labels, tolerance_px):
    with tempfile.TemporaryDirectory() as folder:
        back = written(Path(folder), made, format).images["front"].labels
    back = back[np.flatnonzero(back.visible)]
    found = {(back.track_ids[k], int(back.images[k])): k for k in range(len(back))}
    assert len(found) == len(back) == len(labels)
    for k in range(len(labels)):
        row = found[labels.track_ids[k], int(labels.images[k])]
        assert back.class_names[row] == labels.class_names[k]
        assert bool(back.is_key[row]) == bool(labels.is_key[k])
        mine, theirs = back.shape(row), labels.shape(k)
        assert mine.kind == theirs.kind
        if mine.kind == "mask":
            assert mine == theirs
        else:
            assert np.abs(mine.points_px - theirs.points_px).max() < tolerance_px


@settings(max_examples=40)
@given(cameras(("box", "polygon", "mask", "keypoints")))
def test_coco_comes_back(camera):
    compare("coco", *camera, 1e-9)


@settings(max_examples=40)
@given(cameras(("box", "polygon", "mask", "polyline")))
def test_cvat_comes_back(camera):
    compare("cvat", *camera, 2e-3)


@settings(max_examples=40)
@given(cameras(("box",)))
def test_mot_comes_back(camera):
    compare("mot", *camera, 3e-3)
