"""Pedestrians that walk or stand, and riders on two wheels."""

import numpy as np

from perception_label.simulate.shapes.mesh import Material, Mesh, ball, merge, tube
from perception_label.simulate.shapes.vehicles import Size, bicycle, motorcycle

PHASES = 8  # postures of one double step


def pedestrian(height_m: float, girth: float, phase: int | None) -> Mesh:
    """Return a person facing +x.

    Parameters
    ----------
    height_m : float
        Standing height.
    girth : float
        Width of the body relative to the usual one.
    phase : int or None
        Posture within a double step, 0 … `PHASES` - 1; None stands still.
    """
    h, swing = height_m, 0.0
    if phase is not None:
        swing = 0.34 * float(np.sin(2 * np.pi * phase / PHASES))
    hip, shoulder = 0.50 * h, 0.82 * h
    torso_y = 0.105 * h * girth
    parts = [
        tube(
            [
                [0, 0, hip - 0.04 * h],
                [0, 0, 0.62 * h],
                [0.01, 0, shoulder - 0.04 * h],
                [0, 0, shoulder + 0.02 * h],
            ],
            np.array([0.10, 0.095, 0.115, 0.05]) * h * girth,
            Material.CLOTH,
            sides=8,
            flat=0.62,
        ),
        tube([[0, 0, shoulder], [0.01, 0, 0.88 * h]], 0.035 * h, Material.CLOTH),
        ball([0.015, 0, 0.933 * h], [0.058 * h, 0.048 * h, 0.067 * h], Material.CLOTH),
    ]
    for sign in (-1, 1):
        leg, arm = sign * swing, -0.9 * sign * swing
        knee = [hip * 0.52 * np.sin(leg) + 0.01, sign * 0.052 * h, hip * (1 - 0.52 * np.cos(leg))]
        trail = leg - 0.45 * max(0.0, -leg)
        foot = [
            knee[0] + 0.46 * hip * np.sin(trail),
            knee[1],
            max(0.03 * h, knee[2] - 0.44 * hip * np.cos(trail)),
        ]
        parts.append(tube([[0, knee[1], hip], knee, foot], np.array([0.052, 0.036, 0.026]) * h, 8))
        toe = [foot[0] + 0.09 * h, foot[1], 0.02 * h]
        parts.append(tube([[foot[0] - 0.03 * h, foot[1], 0.03 * h], toe], 0.022 * h, 6))
        y = sign * (torso_y + 0.025 * h)
        elbow = [0.18 * h * np.sin(arm), y, shoulder - 0.18 * h * np.cos(arm)]
        hand = [
            elbow[0] + 0.16 * h * np.sin(arm + 0.3),
            y,
            elbow[2] - 0.16 * h * np.cos(arm + 0.3),
        ]
        parts.append(tube([[0, y, shoulder], elbow, hand], np.array([0.03, 0.025, 0.02]) * h, 8))
    return merge(parts)


def cyclist(size_m: Size, height_m: float) -> Mesh:
    """Return a rider on a bicycle; `size_m` is that of both together."""
    length, width, total = size_m
    bike = bicycle((length, width, min(1.08, 0.62 * total)))
    return merge([bike, _rider(total, 0.36 * total + 0.3, height_m, -0.12, 0.38)])


def motorcyclist(size_m: Size, height_m: float) -> Mesh:
    """Return a rider on a motorcycle or scooter."""
    length, width, total = size_m
    ride = motorcycle((length, width, 0.66 * total))
    return merge([ride, _rider(total, 0.5 * total, height_m, -0.2, 0.25)])


def _rider(total_m: float, seat_m: float, height_m: float, x: float, lean: float) -> Mesh:
    """Return a seated person whose head touches `total_m`."""
    h = height_m
    top = np.array([x + lean, 0, total_m - 0.20])
    parts = [
        tube(
            [[x, 0, seat_m], (np.array([x, 0, seat_m]) + top) / 2, top],
            np.array([0.085, 0.09, 0.10]) * h,
            Material.CLOTH,
            sides=8,
            flat=0.65,
        ),
        ball([x + lean + 0.08, 0, total_m - 0.13], [0.12, 0.10, 0.13], Material.CLOTH),
    ]
    for sign in (-1, 1):
        y = sign * 0.09
        knee = [x + 0.36, y * 1.3, seat_m - 0.12 - 0.12 * (sign > 0)]
        foot = [x + 0.22 + 0.1 * sign, y * 1.2, max(0.08, seat_m - 0.62 - 0.1 * sign)]
        parts.append(tube([[x, y, seat_m], knee, foot], np.array([0.05, 0.04, 0.03]) * h, 8))
        shoulder = top + np.array([0, sign * 0.17, -0.03])
        hand = [x + 0.62, sign * 0.22, seat_m + 0.18]
        parts.append(tube([shoulder, hand], np.array([0.032, 0.025]) * h, 8))
    return merge(parts)
