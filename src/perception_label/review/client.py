"""A served review app as arrays and edits, for programs; `docs/people.md` says how to begin.

Needs neither Dash nor the workspace's files: what it gives and takes travels over `/api/v1`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import requests

from perception_label.cloud.sweeps import Sweep
from perception_label.errors import EditError, SettingError, WorkspaceError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels
from perception_label.review.container import unpack
from perception_label.review.payloads import MOST_OPS, Result, Results, Track, Tracks
from perception_label.review.wire import op_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from perception_label.storage.edits.edit import Edit

RETRIES_S = (0.2, 1.0, 3.0)  # waits before what was not answered is sent again
MOST_NAMED = 100  # tracks of one request
REFUSALS = dict.fromkeys((302, 401, 403, 404, 429), SettingError)  # others are of what was sent
CSRF_COOKIE, CSRF_HEADER = "_csrf_token", "X-CSRFToken"


class Client:
    """A connection to a served review app; one per thread.

    Requests that got no answer are sent again: an edit's id makes that safe.

    Parameters
    ----------
    url : str
        What `perception-label review` printed.
    token : str, optional
        An API token, as `perception-label people token` makes it. Without one, `log_in`, or a
        server without logins.
    timeout_s : float
        Longest wait for an answer.

    Examples
    --------
    >>> client = Client("http://127.0.0.1:8050", token)  # doctest: +SKIP
    >>> log_id = client.logs()[0]  # doctest: +SKIP
    >>> client.sweep(log_id, 0).points_m.shape  # doctest: +SKIP
    (117678, 3)
    """

    def __init__(self, url: str, token: str = "", *, timeout_s: float = 60.0) -> None:
        self.root = f"{url.rstrip('/')}/api/v1"
        self.timeout_s = timeout_s
        self._session = requests.Session()
        self._scenes: dict[str, dict[str, Any]] = {}
        if token:
            self._session.auth = _Bearer(token)

    def log_in(self, name: str, password: str) -> None:
        """Begin a session with a password; raises SettingError if it does not fit."""
        self._ask("POST", "/login", json={"name": name, "password": password})

    def logs(self) -> list[str]:
        """Return the logs of the workspace."""
        return [each["log_id"] for each in self._ask("GET", "/logs").json()["logs"]]

    def scene(self, log_id: str) -> dict[str, Any]:
        """Return what does not change of a log, asked for once: times, poses, cameras, ontology."""
        if log_id not in self._scenes:
            self._scenes[log_id] = self._ask("GET", f"{_log(log_id)}/scene").json()
        return self._scenes[log_id]

    def sweep(self, log_id: str, sweep: int) -> Sweep:
        """Return the points of a sweep, N shuffled, sensor frame, metres; intensity from 0 to 1.

        Points that are not finite are left out; the rest are rounded as the app's are, to the
        sweep's extent / 65,535.
        """
        packed = self._ask("GET", f"{_log(log_id)}/sweeps/{sweep}/points").content
        points_m, intensity = unpack(packed)
        scene = self.scene(log_id)
        poses = scene["world_from_sensor"]
        pose = None if poses is None else np.reshape(poses[sweep], (4, 4))
        at = int(scene["timestamps_ns"][sweep])
        return Sweep(points_m, at, world_from_sensor=pose, intensity=intensity)

    def tracks(self, log_id: str, track_ids: Sequence[str] | None = None) -> list[Track]:
        """Return tracks as they are now, all or those named; an edited one is solved first.

        What is named and is not to be labelled is left out. `Track.revision` is an edit's
        `base_revision`.
        """
        if track_ids is None:
            return self._tracks(log_id, {})
        names = list(dict.fromkeys(track_ids))
        # An address has no room for all of them.
        parts = [names[k : k + MOST_NAMED] for k in range(0, len(names), MOST_NAMED)]
        return [track for part in parts for track in self._tracks(log_id, {"track_id": part})]

    def labels(self, log_id: str, track_ids: Sequence[str] | None = None) -> Labels:
        """Return the dense boxes of tracks, all or those named: M boxes, world frame, metres."""
        tracks = [track for track in self.tracks(log_id, track_ids) if track.sweeps]
        times = np.array(self.scene(log_id)["timestamps_ns"], dtype=np.int64)
        counts = [len(track.sweeps) for track in tracks]
        poses = np.concatenate([np.empty(0), *(t.poses for t in tracks)]).reshape(-1, 4)
        sizes = np.repeat(np.reshape([t.size_m for t in tracks], (-1, 3)), counts, axis=0)
        expected = [v for t in tracks for v in t.expected_iou]
        return Labels.from_columns(
            times[np.concatenate([np.empty(0, dtype=np.int64), *(t.sweeps for t in tracks)])],
            np.repeat(np.array([t.track_id for t in tracks], dtype=str), counts),
            np.repeat(np.array([t.class_name for t in tracks], dtype=str), counts),
            Cuboids(poses[:, :3], sizes.astype(np.float64), poses[:, 3]),
            scores=np.repeat(np.array([t.score for t in tracks], dtype=np.float64), counts),
            expected_iou=np.array(expected, dtype=np.float64),
            revision=np.repeat(np.array([t.revision for t in tracks], dtype=np.int64), counts),
        )

    def queue(
        self, log_id: str, kind: str | None = None, *, limit: int = 500, wait_s: float = 25.0
    ) -> list[dict[str, Any]]:
        """Return what a person should look at, the most urgent first; see `docs/review.md`.

        Waits so long for a queue that knows the newest edits, then takes the one there is.
        """
        said = {"limit": limit, "wait_s": wait_s} | ({} if kind is None else {"kind": kind})
        found: list[dict[str, Any]] = self._ask("GET", f"{_log(log_id)}/queue", params=said).json()[
            "items"
        ]
        return found

    def append(self, log_id: str, edits: Sequence[Edit]) -> list[Result]:
        """Send edits, made by `storage.edits.make`; returns what became of each, in order.

        Author and source are whom the server knows: the token's owner, a person. A refused edit
        stops no other one; see `Result.status`.
        """
        results: list[Result] = []
        for first in range(0, len(edits), MOST_OPS):
            ops = [op_of(edit) for edit in edits[first : first + MOST_OPS]]
            answer = self._ask("POST", f"{_log(log_id)}/edits", json={"ops": ops})
            results += Results(**answer.json()).results
        return results

    def changes(self, log_id: str, since: int = 0, *, wait_s: float = 20.0) -> dict[str, Any]:
        """Return the edits after a revision and the revision now; waits for the first of them."""
        said = {"since": since, "wait_s": wait_s}
        found: dict[str, Any] = self._ask("GET", f"{_log(log_id)}/changes", params=said).json()
        return found

    def _tracks(self, log_id: str, said: dict[str, Any]) -> list[Track]:
        return Tracks(**self._ask("GET", f"{_log(log_id)}/tracks", params=said).json()).tracks

    def _ask(self, method: str, path: str, **said: Any) -> requests.Response:
        """Ask until there is an answer; one that refuses is raised."""
        for wait_s in RETRIES_S:
            try:
                answer = self._once(method, path, **said)
                if answer.status_code != 503:
                    return _taken(answer, path)
            except (requests.ConnectionError, requests.Timeout):
                pass
            time.sleep(wait_s)
        try:
            return _taken(self._once(method, path, **said), path)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise WorkspaceError(f"{self.root}{path}: expected an answer, got: {error}") from None

    def _once(self, method: str, path: str, **said: Any) -> requests.Response:
        def send() -> requests.Response:
            token = self._session.cookies.get(CSRF_COOKIE, "")
            return self._session.request(
                method, self.root + path, headers={CSRF_HEADER: token} if token else {},
                timeout=self.timeout_s, allow_redirects=False, **said,
            )  # fmt: skip

        try:
            answer = send()
            # A browser's way: the first answer brings the cookie that others have to send back.
            is_new = answer.status_code == 403 and CSRF_COOKIE in answer.cookies
            return send() if is_new else answer
        except ValueError as error:
            raise SettingError(f"{self.root}: expected an address, got: {error}") from None


class _Bearer(requests.auth.AuthBase):  # type: ignore[misc]
    """Sends the token; an object of its own, since a `.netrc` would replace a plain header."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: Any) -> Any:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _taken(answer: requests.Response, path: str) -> requests.Response:
    """Return an answer that is one; raise what a refusal says."""
    if answer.ok and not answer.is_redirect:
        return answer
    try:
        reason = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        reason = f"{answer.status_code} {answer.reason}"
    kind = (
        WorkspaceError if answer.status_code >= 500 else REFUSALS.get(answer.status_code, EditError)
    )
    raise kind(f"{path}: {reason}")


def _log(log_id: str) -> str:
    return f"/logs/{quote(log_id, safe='')}"
