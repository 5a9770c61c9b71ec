"""The review app: a Dash shell around our own viewer, over the server's API."""

from __future__ import annotations

from html import escape
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

from dash import Dash
from flask import request

from perception_label.errors import LabelError
from perception_label.review import components  # noqa: F401 - our scripts run before larger ones
from perception_label.review.access.headers import SCRIPTS
from perception_label.review.api.routes import DESKS
from perception_label.review.server import build_server
from perception_label.review.shell import callbacks, layout
from perception_label.review.shell.keymap import read_keymap

if TYPE_CHECKING:
    from flask import Flask

    from perception_label.pipeline.workspace import Workspace
    from perception_label.review.access.settings import Access
    from perception_label.review.server import Desks
    from perception_label.review.workers import Workers


def build_app(
    workspace: Workspace,
    log_id: str | None = None,
    access: Access | None = None,
    workers: Workers | None = None,
) -> Flask:
    """Return the Flask app that serves the review app; `log_id` is the log shown first.

    Without `access`, it is for one person on this machine, who may do all; see `build_server`.
    """
    server = build_server(workspace, access, workers)
    desks = cast("Desks", server.extensions[DESKS])
    app = _Page(
        desks,
        log_id,
        server=server,
        assets_folder="none",
        title="perception-label",
        update_title=None,
        serve_locally=True,
        suppress_callback_exceptions=True,  # the page comes with its log
    )
    read_keymap(workspace.path)  # whoever starts the app is told of a bad file
    app.layout = layout.outer
    callbacks.register(app, desks, log_id)
    server.extensions[SCRIPTS] = app.csp_hashes
    return server


class _Page(Dash):  # type: ignore[misc]
    """A page whose HTML names its log: the points are drawn before Dash has made the rest."""

    def __init__(self, desks: Desks, log_id: str | None, **settings: Any) -> None:
        self._desks, self._log_id = desks, log_id
        super().__init__("perception_label.review", **settings)

    def interpolate_index(self, **parts: str) -> str:
        log_id = callbacks.chosen_log(self._desks, self._log_id, request.query_string.decode())
        if log_id is not None:
            fingerprint = self._desks.desk(log_id).log.info.fingerprint
            parts["app_entry"] += (
                f'<div id="pl-early" data-log="{escape(log_id)}" data-fingerprint="{fingerprint}">'
                "</div>"
            )
        return cast("str", super().interpolate_index(**parts))


def warm_up(server: Flask, log_id: str) -> Thread:
    """Make what the first edit and the first look at the queue need, in the background."""

    def work() -> None:
        desk = cast("Desks", server.extensions[DESKS]).desk(log_id)
        try:
            desk.queue.now()
            desk.warm_up()
        except LabelError:
            return  # whoever asks for it is told

    thread = Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread
