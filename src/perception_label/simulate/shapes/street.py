"""What stands along a street and is never labelled: houses, walls, plants, poles, signs."""

import numpy as np
from numpy.random import Generator

from perception_label.arrays import Floats
from perception_label.simulate.shapes.mesh import Material, Mesh, ball, block, merge, tube

_SUNK_M = 4.0  # walls reach below the ground, which may slope


def building(length_m: float, depth_m: float, height_m: float, random: Generator) -> Mesh:
    """Return a house around the origin, its front towards -y: windows, door, a roof."""
    half = np.array([length_m / 2, depth_m / 2])
    parts = [block([*-half, -_SUNK_M], [*half, height_m], Material.WALL)]
    if random.random() < 0.5 and height_m < 10:
        ridge = height_m + min(4.0, 0.35 * depth_m)
        a = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * [*(half + 0.4), 1]
        top = np.array([[-half[0] - 0.4, 0, ridge], [half[0] + 0.4, 0, ridge]])
        eaves = np.concatenate([a + np.array([0, 0, height_m]), top])
        faces = [[0, 1, 5], [0, 5, 4], [2, 3, 4], [2, 4, 5], [1, 2, 5], [3, 0, 4]]
        parts.append(Mesh.of(eaves, faces, Material.WALL))
    storey, step = 3.0, float(random.uniform(2.4, 3.6))
    for z in np.arange(1.0, height_m - 1.6, storey):
        for x in np.arange(-half[0] + 1.2, half[0] - 1.2, step):
            # A pane stands back in its frame; light mostly passes, so it looks like a hole.
            parts.append(block([x - 0.5, -half[1] - 0.06, z], [x + 0.5, -half[1], z + 1.3], 5))
    if random.random() < 0.5:
        x = float(random.uniform(-0.3, 0.3)) * length_m
        parts.append(block([x - 1, -half[1] - 1.2, -1.0], [x + 1, -half[1], 0.25], Material.PAVING))
        parts.append(
            block([x - 1.1, -half[1] - 1.2, 2.5], [x + 1.1, -half[1], 2.65], Material.WALL)
        )
    if random.random() < 0.35:  # a bay or wing breaks the flat front
        x, w = float(random.uniform(-0.25, 0.25)) * length_m, float(random.uniform(1.2, 2.5))
        deep = float(random.uniform(0.6, 1.5))
        parts.append(
            block([x - w, -half[1] - deep, -_SUNK_M], [x + w, -half[1], 0.9 * height_m], 3)
        )
    return merge(parts)


def wall(length_m: float, height_m: float) -> Mesh:
    """Return a garden wall along x."""
    return block([-length_m / 2, -0.12, -0.8], [length_m / 2, 0.12, height_m], Material.WALL)


def fence(length_m: float, height_m: float) -> Mesh:
    """Return a picket fence along x: posts, rails and gaps."""
    at = np.arange(-length_m / 2, length_m / 2, 0.22)
    parts = [block([x, -0.02, -0.3], [x + 0.1, 0.02, height_m], Material.BARK) for x in at]
    for z in (0.25 * height_m, 0.8 * height_m):
        parts.append(block([-length_m / 2, 0.02, z], [length_m / 2, 0.05, z + 0.08], Material.BARK))
    return merge(parts)


def leaves(center_m: Floats, radii_m: Floats, count: int, leaf_m: float, random: Generator) -> Mesh:
    """Scatter triangles through a lumpy ellipsoid: light stops at some, passes between others."""
    direction = random.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    # Lumps: the skin bulges with a few random waves, as crowns do.
    waves = random.normal(size=(5, 3)) * 2.2
    bulge = 1 + 0.12 * np.sin(direction @ waves.T + random.uniform(0, 6, 5)).sum(axis=1)
    depth = random.uniform(0.25, 1, count) ** 0.45
    at = center_m + direction * (bulge * depth)[:, None] * radii_m
    shape = random.normal(size=(count, 3, 3)) * leaf_m
    corners = at[:, None] + shape - shape.mean(axis=1, keepdims=True)
    return Mesh.of(corners.reshape(-1, 3), np.arange(3 * count), Material.LEAF)


