"""ONNX models in this process, by onnxruntime (the extra `onnx`).

Inputs and outputs are found by name:

segment    image (1, 3, H, W) or (1, H, W, 3); boxes (P, 4), points (P, K, 2), point_labels (P, K)
           where the model has them -> masks (P, H, W) or (P, 1, H, W), above 0 on the object;
           scores (P,) may be left out
detect_2d  image -> boxes (D, 4) x0 y0 x1 y1 in the input's pixels, scores (D,), classes (D,)
detect_3d  points (N, 4) -> cuboids (D, 7) x y z length width height yaw, scores, classes

A model with a fixed H and W gets the image resized to them, and boxes, points and masks are
scaled there and back. A leading axis of one is taken off outputs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perception_label.errors import MissingExtraError, PluginError
from perception_label.geometry.cuboids import Cuboids
from perception_label.pipeline.plugins.contract import (
    CloudDetections,
    ImageDetections,
    Plugin,
    Prompts,
    Segments,
)
from perception_label.pipeline.plugins.manifest import Manifest
from perception_label.video.images import Picture

Array = NDArray[Any]
NEEDED = {
    "segment": ("image", ("masks",)),
    "detect_2d": ("image", ("boxes", "scores", "classes")),
    "detect_3d": ("points", ("cuboids", "scores", "classes")),
}
TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


def open_onnx(manifest: Manifest) -> Plugin:
    """Return the model of a manifest, opened.

    Raises
    ------
    MissingExtraError
        If onnxruntime is not installed.
    PluginError
        If the file is no model, or lacks an input or output of its task.
    """
    kinds: dict[str, type[OnnxSegmenter | OnnxImages | OnnxCloud]] = {
        "segment": OnnxSegmenter,
        "detect_2d": OnnxImages,
        "detect_3d": OnnxCloud,
    }
    return kinds[manifest.task](manifest)


class _Model:
    """A session, and what it wants."""

    def __init__(self, manifest: Manifest) -> None:
        try:
            import onnxruntime
        except ImportError:
            raise MissingExtraError(
                f"plug-in {manifest.name}: expected onnxruntime for an ONNX model, got none: "
                "pip install 'perception-label[onnx]'"
            ) from None
        if manifest.onnx is None:
            raise PluginError(f"plug-in {manifest.name}: expected [onnx], got none")
        self.name, self._place, self._manifest = manifest.name, manifest.onnx, manifest
        path = manifest.folder / manifest.onnx.file
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = manifest.onnx.threads
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - onnxruntime raises kinds of its own
            raise PluginError(f"{path}: expected an ONNX model, got: {_line(error)}") from None
        self._inputs = {i.name: i for i in self._session.get_inputs()}
        self._outputs = [o.name for o in self._session.get_outputs()]
        wanted, gives = NEEDED[manifest.task]
        missing = [n for n in gives if n not in self._outputs]
        if wanted not in self._inputs or missing:
            raise PluginError(
                f"{path}: expected an input {wanted} and outputs {', '.join(gives)}, got inputs "
                f"{', '.join(self._inputs)} and outputs {', '.join(self._outputs)}"
            )

    def _run(self, given: dict[str, Array]) -> dict[str, Array]:
        unknown = [name for name in self._inputs if name not in given]
        if unknown:
            raise PluginError(
                f"plug-in {self.name}: expected inputs of {', '.join(given)}, the model wants "
                f"{', '.join(unknown)} too"
            )
        typed = {n: np.ascontiguousarray(given[n], self._type(n)) for n in self._inputs}
        try:
            found = self._session.run(None, typed)
        except Exception as error:  # noqa: BLE001 - as above
            raise PluginError(
                f"plug-in {self.name}: expected a result, got: {_line(error)}"
            ) from None
        return dict(zip(self._outputs, found, strict=True))

    def _type(self, name: str) -> Any:
        kind = self._inputs[name].type
        if kind not in TYPES:
            raise PluginError(
                f"plug-in {self.name}: expected {name} of {', '.join(TYPES)}, got {kind}"
            )
        return TYPES[kind]

    def _image(self, image: Picture) -> tuple[Array, float, float]:
        """Return the model's input, and how many of its pixels one of the image's is, x and y."""
        shape = self._inputs["image"].shape
        if len(shape) != 4 or 3 not in (shape[1], shape[3]):
            raise PluginError(
                f"plug-in {self.name}: expected an image input (1, 3, H, W) or (1, H, W, 3), "
                f"got {shape}"
            )
        is_last = shape[3] == 3 and shape[1] != 3
        sides = shape[1:3] if is_last else shape[2:4]
        height, width = image.shape[:2]
        high, wide = (
            s if isinstance(s, int) else d for s, d in zip(sides, (height, width), strict=True)
        )
        if (high, wide) != (height, width):
            resized = Image.fromarray(image).resize((wide, high), Image.Resampling.BILINEAR)
            image = np.asarray(resized)
        if self._type("image") == np.uint8:
            pixels: Array = image
        else:
            mean, std = (np.array(v, dtype=np.float32) for v in (self._place.mean, self._place.std))
            pixels = (image.astype(np.float32) * np.float32(self._place.scale) - mean) / std
        whole = pixels[None] if is_last else pixels.transpose(2, 0, 1)[None]
        return whole, wide / width, high / height

    def _named(self, classes: Array, kept: Array) -> tuple[str, ...]:
        numbers = np.asarray(classes).astype(np.int64).reshape(-1)[kept]
        known = self._manifest.classes
        wrong = numbers[(numbers < 0) | (numbers >= len(known))]
        if len(wrong):
            raise PluginError(
                f"plug-in {self.name}: expected classes 0 to {len(known) - 1} as the manifest "
                f"names them, got {wrong[0]}"
            )
        return tuple(known[k] for k in numbers.tolist())


class OnnxSegmenter(_Model):
    """A promptable segmenter."""

    def segment(self, image: Picture, prompts: Prompts) -> Segments:
        """Return a mask for each prompt."""
        height, width = image.shape[:2]
        if len(prompts) == 0:
            return Segments(np.zeros((0, height, width), np.bool_), np.empty(0))
        pixels, x, y = self._image(image)
        # A pixel's centre is half a pixel from its edge, at any size.
        points = (prompts.points_px + 0.5) * [x, y] - 0.5
        found = self._run({
            "image": pixels,
            "boxes": prompts.boxes_px * [x, y, x, y],
            "points": points,
            "point_labels": prompts.point_labels,
        })  # fmt: skip
        logits = np.asarray(found["masks"], dtype=np.float32)
        p = len(prompts)
        if logits.ndim < 3 or logits.size != p * np.prod(logits.shape[-2:]):
            raise PluginError(
                f"plug-in {self.name}: expected a mask for each of {p} prompts, got {logits.shape}"
            )
        masks = logits.reshape(p, *logits.shape[-2:])
        whole = np.stack([_resized(mask, width, height) for mask in masks]) > 0
        scores = found.get("scores")
        return Segments(whole, np.ones(p) if scores is None else _clipped(scores).reshape(-1))


class OnnxImages(_Model):
    """A detector of boxes on images."""

    def detect_2d(self, image: Picture) -> ImageDetections:
        """Return the boxes of an image."""
        pixels, x, y = self._image(image)
        found = self._run({"image": pixels})
        boxes, scores, kept = _detections(self.name, found, "boxes", 4, self._manifest.least_score)
        return ImageDetections(boxes / [x, y, x, y], self._named(found["classes"], kept), scores)


class OnnxCloud(_Model):
    """A detector of cuboids in sweeps."""

    def detect_3d(self, points: NDArray[np.float32]) -> CloudDetections:
        """Return the cuboids of a sweep, sensor coordinate frame."""
        found = self._run({"points": points})
        packed, scores, kept = _detections(
            self.name, found, "cuboids", 7, self._manifest.least_score
        )
        return CloudDetections(Cuboids.unpack(packed), self._named(found["classes"], kept), scores)


def _detections(
    name: str, found: dict[str, Array], what: str, width: int, least: float
) -> tuple[Array, Array, Array]:
    boxes = np.asarray(found[what], dtype=np.float64)
    if boxes.ndim == 3 and boxes.shape[0] == 1:
        boxes = boxes[0]
    scores = np.asarray(found["scores"], dtype=np.float64).reshape(-1)
    n = np.asarray(found["classes"]).size
    if boxes.ndim != 2 or boxes.shape[1] != width or not len(boxes) == len(scores) == n:
        raise PluginError(
            f"plug-in {name}: expected {what} (D, {width}) with D scores and classes, got "
            f"{boxes.shape}, {scores.shape} and {n}"
        )
    kept = np.flatnonzero(scores >= least)
    return boxes[kept], scores[kept], kept


def _resized(mask: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    if mask.shape == (height, width):
        return mask
    drawn = Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(drawn, dtype=np.float32)


def _clipped(scores: Array) -> Array:
    # A predicted overlap may come out of a network a little above 1.
    return np.clip(np.asarray(scores, dtype=np.float64), 0, 1)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
