"""Cars, vans, trucks, buses, trailers and two-wheelers.

Every shape fills its size: the body touches the faces of the upright box length x width x
height that stands on the ground around the origin, x ahead. Only mirrors and handlebars may
stick out, as in published labels.
"""

import numpy as np
from numpy.random import Generator

from perception_label.arrays import Floats
from perception_label.simulate.shapes.mesh import Material, Mesh, block, loft, merge, tube, wheel

Size = tuple[float, float, float]  # length, width, height, metres

# One row per cross-section from rear to front: place along the length (-0.5 … 0.5), belt line
# and roof as shares of the height, half width of the body and of the roof as shares of the
# half width. Roof = belt means bonnet or boot.
_STYLES: dict[str, Floats] = {
    "sedan": np.array(
        [
            [-0.500, 0.46, 0.46, 0.86, 0.60],
            [-0.485, 0.63, 0.64, 0.93, 0.70],
            [-0.350, 0.66, 0.67, 1.00, 0.74],
            [-0.180, 0.64, 0.96, 1.00, 0.68],
            [-0.020, 0.63, 1.00, 1.00, 0.70],
            [0.080, 0.63, 0.98, 1.00, 0.70],
            [0.260, 0.63, 0.65, 1.00, 0.80],
            [0.420, 0.56, 0.58, 0.97, 0.78],
            [0.485, 0.48, 0.50, 0.88, 0.70],
            [0.500, 0.38, 0.38, 0.78, 0.60],
        ]
    ),
    "hatch": np.array(
        [
            [-0.500, 0.52, 0.52, 0.88, 0.66],
            [-0.480, 0.62, 0.66, 0.95, 0.70],
            [-0.380, 0.62, 0.95, 1.00, 0.70],
            [-0.200, 0.62, 1.00, 1.00, 0.73],
            [0.060, 0.61, 0.98, 1.00, 0.73],
            [0.270, 0.61, 0.63, 1.00, 0.80],
            [0.430, 0.54, 0.56, 0.96, 0.76],
            [0.500, 0.38, 0.38, 0.80, 0.60],
        ]
    ),
    "suv": np.array(
        [
            [-0.500, 0.50, 0.50, 0.90, 0.70],
            [-0.485, 0.62, 0.66, 0.96, 0.76],
            [-0.430, 0.63, 0.94, 1.00, 0.76],
            [-0.250, 0.62, 1.00, 1.00, 0.78],
            [0.070, 0.61, 0.99, 1.00, 0.78],
            [0.240, 0.61, 0.64, 1.00, 0.86],
            [0.440, 0.57, 0.59, 0.98, 0.84],
            [0.490, 0.50, 0.50, 0.92, 0.76],
            [0.500, 0.40, 0.40, 0.86, 0.70],
        ]
    ),
    "pickup": np.array(
        [
            [-0.500, 0.55, 0.56, 0.96, 0.90],
            [-0.480, 0.56, 0.57, 1.00, 0.94],
            [-0.140, 0.56, 0.57, 1.00, 0.92],
            [-0.110, 0.60, 0.97, 1.00, 0.78],
            [0.050, 0.60, 1.00, 1.00, 0.80],
            [0.100, 0.60, 0.98, 1.00, 0.80],
            [0.220, 0.60, 0.62, 1.00, 0.86],
            [0.460, 0.56, 0.58, 0.98, 0.84],
            [0.500, 0.42, 0.42, 0.90, 0.76],
        ]
    ),
    "van": np.array(
        [
            [-0.500, 0.52, 0.97, 0.96, 0.84],
            [-0.490, 0.52, 0.99, 1.00, 0.88],
            [-0.200, 0.52, 1.00, 1.00, 0.88],
            [0.180, 0.52, 0.98, 1.00, 0.86],
            [0.350, 0.52, 0.56, 1.00, 0.82],
            [0.470, 0.44, 0.46, 0.94, 0.74],
            [0.500, 0.32, 0.32, 0.86, 0.66],
        ]
    ),
}


