"""Models that answer over HTTP: one POST of JSON for each image or sweep.

Sent: `{"version": 1, "task": …, "image": {"png_base64": …}}`, with `"prompts": {"boxes_px": …,
"points_px": …, "point_labels": …}` for a segmenter; for a sweep `"points": {"shape": [N, 4],
"float32_base64": …}`, little-endian.
Answered: `{"masks": [{"size": [H, W], "counts": …}, …], "scores": […]}` (COCO run lengths), or
`{"boxes_px": [[x0, y0, x1, y1], …], "class_names": […], "scores": […]}`, or `{"cuboids": [[x, y,
z, length, width, height, yaw], …], "class_names": […], "scores": […]}`. A mask may be null: none.
"""

import base64
import io
import json
import os
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from perception_label.errors import PluginError, SourceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.masks import from_coco
from perception_label.pipeline.plugins.contract import (
    CloudDetections,
    ImageDetections,
    Plugin,
    Prompts,
    Segments,
)
from perception_label.pipeline.plugins.manifest import HttpPlace, Manifest
from perception_label.video.images import Picture

VERSION = 1
CHUNK = 1 << 16


def open_http(manifest: Manifest) -> Plugin:
    """Return the model of a manifest; nothing is asked of it yet.

    Raises
    ------
    PluginError
        If its token is not in the environment.
    """
    kinds: dict[str, type[HttpSegmenter | HttpImages | HttpCloud]] = {
        "segment": HttpSegmenter,
        "detect_2d": HttpImages,
        "detect_3d": HttpCloud,
    }
    return kinds[manifest.task](manifest)


class _Refuse(urllib.request.HTTPRedirectHandler):
    """A model that moved is told, not followed: images would go to a place nobody named."""

    def redirect_request(self, *_given: Any) -> None:
        return None


class _Client:
    """One address, asked one thing at a time by each thread."""

    def __init__(self, manifest: Manifest) -> None:
        if manifest.http is None:
            raise PluginError(f"plug-in {manifest.name}: expected [http], got none")
        self.name, self._task = manifest.name, manifest.task
        self._place: HttpPlace = manifest.http
        self._least = manifest.least_score
        self._known = manifest.classes
        self._headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._place.token_env:
            token = os.environ.get(self._place.token_env, "")
            if not token:
                raise PluginError(
                    f"plug-in {self.name}: expected a token in {self._place.token_env}, got none"
                )
            self._headers["Authorization"] = f"Bearer {token}"
        handlers: list[Any] = [_Refuse()]
        if not self._place.use_proxy:
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)

    def _ask(self, what: dict[str, Any]) -> dict[str, Any]:
        """Return the answer's JSON object."""
        place, where = self._place, f"plug-in {self.name} at {self._place.url}"
        body = json.dumps({"version": VERSION, "task": self._task, **what}).encode()
        request = urllib.request.Request(place.url, body, self._headers, method="POST")
        end = time.monotonic() + place.timeout_s
        try:
            with self._opener.open(request, timeout=place.timeout_s) as answer:
                text = self._read(answer, end)
        except urllib.error.HTTPError as error:
            with error:
                why = " ".join(error.read(200).decode("utf-8", "replace").split())
            raise PluginError(f"{where}: expected an answer, got {error.code} {why}") from None
        except TimeoutError:
            raise PluginError(
                f"{where}: expected an answer in {place.timeout_s:g} s, got none"
            ) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                reason = f"none in {place.timeout_s:g} s"
            raise PluginError(f"{where}: expected an answer, got: {reason}") from None
        try:
            said: Any = json.loads(text)
        except (ValueError, RecursionError):
            said = None
        if not isinstance(said, dict):
            raise PluginError(f"{where}: expected a JSON object, got {text[:60]!r}")
        return said

    def _read(self, answer: Any, end: float) -> bytes:
        parts, n = [], 0
        while part := answer.read(CHUNK):
            n += len(part)
            if n > self._place.most_bytes:
                raise ValueError(f"more than {self._place.most_bytes} bytes")
            if time.monotonic() > end:
                raise TimeoutError
            parts.append(part)
        return b"".join(parts)

    def _table(
        self, said: dict[str, Any], key: str, width: int
    ) -> tuple[Any, Any, tuple[str, ...]]:
        try:
            boxes = np.asarray(said[key], dtype=np.float64).reshape(-1, width)
            scores = np.asarray(said["scores"], dtype=np.float64).reshape(-1)
            names = [str(name) for name in said["class_names"]]
        except (KeyError, TypeError, ValueError) as error:
            raise PluginError(
                f"plug-in {self.name}: expected {key}, class_names and scores, got: {error!r}"
            ) from None
        unknown = [name for name in names if name not in self._known]
        if unknown or not len(boxes) == len(scores) == len(names):
            raise PluginError(
                f"plug-in {self.name}: expected as many {key}, scores and names of "
                f"{', '.join(self._known)}, got {len(boxes)}, {len(scores)} and {names[:3]}"
            )
        kept = np.flatnonzero(scores >= self._least)
        return boxes[kept], scores[kept], tuple(names[k] for k in kept.tolist())


