"""The server: one Flask app over a workspace; the routes are in `review.api`."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from flask import Response, abort, jsonify, request
from flask_openapi3.models.info import Info
from flask_openapi3.openapi import OpenAPI
from werkzeug.exceptions import HTTPException

from perception_label import __version__
from perception_label.errors import LabelError, SettingError, WorkspaceError
from perception_label.review.access import oidc
from perception_label.review.access.guard import guard_of
from perception_label.review.api import BLUEPRINTS
from perception_label.review.api.routes import DESKS, PREFIX, SCHEMES
from perception_label.review.desk import Desk
from perception_label.review.jobs import Jobs
from perception_label.review.payloads import Fault

if TYPE_CHECKING:
    from pydantic import ValidationError

    from perception_label.pipeline.workspace import Workspace
    from perception_label.review.access.settings import Access
    from perception_label.review.workers import Workers

BODY_LIMIT = 4 * 1024 * 1024  # bytes of a request; a batch of edits is a few kilobytes


class Desks:
    """The desks of a workspace's logs, opened when they are first asked for."""

    def __init__(self, workspace: Workspace, workers: Workers | None = None) -> None:
        self.workspace = workspace
        self.workers = workers
        self.jobs = Jobs()
        self._turn = Lock()
        self._open: dict[str, Desk] = {}

    def desk(self, log_id: str) -> Desk:
        """Return the desk of a log.

        Raises
        ------
        SettingError
            If the workspace has no such log.
        """
        with self._turn:
            if log_id not in self._open:
                if log_id not in self.workspace.logs():
                    raise SettingError(
                        f"workspace {self.workspace.path.name}: expected one of its logs, "
                        f"got {log_id!r}"
                    )
                self._open[log_id] = Desk(self.workspace, self.workspace.log(log_id), self.workers)
            return self._open[log_id]


def build_server(
    workspace: Workspace, access: Access | None = None, workers: Workers | None = None
) -> OpenAPI:
    """Return the Flask app that serves a workspace: `/api/v1`, and its OpenAPI document.

    Without `access`, it is for one person on this machine, who may do all; without `workers`,
    tracks are solved in the threads that ask for them.
    """
    server = OpenAPI(
        "perception_label.review",
        info=Info(title="perception-label review", version=__version__),
        security_schemes=SCHEMES,
        static_folder=None,
        doc_ui=False,  # its pages load scripts from the network
        validation_error_status=422,
        validation_error_model=Fault,
        validation_error_callback=_malformed,
    )
    server.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    server.extensions[DESKS] = Desks(workspace, workers)
    guard = guard_of(workspace.path, access)
    guard.install(server)
    server.before_request(_refuse_large)
    if guard.access.provider == "oidc":
        oidc.install(server, guard.access)
    for blueprint in BLUEPRINTS:
        server.register_api(blueprint)
    server.add_url_rule(f"{PREFIX}/openapi.json", "openapi", lambda: jsonify(server.api_doc))
    server.register_error_handler(LabelError, _refused)
    server.register_error_handler(HTTPException, _http)
    return server


def _refuse_large() -> None:
    # A body that is read as JSON would be told to be malformed instead.
    if (request.content_length or 0) > BODY_LIMIT:
        abort(413, f"expected at most {BODY_LIMIT} bytes, got {request.content_length}")


def _malformed(error: ValidationError) -> Response:
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    answer = jsonify(error=f"{request.path}: {where}: {first['msg']}")
    answer.status_code = 422
    return answer


def _refused(error: LabelError) -> tuple[Response, int]:
    code = 404 if isinstance(error, SettingError) else 503 if _is_gone(error) else 400
    return jsonify(error=str(error)), code


def _is_gone(error: LabelError) -> bool:
    return isinstance(error, WorkspaceError)


def _http(error: HTTPException) -> Any:
    if error.response is not None:
        return error.response
    return jsonify(error=f"{error.code} {error.name}: {error.description}"), error.code