def car(style: str, size_m: Size) -> Mesh:
    """Return a car of a style (`sedan`, `hatch`, `suv`, `pickup`, `van`) that fills `size_m`."""
    length, width, height = size_m
    rows = _STYLES[style]
    x, belt, roof = rows[:, 0] * length, rows[:, 1] * height, rows[:, 2] * height
    half, top = rows[:, 3] * width / 2, rows[:, 3] * rows[:, 4] * width / 2
    low = np.full(len(rows), 0.15 * height)
    low[0] = low[-1] = 0.22 * height
    middle = np.minimum(0.36 * height, 0.9 * belt)
    right = [(0.92 * half, low), (half, middle), (0.97 * half, belt), (top, roof)]
    ring = [*right, *((-y, z) for y, z in reversed(right))]
    rings = np.stack([np.column_stack([x, y, z]) for y, z in ring], axis=1)
    cabin = (rows[:, 2] - rows[:, 1]) > 0.15
    kinds = np.full((len(rows) - 1, 8), Material.BODY)
    side = cabin[1:] | cabin[:-1]
    if style == "van":  # a cargo van has glass only beside the driver
        side &= rows[1:, 0] > 0.1
    kinds[side, 2] = kinds[side, 4] = Material.GLASS
    kinds[cabin[1:] != cabin[:-1], 3] = Material.GLASS
    parts = [loft(rings, kinds, caps=Material.BODY)]
    radius = min(0.36, 0.225 * height)
    for axle in (-0.30 * length, 0.31 * length):
        for sign in (-1, 1):
            parts.append(wheel([axle, sign * (width / 2 - 0.11), radius], radius, 0.2))
    parts += _inside_and_mirrors(length, width, height, x[cabin], belt)
    return merge(parts)


