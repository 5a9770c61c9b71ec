"""The outside of vehicles: paint, doors, lights, plates, windows, wheels, lettering."""

from typing import TYPE_CHECKING

import numpy as np

from perception_label.simulate.camera.texture import Singles, hashed

if TYPE_CHECKING:
    from perception_label.simulate.camera.paint import Places

_PAINTS = np.array(
    [[0.72, 0.72, 0.70], [0.02, 0.02, 0.022], [0.42, 0.43, 0.45], [0.16, 0.17, 0.18],
     [0.45, 0.03, 0.03], [0.04, 0.09, 0.30], [0.05, 0.14, 0.08], [0.50, 0.44, 0.33],
     [0.62, 0.62, 0.62], [0.06, 0.20, 0.34], [0.55, 0.20, 0.03], [0.10, 0.10, 0.11]],
    dtype=np.float32,
)  # fmt: skip
_LORRIES = np.array(
    [[0.70, 0.70, 0.68], [0.05, 0.15, 0.40], [0.55, 0.08, 0.05], [0.60, 0.48, 0.05]],
    dtype=np.float32,
)
_DIGGER_PAINT = np.array([0.62, 0.36, 0.02], np.float32)
_CURTAIN = np.array([0.22, 0.20, 0.16], np.float32)
_LID = np.array([0.30, 0.22, 0.02], np.float32)
_CAR, _BUS, _RIDER, _BUILDING, _DIGGER = 1, 3, 4, 6, 7  # of `Painter.kinds`


def body_work(p: "Places") -> Singles:
    """Return the paint of bodies, with what is set into them."""
    x, y, z = (p.at_m / p.size_m).T  # shares of length, width, height
    base = _PAINTS[(p.looks[:, 0] * len(_PAINTS)).astype(np.int64)]
    base = np.where((p.kinds == _DIGGER)[:, None], _DIGGER_PAINT, base)
    out = base * (1 + 0.07 * p.grain[:, :1] + 0.12 * p.grain[:, 1:])
    # The lower half of a body mirrors the dark road.
    out *= (0.62 + 0.38 * np.clip(z * 1.8, 0, 1))[:, None]
    on_side = np.abs(p.normals[:, 1]) > 0.6
    car = p.kinds == _CAR
    dark = car & (z < 0.215)
    # Door joints and handles.
    metres = p.at_m[:, 0]
    joint = 0.011 + 0.3 * p.footprint_m
    for share in (-0.17, 0.04, 0.21):
        dark |= (
            car
            & on_side
            & (z > 0.2)
            & (z < 0.63)
            & (np.abs(metres - share * p.size_m[:, 0]) < joint)
        )
    dark |= car & on_side & (np.abs(z - 0.40) < 0.006 + 0.1 * p.footprint_m)
    for share in (-0.13, 0.08):
        grip = np.abs(metres - share * p.size_m[:, 0]) < 0.09
        dark |= car & on_side & grip & (np.abs(z - 0.55) < 0.012)
    out[dark] *= 0.25
    return _ends(p, out, x, y, z)


def _ends(p: "Places", out: Singles, x: Singles, y: Singles, z: Singles) -> Singles:
    """Put lights, grille, bumper and number plate on both ends; a stripe along a bus."""
    end = (np.abs(x) > 0.44) & (p.kinds != _DIGGER) & (p.kinds != _RIDER)
    aside, front = np.abs(y), x > 0
    low, high = np.where(p.kinds == _CAR, 0.40, 0.16), np.where(p.kinds == _CAR, 0.53, 0.24)
    lit = end & (aside > 0.30) & (aside < 0.47) & (z > low) & (z < high)
    out[lit & front] = (0.80, 0.80, 0.76)
    out[lit & ~front] = (0.45, 0.015, 0.015)
    grille = end & front & (aside < 0.27) & (z > low + 0.01) & (z < high - 0.01)
    slat = (p.at_m[:, 2] / 0.05) % 1 < 0.5
    out[grille & slat], out[grille & ~slat] = 0.02, 0.09
    bumper = end & (z < 0.29) & (p.kinds == _CAR)
    out[bumper] *= 0.45
    _plate(p, out, end & (np.abs(p.normals[:, 0]) > 0.4))
    bus = p.kinds == _BUS
    stripe = _LORRIES[(p.looks[:, 3] * len(_LORRIES)).astype(np.int64)]
    band = bus & (z > 0.20) & (z < 0.28)
    out[band] = stripe[band]
    letters = bus & (z > 0.84) & (z < 0.93) & (np.abs(x) < 0.3)
    cell = hashed(np.floor(p.at_m[:, 0] / 0.25).astype(np.int32), np.full(1, 3, np.int32), p.owners)
    out[letters & (cell > 0.5)] *= 0.2
    return out


