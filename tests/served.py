"""A served workspace of the tests' town, and requests to it."""

import shutil
from pathlib import Path
from uuid import uuid4

from perception_label import open_workspace
from perception_label.review.server import build_server

API = "/api/v1/logs/{log}"


class Served:
    """A copy of a workspace behind a test client; edits stay in the copy."""

    def __init__(self, workspace, folder: Path):
        shutil.copytree(workspace.path, folder, dirs_exist_ok=True)
        self.workspace = open_workspace(folder)
        self.log = self.workspace.log()
        self.client = client_of(build_server(self.workspace))
        self.root = API.format(log=self.log.id)

    def get(self, path, **query):
        return self.client.get(self.root + path, query_string=query)

    def tracks(self, **query):
        answer = self.get("/tracks", **query)
        assert answer.status_code == 200, answer.text
        return {track["track_id"]: track for track in answer.json["tracks"]}

    def post(self, *ops):
        answer = self.client.post(f"{self.root}/edits", json={"ops": list(ops)})
        assert answer.status_code == 200, answer.text
        return answer.json["results"]

    def key_op(self, track, k=0, **more):
        """Return an op that sets a keyframe where the track's k-th box is, a bit to the side."""
        x, y, z, yaw = track["poses"][4 * k : 4 * k + 4]
        at = str(self.log.timestamps_ns[track["sweeps"][k]])
        after = {"center_m": [x + 0.1, y, z], "yaw_rad": yaw, "size_m": track["size_m"]}
        return {
            "edit_id": str(uuid4()), "kind": "set_keyframe", "track_id": track["track_id"],
            "timestamp_ns": at, "after": after, "base_revision": track["revision"], **more,
        }  # fmt: skip


def client_of(server):
    """Return a test client that sends the CSRF token as pages do."""
    client = server.test_client()
    client.get("/api/v1/healthz")
    with_token(client)
    return client


def with_token(client):
    """Take over the token that the server gave last."""
    client.environ_base["HTTP_X_CSRFTOKEN"] = client.get_cookie("_csrf_token").value