def _inside_and_mirrors(
    length: float, width: float, height: float, cabin_x: Floats, belt: Floats
) -> list[Mesh]:
    """Return seats, which light reaches through the glass, and the outer mirrors."""
    floor, seat = 0.22 * height, 0.72 * height
    back, front = float(cabin_x.min()), float(cabin_x.max())
    mirror_x, mirror_z = front + 0.06 * length, float(belt[len(belt) // 2]) + 0.04
    parts = []
    for at in (back + 0.30 * (front - back), back + 0.75 * (front - back)):
        parts.append(block([at - 0.1, -0.36 * width, floor], [at, 0.36 * width, seat], 8))
    for sign in (-1, 1):
        y = sorted((sign * 0.49 * width, sign * (0.5 * width + 0.14)))
        parts.append(
            block(
                [mirror_x, y[0], mirror_z],
                [mirror_x + 0.1, y[1], mirror_z + 0.13],
                Material.BODY,
            )
        )
    return parts


def box_truck(size_m: Size) -> Mesh:
    """Return a truck with a cab and a closed box behind it."""
    length, width, height = size_m
    cab = min(2.0, 0.3 * length)
    nose, back = length / 2, length / 2 - cab
    cab_height = min(2.6, 0.85 * height)
    parts = [
        _cab(back, nose, 0.94 * width, cab_height),
        block([-length / 2, -width / 2, 0.95], [back - 0.15, width / 2, height], Material.WALL),
        block([-length / 2, -0.4, 0.55], [back, 0.4, 0.95], Material.METAL),
    ]
    axles = [back + 0.5 * cab, -0.30 * length] + ([-0.30 * length - 1.25] if length > 9 else [])
    return merge([*parts, *_axles(axles, width, 0.48)])


def trailer(size_m: Size) -> Mesh:
    """Return a closed trailer on two or three axles at its rear."""
    length, width, height = size_m
    floor = 0.33 * height
    parts = [
        block([-length / 2, -width / 2, floor], [length / 2, width / 2, height], Material.WALL),
        block([-length / 2, -0.4, 0.5], [0.3 * length, 0.4, floor], Material.METAL),
        block([0.2 * length, -0.9, 0.15], [0.22 * length, 0.9, floor], Material.METAL),
    ]
    radius = min(0.5, 0.4 * floor)
    axles = [-length / 2 + 1.0 + 1.3 * n for n in range(3 if length > 9 else 1)]
    return merge([*parts, *_axles(axles, width, radius)])


def bus(size_m: Size) -> Mesh:
    """Return a city bus with a band of windows."""
    length, width, height = size_m
    at = np.array([-0.5, -0.49, -0.3, -0.1, 0.1, 0.3, 0.485, 0.5]) * length
    half = np.array([0.95, 1, 1, 1, 1, 1, 1, 0.94]) * width / 2
    levels = [(0.98, 0.10), (1.0, 0.36), (1.0, 0.82), (0.92, 1.0)]
    right = [(share * half, np.full(len(at), z * height)) for share, z in levels]
    ring = [*right, *((-y, z) for y, z in reversed(right))]
    rings = np.stack([np.column_stack([at, y, z]) for y, z in ring], axis=1)
    kinds = np.full((len(at) - 1, 8), Material.BODY)
    kinds[:, [1, 5]] = Material.GLASS
    front = block(
        [length / 2 - 0.06, -0.44 * width, 0.4 * height],
        [length / 2, 0.44 * width, 0.85 * height],
        Material.GLASS,
    )
    floor = block([-0.46 * length, -0.42 * width, 0.3], [0.4 * length, 0.42 * width, 1.2], 8)
    parts = [loft(rings, kinds, caps=Material.BODY), front, floor]
    return merge([*parts, *_axles([0.29 * length, -0.27 * length], width, 0.48)])


def excavator(size_m: Size) -> Mesh:
    """Return a digger: tracks, a turning house, an arm folded over the front."""
    length, width, height = size_m
    house = 0.8 * height
    body = -length / 2
    parts = [
        block(
            [body, sign * width / 2 - (0.5 if sign > 0 else 0), 0],
            [body + 0.55 * length, sign * width / 2 + (0 if sign > 0 else 0.5), 0.8],
            Material.RUBBER,
        )
        for sign in (-1, 1)
    ]
    parts += [
        block([body, -0.4 * width, 0.8], [body + 0.5 * length, 0.4 * width, 0.55 * house], 4),
        block([body + 0.25 * length, 0, 0.5 * house], [body + 0.5 * length, 0.4 * width, house], 5),
        tube(
            [[body + 0.45 * length, -0.2, 0.5 * house], [0.1 * length, -0.2, height - 0.2]],
            0.2,
            Material.BODY,
        ),
        tube([[0.1 * length, -0.2, height - 0.2], [0.42 * length, -0.2, 1.0]], 0.16, Material.BODY),
        block([0.36 * length, -0.7, 0.2], [0.5 * length, 0.3, 1.0], Material.METAL),
        block([0.07 * length, -0.4, height - 0.4], [0.13 * length, 0, height], Material.BODY),
    ]
    return merge(parts)


def bicycle(size_m: Size) -> Mesh:
    """Return a bicycle; it is as high as its handlebar."""
    length, width, height = size_m
    radius = 0.19 * length
    rear, front = -length / 2 + radius, length / 2 - radius
    saddle, grip = [rear + 0.2 * length, 0, 0.93 * height], [front - 0.1, 0, height - 0.02]
    crank = [0.02, 0, 0.3]
    bars = [
        ([rear, 0, radius], crank),
        (crank, saddle),
        (crank, [front - 0.12, 0, 0.7 * height]),
        (saddle, [front - 0.12, 0, 0.72 * height]),
        ([front, 0, radius], grip),
        ([rear, 0, radius], saddle),
        ([front - 0.12, -width / 2, height - 0.02], [front - 0.12, width / 2, height - 0.02]),
    ]
    parts = [tube([p, q], 0.025, Material.METAL, sides=5) for p, q in bars]
    parts += [_hoop([at, 0, radius], radius, 0.045) for at in (rear, front)]
    return merge(
        [
            *parts,
            block(
                [rear + 0.1, -0.08, 0.9 * height],
                [rear + 0.36, 0.08, 0.95 * height],
                Material.RUBBER,
            ),
        ]
    )


def motorcycle(size_m: Size) -> Mesh:
    """Return a motorcycle or scooter without a rider."""
    length, width, height = size_m
    radius = 0.15 * length
    rear, front = -length / 2 + radius, length / 2 - radius
    parts = [wheel([at, 0, radius], radius, 0.14) for at in (rear, front)]
    parts += [
        block([rear, -0.17, 0.35], [0.25 * length, 0.17, 0.7 * height], Material.METAL),
        block([rear - 0.05, -0.14, 0.62 * height], [0.0, 0.14, 0.72 * height], Material.RUBBER),
        block([0.0, -0.2, 0.62 * height], [0.22 * length, 0.2, 0.85 * height], Material.BODY),
        tube([[front, 0, radius], [0.2 * length, 0, height - 0.03]], 0.06, Material.METAL),
        tube(
            [[0.2 * length, -width / 2, height - 0.03], [0.2 * length, width / 2, height - 0.03]],
            0.03,
            Material.METAL,
        ),
    ]
    return merge(parts)


def _cab(back: float, nose: float, width: float, height: float) -> Mesh:
    """Return a driver's cab with a slanted windscreen."""
    at = np.array([back, nose - 0.45, nose - 0.05, nose])
    roof = np.array([height, height, 0.62 * height, 0.55 * height])
    belt = np.array([0.55, 0.55, 0.55, 0.45]) * height
    half = np.full(4, width / 2)
    low = np.full(4, 0.42)
    ring = [(half, low), (half, belt), (0.95 * half, roof)]
    ring += [(-y, z) for y, z in reversed(ring)]
    rings = np.stack([np.column_stack([at, y, z]) for y, z in ring], axis=1)
    kinds = np.full((3, 6), Material.BODY)
    kinds[1, [1, 2, 3]] = Material.GLASS
    seat = block([back + 0.2, -0.4 * width, 0.6], [back + 0.5, 0.4 * width, 0.75 * height], 8)
    return merge([loft(rings, kinds, caps=Material.BODY), seat])


def _axles(at_m: list[float], width_m: float, radius_m: float) -> list[Mesh]:
    out = []
    for x in at_m:
        for sign in (-1, 1):
            out.append(wheel([x, sign * (width_m / 2 - 0.17), radius_m], radius_m, 0.3))
    return out


def _hoop(center_m: list[float], radius_m: float, thick_m: float) -> Mesh:
    """Return a thin tyre, open in the middle, in the plane of x and z."""
    angle = np.linspace(0, 2 * np.pi, 15)
    around = np.column_stack([np.cos(angle), np.zeros(15), np.sin(angle)])
    inner, outer = (radius_m - thick_m) * around, radius_m * around
    side = np.array([0, thick_m / 2, 0])
    rings = np.stack([outer - side, outer + side, inner + side, inner - side], axis=1)
    return loft(rings + np.asarray(center_m), Material.RUBBER)


# Share of traffic, mean and spread of length, width and height, narrowest and widest length.
# Means follow the sizes that public driving sets report for passenger cars.
_CARS: dict[str, tuple[float, tuple[float, float, float], float, tuple[float, float]]] = {
    "sedan": (0.34, (4.68, 1.84, 1.46), 0.20, (4.2, 5.2)),
    "hatch": (0.22, (4.10, 1.77, 1.50), 0.22, (3.5, 4.6)),
    "suv": (0.30, (4.66, 1.89, 1.70), 0.22, (4.1, 5.2)),
    "pickup": (0.07, (5.60, 2.00, 1.88), 0.22, (5.1, 6.1)),
    "van": (0.07, (5.20, 1.98, 2.15), 0.40, (4.6, 6.2)),
}


def random_car(random: Generator) -> tuple[str, Size]:
    """Draw a car's style and size."""
    names = list(_CARS)
    style = names[int(random.choice(len(names), p=[_CARS[name][0] for name in names]))]
    _, (length, width, height), spread, limits = _CARS[style]
    drawn = float(np.clip(random.normal(length, spread), *limits))
    # Long cars are wide cars: about a quarter of the extra length, relatively.
    wide = width * (1 + 0.25 * (drawn / length - 1)) + random.normal(0, 0.04)
    tall = height + random.normal(0, 0.05)
    return style, (drawn, float(wide), float(tall))
