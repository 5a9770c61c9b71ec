import threading

import numpy as np
import pytest

import image_label_sets as sets
from perception_label.cli import main
from perception_label.errors import PluginError, SettingError, WorkspaceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.shapes import Shape
from perception_label.pipeline.plugins.contract import (
    CloudDetections,
    ImageDetections,
    Segments,
)
from perception_label.pipeline.plugins.run import StoppedError, run_plugin
from perception_label.pipeline.solve_images import image_labels, solve_images
from perception_label.pipeline.sources import image_answers, source_gates
from perception_label.storage.edits import make


class Filler:
    """Fills its boxes, less one row of pixels."""

    name = "filler"

    def segment(self, image, prompts):
        masks = np.zeros((len(prompts), *image.shape[:2]), dtype=bool)
        for mask, (x0, y0, x1, y1) in zip(masks, prompts.boxes_px.round().astype(int), strict=True):
            mask[max(y0, 0) + 1 : y1, max(x0, 0) : x1] = True
        return Segments(masks, np.full(len(prompts), 0.9))


class Finder:
    """Finds one car that moves with the images' content, and something else now and then."""

    name = "finder"

    def __init__(self):
        self.calls = 0
        self.lock = threading.Lock()

    def detect_2d(self, image):
        with self.lock:
            self.calls += 1
        boxes = [[10, 10, 30, 30.0], [40, 40, 300, 300]]
        return ImageDetections(np.array(boxes), ("car", "pedestrian"), np.array([0.9, 0.4]))


class Clouds:
    name = "clouds"

    def detect_3d(self, points):
        center = points[:, :3].mean(axis=0, keepdims=True).astype(float)
        return CloudDetections(Cuboids(center, [[4, 2, 1.5]], [0.0]), ("car",), np.array([0.8]))


class Wrong(Finder):
    def __init__(self, given):
        super().__init__()
        self.given = given

    def detect_2d(self, image):
        return self.given


@pytest.fixture
def workspace(tmp_path):
    return sets.workspace(tmp_path)


def times_of(ws):
    return [int(t) for t in ws.log().image_timestamps_ns["front"]]


def labelled(ws, **by):
    t = times_of(ws)
    edits = [make.create_track("t", "car", **by)]
    for k in (0, 6):
        shape = Shape.box([10 + k, 10, 30 + k, 30])
        edits.append(make.set_shape("t", "front", t[k], shape, **by))
    ws.edits().append(edits)
    solve_images(ws)


def test_a_segmenter_turns_the_logs_boxes_into_masks_of_a_named_source(workspace):
    labelled(workspace)
    report = run_plugin(workspace, Filler(), camera="front")
    boxes = image_labels(workspace.log(), "front")
    masks = image_labels(workspace.log(), "front", source="filler")
    seen = boxes[boxes.visible]
    assert masks.images.tolist() == seen.images.tolist()
    assert set(masks.sources) == {"model:filler"}
    assert set(masks.track_ids) == {"t"}
    first = masks[masks.images == 0]
    assert first.boxes_px.tolist() == [[10, 11, 30, 30]]
    assert report.stored_as == "images.filler"
    assert report.n_labels == len(masks) == len(workspace.boxes(source="filler"))
    # What was there is as it was.
    assert image_labels(workspace.log(), "front").images.tolist() == boxes.images.tolist()


def test_a_detectors_boxes_are_cut_at_the_image_and_linked(workspace):
    finder = Finder()
    report = run_plugin(workspace, finder, camera="rear", workers=3)
    found = image_labels(workspace.log(), "rear", source="finder")
    assert finder.calls == report.n_inputs == sets.N
    assert report.n_tracks == 2
    assert set(found.track_ids) == {"finder:00000", "finder:00001"}
    cut = found[found.class_names == "pedestrian"]
    assert cut.boxes_px.tolist() == [[40, 40, 64, 48]] * sets.N
    assert found.scores.max() == 0.9
    assert not found.is_key.any()


def test_the_same_run_gives_the_same_bytes_on_any_number_of_threads(workspace):
    run_plugin(workspace, Finder(), camera="front", workers=1)
    path = workspace.log().machine_file("images.finder")
    was = path.read_bytes()
    run_plugin(workspace, Finder(), camera="front", workers=4)
    assert path.read_bytes() == was


def test_only_the_span_is_run(workspace):
    t = times_of(workspace)
    report = run_plugin(workspace, Finder(), camera="front", span_ns=(t[2], t[4]))
    assert report.n_inputs == 3
    with pytest.raises(SettingError, match="expected instants"):
        run_plugin(workspace, Finder(), camera="front", span_ns=(0, 1))


