"""Dashboards: what the work costs, how it goes, what is left, how far to trust it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import dash_mantine_components as dmc
import numpy as np
import plotly.graph_objects as go  # type: ignore[import-untyped]
from dash import dcc, html

from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_3d
from perception_label.pipeline.boxes import is_settled
from perception_label.pipeline.sources import source_gates
from perception_label.review.api.history import meter_of
from perception_label.review.meter import PAUSE_FACTOR
from perception_label.storage.edits.edit import HUMAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perception_label.review.desk import Desk
    from perception_label.review.meter import Meter
    from perception_label.storage.edits.edit import Row

BINS = np.linspace(0.0, 1.0, 11)  # of expected IoU
MINUTE_NS = 60_000_000_000


def charts(desk: Desk) -> object:
    """Return the dashboards of a log as Dash components."""
    rows = desk.edits.history()
    figures = [
        cost_figure(meter_of(desk)),
        throughput_figure(rows),
        queue_figure(desk),
        agreement_figure(desk),
        class_figure(desk),
        reliability_figure(*keyframes_met(desk)),
    ]
    graphs = [
        dcc.Graph(figure=figure, style={"height": "20rem"}, config={"displaylogo": False})
        for figure in figures
    ]
    return html.Div([html.P(_in_words(desk)), dmc.SimpleGrid(graphs, cols=2)])


def cost_figure(meter: Meter) -> go.Figure:
    """Return people's active minutes by kind of edit."""
    kinds = sorted(meter.actions, key=lambda kind: -meter.actions[kind][1])
    figure = go.Figure(
        go.Bar(
            x=[kind.replace("_", " ") for kind in kinds],
            y=[meter.actions[kind][1] / 60 for kind in kinds],
            text=[f"{meter.actions[kind][0]} edits" for kind in kinds],
        )
    )
    return _titled(figure, "Active minutes by action", "kind of edit", "minutes")


