"""COCO, MOT, CVAT, VOC, YOLO of whole logs: read as their books say, against the labels given."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import format_worlds as worlds
from perception_label.export import Labelled, plan_logs
from perception_label.geometry.cameras import Images
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.image_labels import ImageLabels, texts
from perception_label.geometry.labels import Labels
from perception_label.pipeline.export import export, labelled
from perception_label.tables import labels_to_table

LOGS = ("hill-1", "hill-2")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return worlds.format_world(tmp_path_factory.mktemp("a world ü"), LOGS)


@pytest.fixture(scope="module")
def out(world):
    made = {}

    def write(format, points=None):
        folder = world.root / "out put" / f"{format} {points}"
        if folder not in made:
            made[folder] = export(world.workspace, folder, format, source="solved", points=points)
        return folder, made[folder]

    return write


@pytest.fixture(scope="module")
def expected(world):
    """(log, camera, image, track) → class and box, of what an export is given."""
    found = {}
    for log_id in LOGS:
        log = world.workspace.log(log_id)
        given = labelled(world.workspace, log, log.dense_boxes())
        for camera in given.images:
            labels = given.image_labels(camera)
            for row in range(len(labels)):
                key = (log_id, camera, int(labels.images[row]), labels.track_ids[row])
                found[key] = (labels.class_names[row], labels.boxes_px[row].tolist())
    assert len(found) > 40
    return found


def agree(found, expected, tolerance_px):
    assert found.keys() == expected.keys()
    for key, (name, box) in found.items():
        assert name == expected[key][0]
        np.testing.assert_allclose(box, expected[key][1], atol=tolerance_px)


def test_boxes_hold_the_middle_of_their_object(world, expected):
    """By plain projection of the truth, not by the package's own."""
    seen = 0
    for (_, camera, image, track), (_, box) in expected.items():
        at = world.log.images[camera].timestamps_ns[image]
        t = (at - worlds.START_NS) * 1e-9
        row = next(r for r in worlds.TRACKS if r[0] == track)
        middle = [*np.add(row[3], np.multiply(row[4], t)), 1.0]
        told = worlds.CAMERAS[camera]
        pose = worlds.world_from_ego(at) @ told.ego_from_camera
        x, y, z = (np.linalg.inv(pose) @ middle)[:3]
        if z < 1:
            continue
        u, v, _ = np.array(told.intrinsics) @ [x / z, y / z, 1]
        if box[0] > 2 and box[2] < told.width_px - 2 and box[1] > 2 and box[3] < told.height_px - 2:
            seen += 1
            assert box[0] < u + 0.5 < box[2]
            assert box[1] < v + 0.5 < box[3]
    assert seen > 20


def test_coco(out, expected):
    folder, report = out("coco")
    said = json.loads((folder / "annotations/instances_train.json").read_text("utf-8"))
    images = {image["id"]: image for image in said["images"]}
    classes = {c["id"]: c["name"] for c in said["categories"]}
    found, ids = {}, {}
    for a in said["annotations"]:
        image = images[a["image_id"]]
        x, y, w, h = a["bbox"]
        assert a["area"] == pytest.approx(w * h)
        track = a["attributes"]["track_name"]
        key = (image["log_id"], image["camera"], image["frame_index"], track)
        found[key] = (classes[a["category_id"]], [x, y, x + w, y + h])
        ids.setdefault((key[0], key[1], track), set()).add(a["attributes"]["track_id"])
    agree(found, expected, 1e-9)
    assert all(len(numbers) == 1 for numbers in ids.values())
    assert len({min(n) for n in ids.values()}) == len(ids)
    assert len({a["id"] for a in said["annotations"]}) == report.n_boxes == len(expected)
    for image in said["images"]:
        with Image.open(folder / "images" / image["file_name"]) as picture:
            assert picture.size == (image["width"], image["height"])


def test_mot(out, expected):
    folder, _ = out("mot")
    found = {}
    for log_id in LOGS:
        side = json.loads((folder / f"side/{log_id}.json").read_text("utf-8"))
        for camera, facts in side["cameras"].items():
            tracks = {t["number"]: t for t in facts["tracks"]}
            root = folder / f"{log_id}__{camera}"
            for line in (root / "gt/gt.txt").read_text().splitlines():
                number, track, x, y, w, h = map(float, line.split(",")[:6])
                told = tracks[int(track)]
                key = (log_id, camera, int(number) - 1, told["track_id"])
                found[key] = (told["class_name"], [x - 1, y - 1, x - 1 + w, y - 1 + h])
            ini = (root / "seqinfo.ini").read_text()
            assert "frameRate=10\n" in ini
            assert "seqLength=8\n" in ini
            assert not (root / "img1").exists()
    agree(found, expected, 2e-3)
    folder, _ = out("mot", True)
    assert (folder / "hill-1__front/img1/000008.png").is_file()


