"""The lens: from pixels to rays and back, pinhole with Brown-Conrady or fisheye distortion.

Pixel centres are at whole coordinates. The camera frame has x right, y down, z ahead.
"""

from dataclasses import dataclass

import numpy as np

from perception_label.arrays import Floats
from perception_label.simulate.settings import CameraSettings

_TURNS = 25  # of Newton's method; 5 suffice for usual lenses


@dataclass(frozen=True, slots=True)
class Lens:
    """Focal length, principal point (pixels) and distortion of one camera.

    `fisheye` takes the four coefficients of Kannala and Brandt (2006); otherwise k1 k2 p1 p2 k3
    of Brown and Conrady. Missing coefficients are 0.
    """

    focal_px: float
    center_px: tuple[float, float]
    distortion: tuple[float, ...]
    is_fisheye: bool

    @classmethod
    def of(cls, camera: CameraSettings) -> "Lens":
        """Return the lens of a camera: the principal point is the middle of the picture."""
        middle = ((camera.width_px - 1) / 2, (camera.height_px - 1) / 2)
        return cls(camera.focal_px, middle, camera.distortion, camera.model == "fisheye")

    def rays(self, points_px: Floats) -> Floats:
        """Return (N, 3) unit vectors, camera frame, of what falls on N pixel places (N, 2)."""
        wanted = (points_px - self.center_px) / self.focal_px
        if self.is_fisheye:
            return self._fisheye_rays(wanted)
        at = wanted.copy()
        for _ in range(_TURNS):
            # The slope along the radius alone: tangential terms are small corrections.
            there = self._distorted(at)
            step = (wanted - there) / np.maximum(self._slope(at), 0.2)[:, None]
            at += step
            if not np.any(np.abs(step) > 1e-13):
                break
        rays = np.column_stack([at, np.ones(len(at))])
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))

    def pixels(self, points_m: Floats) -> Floats:
        """Return where N points (N, 3) of the camera frame fall, (N, 2); NaN behind the camera.

        What lies so far aside that the distortion would fold it back into the picture is NaN.
        """
        x, y, z = points_m.T
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.is_fisheye:
                radius = np.hypot(x, y)
                angle = np.arctan2(radius, z)
                scale = np.where(radius > 1e-12, self._bent(angle) / radius, 1 / z)
                at = np.column_stack([x, y]) * scale[:, None]
                good = self._bent_slope(angle) > 0.05
            else:
                at = np.column_stack([x, y]) / z[:, None]
                good = (z > 1e-6) & (self._slope(at) > 0.05) & self._is_inside_fold(at)
                at = self._distorted(at)
        out: Floats = at * self.focal_px + self.center_px
        out[~good] = np.nan
        return out

    def _terms(self, n: int) -> Floats:
        out = np.zeros(n)
        out[: len(self.distortion)] = self.distortion[:n]
        return out

    def _distorted(self, at: Floats) -> Floats:
        k1, k2, p1, p2, k3 = self._terms(5)
        x, y = at.T
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        out: Floats = np.column_stack(
            [
                x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x),
                y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y,
            ]
        )
        return out

    def _slope(self, at: Floats) -> Floats:
        """Return how much the distorted radius grows with the true one."""
        k1, k2, _, _, k3 = self._terms(5)
        r2 = np.einsum("ni,ni->n", at, at)
        return np.asarray(1 + r2 * (3 * k1 + r2 * (5 * k2 + r2 * 7 * k3)))

    def _is_inside_fold(self, at: Floats) -> Floats:
        """Tell what lies within the first radius at which the picture would fold back."""
        k1, k2, _, _, k3 = self._terms(5)
        radii = np.linspace(0, 20, 20001) ** 2
        falling = np.flatnonzero(1 + radii * (3 * k1 + radii * (5 * k2 + radii * 7 * k3)) <= 0.05)
        limit = radii[falling[0]] if len(falling) else np.inf
        return np.asarray(np.einsum("ni,ni->n", at, at) < limit)

    def _bent(self, angle: Floats) -> Floats:
        k1, k2, k3, k4 = self._terms(4)
        a2 = angle * angle
        return np.asarray(angle * (1 + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4)))))

    def _bent_slope(self, angle: Floats) -> Floats:
        k1, k2, k3, k4 = self._terms(4)
        a2 = angle * angle
        return np.asarray(1 + a2 * (3 * k1 + a2 * (5 * k2 + a2 * (7 * k3 + a2 * 9 * k4))))

    def _fisheye_rays(self, wanted: Floats) -> Floats:
        bent = np.hypot(*wanted.T)
        angle = bent.copy()
        for _ in range(_TURNS):
            step = (bent - self._bent(angle)) / np.maximum(self._bent_slope(angle), 0.2)
            angle += step
            if not np.any(np.abs(step) > 1e-13):
                break
        scale = np.sin(angle) / np.maximum(bent, 1e-12)
        rays = np.column_stack([wanted * scale[:, None], np.cos(angle)])
        return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True))