def tree(height_m: float, random: Generator) -> Mesh:
    """Return a tree: a bent trunk, some branches and an irregular crown of leaves."""
    thick = 0.018 * height_m + float(random.uniform(0.02, 0.08))
    fork = float(random.uniform(0.28, 0.42)) * height_m
    bend = random.normal(0, 0.025 * height_m, 2)
    crown_at = np.array([*bend, 0.66 * height_m])
    fork_at = np.array([*(0.4 * bend), fork])
    parts = [tube(np.stack([[0, 0, -0.5], fork_at, crown_at]), [thick, 0.8 * thick, 0.05], 10)]
    lobes = int(random.integers(2, 5))
    spread = float(random.uniform(0.22, 0.36)) * height_m
    for _ in range(lobes):
        offset = random.normal(0, 0.32, 3) * [spread, spread, 0.35 * height_m]
        center = crown_at + offset
        parts.append(tube(np.stack([fork_at, center]), [0.5 * thick, 0.03], Material.BARK))
        radii = spread * random.uniform(0.6, 1.0, 3) * [1, 1, 1.1]
        parts.append(leaves(center, radii, int(520 / lobes), 0.13, random))
    return merge(parts)


def bush(radius_m: float, height_m: float, random: Generator) -> Mesh:
    """Return a bush: dense leaves down to the ground."""
    radii = np.array([radius_m, radius_m * random.uniform(0.7, 1.2), height_m / 2])
    return leaves(np.array([0, 0, 0.48 * height_m]), radii, 160, 0.10, random)


def hedge(length_m: float, height_m: float, random: Generator) -> Mesh:
    """Return a clipped hedge along x: a solid core in a coat of leaves."""
    core = block([-length_m / 2, -0.18, 0], [length_m / 2, 0.18, 0.85 * height_m], Material.LEAF)
    count = int(45 * length_m)
    at = np.column_stack(
        [
            random.uniform(-length_m / 2, length_m / 2, count),
            random.normal(0, 0.24, count),
            random.uniform(0.05, 1.05, count) * height_m,
        ]
    )
    corners = at[:, None] + random.normal(size=(count, 3, 3)) * 0.08
    return merge([core, Mesh.of(corners.reshape(-1, 3), np.arange(3 * count), Material.LEAF)])


def lamp(height_m: float) -> Mesh:
    """Return a street lamp whose arm reaches along -y, over the road."""
    arm = [[0, 0, height_m - 0.3], [0, -1.0, height_m], [0, -1.9, height_m]]
    return merge(
        [
            tube([[0, 0, -0.5], [0, 0, height_m]], [0.10, 0.06], Material.METAL, sides=8),
            tube(arm, 0.04, Material.METAL),
            block([-0.12, -2.3, height_m - 0.06], [0.12, -1.7, height_m + 0.04], Material.METAL),
        ]
    )


def sign(height_m: float) -> Mesh:
    """Return a traffic sign that faces -x."""
    plate = block([-0.02, -0.32, height_m - 0.64], [0, 0.32, height_m], Material.SIGN)
    return merge([plate, tube([[0.03, 0, -0.4], [0.03, 0, height_m]], 0.035, Material.METAL)])


def signal() -> Mesh:
    """Return a traffic light on a mast, its lamps towards -x."""
    return merge(
        [
            tube([[0, 0, -0.5], [0, 0, 3.4]], 0.07, Material.METAL, sides=8),
            block([-0.2, -0.16, 2.4], [0.06, 0.16, 3.4], Material.METAL),
        ]
    )


def hydrant() -> Mesh:
    """Return a hydrant."""
    return merge(
        [
            tube([[0, 0, -0.2], [0, 0, 0.6]], 0.13, Material.METAL, sides=8),
            ball([0, 0, 0.62], 0.14, Material.METAL),
        ]
    )


def bin_(random: Generator) -> Mesh:
    """Return a wheeled waste bin."""
    half, height = float(random.uniform(0.25, 0.35)), float(random.uniform(0.9, 1.15))
    return block([-half, -half, -0.1], [half, half, height], Material.RUBBER)


def bench() -> Mesh:
    """Return a bench along x."""
    parts = [
        block([-0.9, -0.25, 0.42], [0.9, 0.2, 0.48], Material.BARK),
        block([-0.9, 0.2, 0.5], [0.9, 0.25, 0.9], Material.BARK),
    ]
    parts += [block([x, -0.2, -0.3], [x + 0.06, 0.2, 0.42], 7) for x in (-0.8, 0.74)]
    return merge(parts)