def test_cvat(out, expected):
    folder, _ = out("cvat")
    found = {}
    for path in folder.glob("*/annotations.xml"):
        log_id, camera = path.parent.name.split("__")
        for track in ElementTree.parse(path).getroot().iter("track"):
            for box in track.iter("box"):
                told = {a.get("name"): a.text for a in box.iter("attribute")}
                place = [float(box.get(k)) for k in ("xtl", "ytl", "xbr", "ybr")]
                if box.get("outside") == "0":
                    key = (log_id, camera, int(box.get("frame")), told["track_id"])
                    found[key] = (track.get("label"), place)
    agree(found, expected, 1e-3)


def test_voc(out, expected):
    folder, _ = out("voc")
    stems = (folder / "ImageSets/Main/train.txt").read_text().split()
    assert len(stems) == len(LOGS) * 2 * worlds.N_SWEEPS
    found = {}
    for stem in stems:
        root = ElementTree.parse(folder / f"Annotations/{stem}.xml").getroot()
        log_id, camera, number = stem.split("__")
        picture = next((folder / "JPEGImages").glob(f"{stem}.*"))
        assert picture.name == root.findtext("filename")
        for one in root.iter("object"):
            box = [int(one.findtext(f"bndbox/{k}")) for k in ("xmin", "ymin", "xmax", "ymax")]
            track = one.findtext("attributes/attribute[name='track_id']/value")
            place = [box[0] - 1, box[1] - 1, box[2], box[3]]
            found[log_id, camera, int(number), track] = (one.findtext("name"), place)
    agree(found, expected, 1.0)
    near = [np.abs(np.subtract(found[k][1], expected[k][1])).max() for k in found]
    assert np.mean(np.array(near) <= 0.5) > 0.9  # others round to nothing
    names = [line.split(":")[0] for line in (folder / "labelmap.txt").read_text().splitlines()[1:]]
    assert names == ["background", "car", "cyclist", "pedestrian", "truck"]


def test_yolo(out, expected):
    folder, _ = out("yolo")
    names = dict(
        line.strip().split(": ") for line in (folder / "data.yaml").read_text().splitlines()[3:]
    )
    found = {}
    for log_id in LOGS:
        side = json.loads((folder / f"side/{log_id}.json").read_text("utf-8"))
        for camera, facts in side["cameras"].items():
            told = worlds.CAMERAS[camera]
            size = np.array([told.width_px, told.height_px])
            for i, tracks in enumerate(facts["lines"]):
                stem = f"{log_id}__{camera}__{i:06d}"
                assert (folder / f"images/train/{stem}{worlds.SUFFIXES[camera]}").is_file()
                lines = (folder / f"labels/train/{stem}.txt").read_text().splitlines()
                for line, track in zip(lines, tracks, strict=True):
                    kind, *numbers = line.split()
                    middle, half = (
                        np.array(numbers, float).reshape(2, 2) * size * [[1, 1], [0.5, 0.5]]
                    )
                    name = names[kind].strip('"')
                    place = [*(middle - half), *(middle + half)]
                    found[log_id, camera, i, track] = (name, place)
    agree(found, expected, 1e-3)


@pytest.mark.parametrize("format", ["coco", "voc", "yolo"])
def test_pictures_are_left_away_when_so_asked(format, out):
    folder, _ = out(format, False)
    assert not [p for p in folder.rglob("*") if p.suffix in (".png", ".jpg")]


@pytest.mark.parametrize("format", ["coco", "mot", "cvat", "voc", "yolo"])
def test_boxes_without_size_or_place_are_left_out_and_told(format, tmp_path):
    def drawn(_camera):
        boxes = [[1, 2, 30, 40], [5, 5, 5, 9], [7, 7, 9, 7], [np.nan] * 4]
        return ImageLabels(
            images=np.zeros(4, dtype=np.int64),
            timestamps_ns=np.zeros(4, dtype=np.int64),
            track_ids=texts("abcd"),
            class_names=texts(["car"] * 4),
            boxes_px=np.array(boxes, dtype=np.float64),
        )

    made = Labelled(
        log_id="yard",
        boxes=labels_to_table(
            Labels.from_columns([], [], [], Cuboids.unpack(np.empty((0, 7)))), []
        ),
        timestamps_ns=np.zeros(1, dtype=np.int64),
        ego_poses=None,
        ego_from_lidar=np.eye(4),
        cameras={"front": worlds.CAMERAS["front"]},
        images={"front": Images(np.zeros(1, dtype=np.int64), (tmp_path / "0.jpg",))},
        image_labels=drawn,
        points=False,
    )
    (planned,) = plan_logs([made], format)
    for name, fill in planned.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        fill(tmp_path / name)
    assert planned.left_out == (
        "log yard: 1 labels on front where nothing is to be seen",
        "log yard: 2 boxes without size on front",
    )
    assert planned.n_left_out == -1