def _plate(p: "Places", out: Singles, end: np.ndarray) -> None:
    """Write a number plate of seven dark signs on white."""
    middle = np.where(p.kinds == _CAR, 0.345, 0.12) * p.size_m[:, 2]
    across, up = p.at_m[:, 1], p.at_m[:, 2] - middle
    plate = end & (np.abs(across) < 0.27) & (np.abs(up) < 0.07)
    out[plate] = (0.78, 0.78, 0.74)
    place = (across + 0.245) / 0.07
    sign = np.floor(place).astype(np.int32)
    within = place - sign
    bar = np.floor(within * 4).astype(np.int32)
    row = np.floor((up + 0.05) / 0.034).astype(np.int32)
    inked = hashed(sign * 8 + bar, row, p.owners) < 0.62
    inked &= (within < 0.78) & (np.abs(up) < 0.05) & (np.abs(across) < 0.245)
    out[plate & inked] = 0.03


def glass(p: "Places") -> Singles:
    """Return window panes: dark, paler where they face the sky, with pillars or sashes."""
    sky = np.clip(p.normals[:, 2] * 0.8 + 0.25, 0, 1)[:, None]
    out = np.float32(0.02) + sky * np.array([0.10, 0.13, 0.17], np.float32)
    out = out * (1 + 0.25 * p.grain[:, 1:])
    x, z = p.at_m[:, 0], p.at_m[:, 2]
    on_side = np.abs(p.normals[:, 1]) > 0.5
    for share in (-0.16, 0.045):
        pillar = (p.kinds == _CAR) & on_side & (np.abs(x - share * p.size_m[:, 0]) < 0.04)
        out[pillar] = 0.02
    seats = (p.kinds == _CAR) & (z < 0.80 * p.size_m[:, 2]) & ~on_side
    seats &= np.abs(np.abs(p.at_m[:, 1]) - 0.22 * p.size_m[:, 1]) < 0.14
    out[seats] *= 0.35
    bus = p.kinds == _BUS
    out[bus & ((x / 1.4) % 1 < 0.07)] = 0.05
    house = p.kinds == _BUILDING
    within = (z - 1.0) % 3.0
    sash = house & ((within < 0.07) | (within > 1.23) | (np.abs(within - 0.85) < 0.03))
    room = hashed(np.floor(x / 1.2).astype(np.int32), np.floor(z / 3).astype(np.int32), p.owners)
    curtain = house & (room > 0.6) & (within > 1.3 - 1.2 * (room - 0.5))
    out[curtain] = out[curtain] + _CURTAIN
    out[sash] = 0.55
    return np.asarray(out)


def tyres(p: "Places") -> Singles:
    """Return rubber, and on the flanks of car wheels a rim of five spokes."""
    out = np.repeat(0.032 * (1 + 0.3 * p.grain[:, :1]), 3, axis=1)
    length, _, height = p.size_m.T
    radius = np.where(p.kinds == _CAR, np.minimum(0.36, 0.225 * height), 0.48)
    rear, front = -0.30 * length, 0.31 * length
    axle = np.where(np.abs(p.at_m[:, 0] - rear) < np.abs(p.at_m[:, 0] - front), rear, front)
    dx, dz = p.at_m[:, 0] - axle, p.at_m[:, 2] - radius
    off = np.hypot(dx, dz) / radius
    flank = (p.kinds == _CAR) & (np.abs(p.normals[:, 1]) > 0.7)
    spoke = np.cos(5 * np.arctan2(dz, dx) + 6.3 * p.looks[:, 2]) > -0.1
    out[flank & (off < 0.68)] = 0.05
    out[flank & (off < 0.68) & (spoke | (off > 0.6) | (off < 0.16))] = 0.42
    bins = (p.kinds == 0) & (p.normals[:, 2] > 0.7)  # lids of waste bins
    out[bins] = _LID * (p.looks[bins, :1] + 0.3)
    return out


def shop_wall(p: "Places") -> Singles:
    """Return the box of a lorry or trailer: panels and large lettering on the flanks."""
    base = _LORRIES[(p.looks[:, 0] * len(_LORRIES)).astype(np.int64)]
    other = _LORRIES[((p.looks[:, 0] + 0.5) % 1 * len(_LORRIES)).astype(np.int64)]
    along = np.where(np.abs(p.normals[:, 0]) > 0.7, p.at_m[:, 1], p.at_m[:, 0])
    z = p.at_m[:, 2] / p.size_m[:, 2]
    out = base * (1 + 0.06 * p.grain[:, :1] + 0.12 * p.grain[:, 1:])
    panel = (along / 0.6) % 1 < 0.03
    out[panel] *= 0.6
    sign = np.floor(along / 0.45).astype(np.int32)
    stroke = hashed(sign * 4 + np.floor((along / 0.45 - sign) * 3).astype(np.int32),
                    np.floor(z * 16).astype(np.int32), p.owners)  # fmt: skip
    letters = (z > 0.56) & (z < 0.76) & (np.abs(along) < 0.36 * p.size_m[:, 0])
    letters &= (along / 0.45 - sign < 0.8) & (stroke < 0.6)
    band = (z > 0.44) & (z < 0.48)
    out[letters | band] = other[letters | band]
    return out
