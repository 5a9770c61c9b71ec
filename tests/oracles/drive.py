"""The small matrices by NumPy's own means."""

import numpy as np


def information(curved, yaw_rad, worth, least, noise, out):
    for r, yaw in enumerate(yaw_rad):
        values, vectors = np.linalg.eigh(curved[r] * np.outer(worth, worth))
        found = (vectors * np.maximum(values, 0.0)) @ vectors.T + np.diag(least)
        weight = np.linalg.inv(np.linalg.inv(found) + np.diag(noise))
        c, s = np.cos(yaw), np.sin(yaw)
        turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
        out[r] = turn @ weight @ turn.T


def _gone(state, dt, axle, straightens):
    x, y, yaw, speed, bend = state
    way = speed * dt
    turn = bend * way
    c, s = np.cos(yaw + turn / 2), np.sin(yaw + turn / 2)
    aside = turn * axle
    keeps = np.exp(-abs(dt) / straightens)
    return np.array(
        [x + way * c - aside * s, y + way * s + aside * c, yaw + turn, speed, bend * keeps]
    )


def after(state, spread, dt, rules, new_state, new_spread):
    axle, straightens, slip, skew, push, most, pull = rules
    new_state[:] = _gone(state, dt, axle, straightens)
    # Derivatives by small steps.
    h = 1e-6
    move = np.column_stack(
        [
            (
                _gone(state + h * e, dt, axle, straightens)
                - _gone(state - h * e, dt, axle, straightens)
            )
            / (2 * h)
            for e in np.eye(5)
        ]
    )
    new = min(most, pull / max(state[3] ** 2, 0.1)) ** 2 * (1 - np.exp(-2 * abs(dt) / straightens))
    added = np.array([slip, slip, skew, push, 0]) * abs(dt) + np.array([0, 0, 0, 0, new])
    new_spread[:] = move @ spread @ move.T + np.diag(added)


def seen(state, spread, pose, weight, top_mps):
    off = pose[[0, 1, 3]] - state[:3]
    off[2] = (off[2] + np.pi) % (2 * np.pi) - np.pi
    gain = spread[:, :3] @ np.linalg.inv(spread[:3, :3] + np.linalg.inv(weight))
    state += gain @ off
    state[3] = np.clip(state[3], -top_mps, top_mps)
    new = spread - gain @ spread[:3]
    spread[:] = (new + new.T) / 2