class HttpSegmenter(_Client):
    """A promptable segmenter."""

    def segment(self, image: Picture, prompts: Prompts) -> Segments:
        """Return a mask for each prompt."""
        height, width = image.shape[:2]
        masks = np.zeros((len(prompts), height, width), dtype=np.bool_)
        if len(prompts) == 0:
            return Segments(masks, np.empty(0))
        boxes = [None if np.isnan(box).any() else box.tolist() for box in prompts.boxes_px]
        said = self._ask({
            "image": _png(image),
            "prompts": {
                "boxes_px": boxes,
                "points_px": prompts.points_px.tolist(),
                "point_labels": prompts.point_labels.tolist(),
            },
        })  # fmt: skip
        found = said.get("masks")
        if not isinstance(found, list) or len(found) != len(prompts):
            raise PluginError(
                f"plug-in {self.name}: expected {len(prompts)} masks, got {_count(found)}"
            )
        for k, one in enumerate(found):
            if one is None:
                continue
            try:
                runs = from_coco([one])
            except SourceError as error:
                raise PluginError(f"plug-in {self.name}: {error}") from None
            if (runs.height_px, runs.width_px) != (height, width):
                raise PluginError(
                    f"plug-in {self.name}: expected masks of {width} x {height} px, got "
                    f"{runs.width_px} x {runs.height_px}"
                )
            masks[k] = runs[0]
        scores = np.ones(len(prompts)) if "scores" not in said else said["scores"]
        try:
            return Segments(masks, np.asarray(scores, dtype=np.float64).reshape(-1))
        except (TypeError, ValueError):
            raise PluginError(f"plug-in {self.name}: expected scores, got {scores!r:.60}") from None


class HttpImages(_Client):
    """A detector of boxes on images."""

    def detect_2d(self, image: Picture) -> ImageDetections:
        """Return the boxes of an image."""
        boxes, scores, names = self._table(self._ask({"image": _png(image)}), "boxes_px", 4)
        return ImageDetections(boxes, names, scores)


class HttpCloud(_Client):
    """A detector of cuboids in sweeps."""

    def detect_3d(self, points: NDArray[np.float32]) -> CloudDetections:
        """Return the cuboids of a sweep, sensor coordinate frame."""
        packed = base64.b64encode(np.ascontiguousarray(points, "<f4").tobytes()).decode()
        sent = {"shape": list(points.shape), "float32_base64": packed}
        cuboids, scores, names = self._table(self._ask({"points": sent}), "cuboids", 7)
        return CloudDetections(Cuboids.unpack(cuboids), names, scores)


def _png(image: Picture) -> dict[str, str]:
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, "PNG", compress_level=1)
    return {"png_base64": base64.b64encode(packed.getvalue()).decode()}


def _count(found: object) -> str:
    return str(len(found)) if isinstance(found, list) else type(found).__name__
