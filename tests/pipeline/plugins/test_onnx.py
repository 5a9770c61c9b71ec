import sys

import numpy as np
import pytest

pytest.importorskip("onnx", reason="needs onnx to build a model")
pytest.importorskip("onnxruntime", reason="needs onnxruntime, the extra onnx")

import tiny_models as tiny
from perception_label.errors import MissingExtraError, PluginError
from perception_label.pipeline.plugins.contract import Prompts, task_of
from perception_label.pipeline.plugins.manifest import load_plugin

IMAGE = np.zeros((40, 60, 3), dtype=np.uint8)


def test_a_segmenter_gives_a_mask_for_each_prompt(tmp_path):
    tiny.segmenter(tmp_path / "model.onnx")
    plugin = load_plugin(tiny.manifest(tmp_path, "segment"))
    assert task_of(plugin) == "segment"
    assert plugin.name == "tiny"
    found = plugin.segment(IMAGE, Prompts(np.array([[5.0, 6, 20, 30], [0, 0, 60, 40]])))
    wanted = np.zeros((2, 40, 60), dtype=bool)
    wanted[0, 6:30, 5:20] = wanted[1] = True
    assert np.array_equal(found.masks, wanted)
    assert found.scores == pytest.approx([0.9, 0.9])
    assert plugin.segment(IMAGE, Prompts(np.empty((0, 4)))).masks.shape == (0, 40, 60)


def test_a_model_of_fixed_size_gets_a_resized_image(tmp_path):
    tiny.segmenter(tmp_path / "model.onnx", 80, 120)
    plugin = load_plugin(tiny.manifest(tmp_path, "segment"))
    found = plugin.segment(IMAGE, Prompts(np.array([[5.0, 6, 20, 30]])))
    assert found.masks.shape == (1, 40, 60)
    ys, xs = np.nonzero(found.masks[0])
    assert [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1] == [5, 6, 20, 30]


@pytest.mark.parametrize("size", [("H", "W"), (20, 30)])
def test_a_detector_of_boxes_names_classes_and_scales_back(tmp_path, size):
    tiny.white_detector(tmp_path / "model.onnx", *size, class_number=1)
    image = IMAGE.copy()
    image[10:20, 30:50] = 255
    found = load_plugin(tiny.manifest(tmp_path, "detect_2d")).detect_2d(image)
    # At half the size an edge is grey for a pixel on either side.
    near = 1e-4 if size[0] == "H" else 2.001
    assert found.boxes_px == pytest.approx(np.array([[30, 10, 50, 20]]), abs=near)
    assert found.class_names == ("pedestrian",)
    assert found.scores == pytest.approx([0.8])


def test_a_score_below_the_least_is_left_out(tmp_path):
    tiny.white_detector(tmp_path / "model.onnx")
    path = tiny.manifest(tmp_path, "detect_2d")
    path.write_text("least_score = 0.85\n" + path.read_text())
    assert len(load_plugin(path).detect_2d(IMAGE + np.uint8(255)).boxes_px) == 0


def test_a_detector_of_cuboids(tmp_path):
    tiny.mean_detector(tmp_path / "model.onnx")
    points = np.array([[0, 0, 0, 9], [2, 4, 6, 9]], dtype=np.float32)
    found = load_plugin(tiny.manifest(tmp_path, "detect_3d")).detect_3d(points)
    assert found.cuboids.packed()[0] == pytest.approx([1, 2, 3, 4, 2, 1.5, 0.1])
    assert found.class_names == ("car",)


def test_what_is_no_model_of_the_task_is_told_in_one_line(tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(PluginError, match="expected an ONNX model") as error:
        load_plugin(tiny.manifest(tmp_path, "segment"))
    assert "\n" not in str(error.value)
    tiny.white_detector(tmp_path / "model.onnx")
    with pytest.raises(PluginError, match="an input image and outputs masks, got inputs image"):
        load_plugin(tiny.manifest(tmp_path, "segment"))
    with pytest.raises(PluginError, match="expected an ONNX model"):
        load_plugin(tiny.manifest(tmp_path, "segment", file="none.onnx"))
    tiny.white_detector(tmp_path / "model.onnx", class_number=7)
    plugin = load_plugin(tiny.manifest(tmp_path, "detect_2d"))
    with pytest.raises(PluginError, match="classes 0 to 1 as the manifest"):
        plugin.detect_2d(IMAGE + np.uint8(255))
    tiny.mean_detector(tmp_path / "model.onnx")
    plugin = load_plugin(tiny.manifest(tmp_path, "detect_3d"))
    with pytest.raises(PluginError, match="plug-in tiny: expected a result") as error:
        plugin.detect_3d(np.zeros((5, 2), dtype=np.float32))
    assert "\n" not in str(error.value)


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch):
    tiny.segmenter(tmp_path / "model.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"perception-label\[onnx\]"):
        load_plugin(tiny.manifest(tmp_path, "segment"))
