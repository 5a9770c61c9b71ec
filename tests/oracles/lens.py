"""Slow twins of perception_label._core.lens: one point at a time, roots by bisection."""

import math


def _bend(lens, r):
    u = r * r
    if lens[14]:
        return r * (1 + lens[5] * u + lens[6] * u**2 + lens[7] * u**3 + lens[8] * u**4)
    above = 1 + lens[5] * u + lens[6] * u**2 + lens[9] * u**3
    return r * above / (1 + lens[10] * u + lens[11] * u**2 + lens[12] * u**3)


def _lean(lens, x, y):
    u = x * x + y * y
    return (
        2 * lens[7] * x * y + lens[8] * (u + 2 * x * x),
        lens[7] * (u + 2 * y * y) + 2 * lens[8] * x * y,
    )


def project(points_m, camera_from_points, lens, near_m, beyond, pixels, range_m, valid):
    for i, point in enumerate(points_m.astype(float)):
        x, y, z = camera_from_points[:3, :3] @ point + camera_from_points[:3, 3]
        range_m[i], valid[i], pixels[i] = math.sqrt(x * x + y * y + z * z), 0, math.nan
        if not math.isfinite(range_m[i]):
            continue
        if (range_m[i] if lens[14] else z) < near_m:
            continue
        sideways = math.hypot(x, y)
        r = math.atan2(sideways, z) if lens[14] else sideways / z
        x, y = (x / sideways, y / sideways) if sideways else (0.0, 0.0)
        valid[i] = r <= lens[13]
        if not valid[i] and not beyond:
            continue
        kept = min(r, lens[13])
        out = _bend(lens, kept) + r - kept
        a, b = out * x, out * y
        if not lens[14]:
            right, down = _lean(lens, kept * x, kept * y)
            a, b = a + right, b + down
        pixels[i] = lens[0] * a + lens[1] * b + lens[2], lens[3] * b + lens[4]


def _straighten(lens, bent):
    low, high = 0.0, min(lens[13], 1e6)
    for _ in range(90):
        middle = (low + high) / 2
        low, high = (middle, high) if _bend(lens, middle) < bent else (low, middle)
    return (low + high) / 2


def unproject(pixels, lens, rays, valid):
    for i, (u, v) in enumerate(pixels):
        rays[i], valid[i] = math.nan, 0
        b = (v - lens[4]) / lens[3]
        a = (u - lens[2] - lens[1] * b) / lens[0]
        if not (math.isfinite(a) and math.isfinite(b)):
            continue
        x = y = r = 0.0
        for _ in range(25):
            right, down = (0.0, 0.0) if lens[14] else _lean(lens, x, y)
            p, q = a - right, b - down
            out = math.hypot(p, q)
            if out > lens[15]:
                r = math.inf
                break
            r = _straighten(lens, out)
            x, y = (p / out * r, q / out * r) if out else (0.0, 0.0)
        if not math.isfinite(r):
            continue
        valid[i] = 1
        if lens[14]:
            scale = math.sin(r) / r if r else 1.0
            ray = (x * scale, y * scale, math.cos(r))
        else:
            ray = (x, y, 1.0)
        rays[i] = [c / math.sqrt(sum(d * d for d in ray)) for c in ray]