def test_a_detector_of_cuboids_is_a_source_like_an_imported_one(workspace):
    report = run_plugin(workspace, Clouds())
    log = workspace.log()
    assert report.stored_as == "imported.clouds"
    table = log.machine("imported.clouds")
    assert len(table) == len(log.sweeps) == report.n_labels
    assert set(table.column("source").to_pylist()) == {"model:clouds"}
    sweep = log.sweep(0)
    middle = np.append(sweep.points_m.astype(float).mean(axis=0), 1)
    wanted = (log.world_from_sensor[0] @ middle)[:3]
    got = [table.column(name)[0].as_py() for name in ("x_m", "y_m", "z_m")]
    assert got == pytest.approx(wanted, abs=1e-3)
    assert "imported:clouds" in source_gates(log, workspace.edits().state())


def test_progress_is_told_and_a_stop_leaves_nothing(workspace):
    told = []
    run_plugin(workspace, Finder(), camera="front", progress=lambda *n: told.append(n))
    assert told == [(k + 1, sets.N) for k in range(sets.N)]
    cancel = threading.Event()

    def stop(done, _total):
        if done == 3:
            cancel.set()

    finder = Finder()
    with pytest.raises(StoppedError, match="got stopped"):
        run_plugin(workspace, finder, camera="rear", progress=stop, cancel=cancel, workers=1)
    assert finder.calls < sets.N
    # The run before it stands.
    assert set(workspace.boxes(source="finder").column("camera").to_pylist()) == {"front"}


BAD = [
    (ImageDetections(np.zeros((1, 3)), ("car",), np.ones(1)), "boxes"),
    (ImageDetections(np.full((1, 4), np.nan), ("car",), np.ones(1)), "finite boxes"),
    (ImageDetections(np.zeros((1, 4)), ("car",), np.array([1.5])), "scores from 0 to 1"),
    (ImageDetections(np.zeros((1, 4)), (), np.ones(1)), "1 class names"),
    (ImageDetections(np.zeros((10_001, 4)), ("car",) * 10_001, np.ones(10_001)), "at most 10000"),
]


@pytest.mark.parametrize(("given", "match"), BAD)
def test_what_cannot_be_is_refused_and_not_stored(workspace, given, match):
    with pytest.raises(PluginError, match=match) as error:
        run_plugin(workspace, Wrong(given), camera="front")
    assert "\n" not in str(error.value)
    assert workspace.log().machine_names() == []


def test_a_run_needs_a_camera_and_prompts(workspace):
    with pytest.raises(SettingError, match="expected a camera of front, rear, got None"):
        run_plugin(workspace, Finder())
    with pytest.raises(WorkspaceError, match="expected 2-D labels"):
        run_plugin(workspace, Filler(), camera="front")
    labelled(workspace)
    with pytest.raises(PluginError, match="expected boxes on rear's images"):
        run_plugin(workspace, Filler(), camera="rear")


def test_people_judge_a_source_and_the_gate_counts(workspace):
    labelled(workspace)
    log, edits = workspace.log(), workspace.edits()
    run_plugin(workspace, Finder(), camera="front")
    # The first image's box is the person's; the other's track nobody spoke of.
    assert image_answers(log, "finder", edits.state()) == {"finder:00000": True}
    t = times_of(workspace)
    edits.append([
        make.create_track("no", "pedestrian"),
        make.set_shape("no", "front", t[3], Shape.box([40, 40, 64, 48])),
        make.verdict("no", "reject"),
    ])  # fmt: skip
    state = edits.state()
    assert image_answers(log, "finder", state) == {"finder:00000": True, "finder:00001": False}
    gate = source_gates(log, state)["model:finder"]
    assert (gate.n_checked, gate.n_right) == (2, 1)


def test_a_mask_beside_the_persons_own_is_wrong(workspace):
    labelled(workspace)
    run_plugin(workspace, Filler(), camera="front")
    log, edits, t = workspace.log(), workspace.edits(), times_of(workspace)
    assert image_answers(log, "filler", edits.state()) == {"t": True}
    edits.append([
        make.set_shape("t", "front", t[2], sets.mask_of(30, 44, 2, 8)),
        make.remove_shape("t", "front", t[0]),
        make.remove_shape("t", "front", t[6]),
    ])  # fmt: skip
    assert image_answers(log, "filler", edits.state()) == {"t": False}


def test_infer_runs_a_model_of_onnx_on_the_command_line(workspace, tmp_path, capsys):
    pytest.importorskip("onnx", reason="needs onnx to build a model")
    pytest.importorskip("onnxruntime", reason="needs onnxruntime, the extra onnx")
    import tiny_models as tiny

    labelled(workspace)
    tiny.segmenter(tmp_path / "model.onnx")
    said = ["infer", str(workspace.path), "--model", str(tiny.manifest(tmp_path, "segment"))]
    assert main([*said, "--camera", "front", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert '"stored_as": "images.tiny"' in out
    assert "model:tiny: shown, too few checked" in out
    assert main([*said, "--camera", "left"]) == 1
    assert "expected a camera of front, rear" in capsys.readouterr().err
