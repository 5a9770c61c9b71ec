"""The review app: a Dash shell around our own viewer, over the server's API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dash_mantine_components as dmc
from dash import Dash, html

from perception_label.review.components import Cameras, Keyboard, Panes, Timeline, Viewer
from perception_label.review.server import build_server

if TYPE_CHECKING:
    from flask import Flask

    from perception_label.pipeline.workspace import Workspace


def build_app(workspace: Workspace, log_id: str) -> Flask:
    """Return the Flask app that serves the review app of one log."""
    server = build_server(workspace)
    app = Dash(
        "perception_label.review",
        server=server,
        assets_folder="none",
        title="perception-label",
        update_title=None,
        serve_locally=True,
    )
    app.layout = lambda: _layout(log_id)
    return server


def _layout(log_id: str) -> object:
    viewer = Viewer(id="viewer", log=log_id, style={"flex": 1, "minWidth": 0})
    panes = Panes(id="panes", log=log_id, style={"flex": 1, "minHeight": 0})
    cameras = Cameras(id="cameras", log=log_id, style={"height": "14rem"})
    right = {"width": "24rem", "display": "flex", "flexDirection": "column"}
    timeline = Timeline(id="timeline", log=log_id, style={"height": "10rem"})
    upper = html.Div(
        [viewer, html.Div([cameras, panes], style=right)],
        style={"display": "flex", "flex": 1, "minHeight": 0},
    )
    page = {"position": "fixed", "inset": 0, "display": "flex", "flexDirection": "column"}
    return dmc.MantineProvider(
        html.Div([upper, timeline, Keyboard(id="keys", log=log_id)], style=page),
        defaultColorScheme="dark",
    )