def throughput_figure(rows: Sequence[Row]) -> go.Figure:
    """Return people's edits per minute, over time."""
    times = np.array([row.server_time_ns for row in rows if row.edit.source == HUMAN], np.int64)
    minutes, counts = np.unique(times // MINUTE_NS, return_counts=True)
    at = (minutes * MINUTE_NS).astype("datetime64[ns]").astype("datetime64[ms]")
    figure = go.Figure(go.Bar(x=at.tolist(), y=counts.tolist()))
    return _titled(figure, "Edits per minute", "time, UTC", "edits")


def queue_figure(desk: Desk) -> go.Figure:
    """Return how much of each kind is left in the queue."""
    found = desk.queue.now()
    counts = Counter(item.kind for item in found.items)
    error = {
        kind: sum(item.expected_error for item in found.items if item.kind == kind)
        for kind in counts
    }
    kinds = [kind for kind, _ in counts.most_common()]
    figure = go.Figure(
        go.Bar(
            x=[kind.replace("_", " ") for kind in kinds],
            y=[counts[kind] for kind in kinds],
            text=[f"{error[kind]:.0f} boxes" for kind in kinds],
        )
    )
    title = "Queue by kind" + (" (being renewed)" if found.is_stale else "")
    return _titled(figure, title, "kind; expected wrong boxes above", "items")


def agreement_figure(desk: Desk) -> go.Figure:
    """Return how often each source was right where people looked, with its 95 % interval."""
    gates = [gate for gate in source_gates(desk.log, desk.edits.state()).values() if gate.n_checked]
    right = [gate.precision for gate in gates]
    figure = go.Figure(
        go.Bar(
            x=[gate.source for gate in gates],
            y=right,
            text=[f"{gate.n_checked} checked" for gate in gates],
            error_y={
                "type": "data",
                "array": [gate.high - p for gate, p in zip(gates, right, strict=True)],
                "arrayminus": [p - gate.low for gate, p in zip(gates, right, strict=True)],
            },
        )
    )
    figure.update_yaxes(range=[0, 1])
    return _titled(figure, "Agreement of sources with people", "source", "share right")


def class_figure(desk: Desk) -> go.Figure:
    """Return how many tracks of each class there are, and how many of them are done."""
    state = desk.edits.state()
    shown = [each for name in desk.track_ids(state) if (each := desk.shown(name, state))]
    every = Counter(each.class_name for each in shown)
    done = Counter(each.class_name for each in shown if is_settled(each.state))
    names = [name for name, _ in every.most_common()]
    figure = go.Figure(
        [
            go.Bar(x=names, y=[done[name] for name in names], name="done"),
            go.Bar(x=names, y=[every[name] - done[name] for name in names], name="open"),
        ]
    )
    figure.update_layout(barmode="stack")
    return _titled(figure, "Tracks by class", "class", "tracks")


def keyframes_met(desk: Desk) -> tuple[np.ndarray, np.ndarray]:
    """Return what was expected of machines' boxes, and their IoU with the keyframes set there.

    Of each keyframe that a person set on a track that a machine made: the probability or
    expected IoU of the machine's box at that sweep, and its IoU with the keyframe; (K,) each.
    """
    expected, met = [], []
    for name, track in desk.edits.state().live().items():
        made = desk.results.find(name)
        if made is None or HUMAN not in track.key_sources:
            continue
        boxes = made[0]
        for k, at in enumerate(track.key_timestamps_ns.tolist()):
            row = np.flatnonzero(boxes.timestamps_ns == at)
            if track.key_sources[k] != HUMAN or len(row) == 0:
                continue
            said = float(boxes.expected_iou[row[0]])
            expected.append(float(boxes.scores[row[0]]) if np.isnan(said) else said)
            key = Cuboids.unpack(track.keyframes.packed()[[k]])
            met.append(float(overlap_3d(boxes.cuboids[row[:1]], key)[0, 0]))
    return np.array(expected), np.array(met)


def reliability_figure(expected: np.ndarray, met: np.ndarray) -> go.Figure:
    """Return the IoU that keyframes found, by the IoU that was expected."""
    cell = np.clip(np.digitize(expected, BINS) - 1, 0, len(BINS) - 2)
    filled = np.unique(cell)
    figure = go.Figure(
        [
            go.Scatter(x=[0, 1], y=[0, 1], mode="lines", line={"dash": "dot"}, name="as expected"),
            go.Scatter(
                x=[float(expected[cell == k].mean()) for k in filled],
                y=[float(met[cell == k].mean()) for k in filled],
                text=[f"{int((cell == k).sum())} keyframes" for k in filled],
                mode="markers+lines",
                name="met",
            ),
        ]
    )
    title = "Expected IoU against keyframes"
    return _titled(figure, title, "expected before the keyframe", "IoU with the keyframe")


def _in_words(desk: Desk) -> str:
    meter = meter_of(desk)
    hours, leverage = meter.hours_per_sensor_hour, meter.boxes_per_keyframe
    return (
        f"{meter.active_s / 60:.1f} active minutes on {meter.sensor_s:.1f} s of driving"
        + ("" if hours is None else f": {hours:.1f} annotator-hours per sensor-hour")
        + f"; {meter.n_keyframes} keyframes"
        + ("" if leverage is None else f", {leverage:.1f} boxes for each")
        + f"; {meter.n_tracks_done} tracks judged. Pauses over 30 s are left out; "
        f"hours are {PAUSE_FACTOR:g} times the active time."
    )


def _titled(figure: go.Figure, title: str, x: str, y: str) -> go.Figure:
    figure.update_layout(
        title=title,
        margin={"l": 50, "r": 10, "t": 40, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.08)",
        font={"color": "#888"},
        colorway=["#4c9be8", "#e8944c", "#5fb878"],
    )
    lines = {"gridcolor": "rgba(128,128,128,0.25)", "zerolinecolor": "rgba(128,128,128,0.5)"}
    figure.update_xaxes(title=x, **lines)
    figure.update_yaxes(title=y, **lines)
    return figure
