"""Simulated reviewers: what open pages ask of a server, without browsers.

As a program it takes orders as JSON on stdin and prints what happened as JSON.
"""

import http.client
import json
import random
import sys
import threading
import time
from urllib.parse import quote, urlsplit
from uuid import uuid4

SHARED_EVERY = 10  # one edit in so many is of a track that others edit too
LEASE_S, QUEUE_S, JOBS_S, COST_S = 3.0, 5.0, 10.0, 20.0  # as pages do
OFTEN = ("appended", "duplicate", "conflict")


class Line:
    """One connection, as a browser holds some to a server."""

    def __init__(self, url, token):
        self.address = urlsplit(url).netloc
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        self.held = http.client.HTTPConnection(self.address, timeout=120)

    def ask(self, method, path, body=None):
        said = None if body is None else json.dumps(body)
        self.held.request(method, f"/api/v1{path}", said, self.headers)
        answer = self.held.getresponse()
        found = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{path}: {answer.status} {found[:200]!r}")
        return found

    def json(self, method, path, body=None):
        return json.loads(self.ask(method, path, body))


class Reviewer:
    """One person: edits once a second, looks at sweep after sweep, hears of the others' edits."""

    def __init__(self, order, seconds, begin_s):
        self.url, self.token, self.log = order["url"], order["token"], order["log"]
        self.own, self.shared, self.n_sweeps = order["own"], order["shared"], order["n_sweeps"]
        self.random = random.Random(order["seed"])
        self.root = f"/logs/{quote(self.log)}"
        self.begin_s, self.until_s = begin_s, begin_s + seconds
        self.revisions = {}
        self.found = {
            "edits": [], "edit_s": [], "solved_s": [], "sweep_s": [], "seen": [], "acked": [],
            "conflicts": 0, "late": 0, "faults": [],
        }  # fmt: skip

    def run(self):
        parts = (self.edits, self.listens, self.looks, self.beats)
        threads = [threading.Thread(target=self.safe, args=(part,)) for part in parts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self.found

    def safe(self, part):
        line = Line(self.url, self.token)
        try:
            part(line)
        except Exception as error:  # noqa: BLE001 - what went wrong is reported
            self.found["faults"].append(f"{part.__name__}: {error!r}")
        finally:
            line.held.close()

    def ticks(self, every_s):
        """Yield once per `every_s`, each reviewer at an instant of their own."""
        at = self.begin_s + self.random.random() * every_s
        while at < self.until_s:
            time.sleep(max(0.0, at - time.monotonic()))
            yield
            at += every_s

    def edits(self, line):
        for k, _ in enumerate(self.ticks(1.0)):
            tracks = self.shared if k % SHARED_EVERY == SHARED_EVERY - 1 else self.own
            track = self.random.choice(tracks)
            self.edit(line, track, self.random.randrange(len(track["sweeps"])))

    def edit(self, line, track, k):
        """Set a keyframe; in a conflict do as "apply mine again" does."""
        x, y, z, yaw = track["poses"][4 * k : 4 * k + 4]
        place = [x + self.random.gauss(0, 0.05), y + self.random.gauss(0, 0.05), z]
        name, begun = track["track_id"], time.monotonic()
        for _ in range(20):
            op = {
                "edit_id": str(uuid4()), "kind": "set_keyframe", "track_id": name,
                "timestamp_ns": track["times"][k], "after": {"center_m": place, "yaw_rad": yaw},
                "base_revision": self.revisions.get(name, track["revision"]), "active_s": 1.0,
            }  # fmt: skip
            sent = time.monotonic()
            (result,) = line.json("POST", f"{self.root}/edits", {"ops": [op]})["results"]
            self.found["edit_s"].append(time.monotonic() - sent)
            if result["status"] not in OFTEN:
                raise RuntimeError(str(result))
            self.revisions[name] = result["revision"]
            if result["status"] == "appended":
                self.found["edits"].append(op["edit_id"])
                self.found["acked"].append([result["revision"], time.monotonic()])
                break
            self.found["conflicts"] += 1
        line.ask("GET", f"{self.root}/tracks?track_id={quote(name)}")
        self.found["solved_s"].append(time.monotonic() - begun)

    def listens(self, line):
        since = line.json("GET", f"{self.root}/changes?since=0&wait_s=0")["revision"]
        while time.monotonic() < self.until_s:
            wait_s = min(20.0, max(0.0, self.until_s - time.monotonic()))
            news = line.json("GET", f"{self.root}/changes?since={since}&wait_s={wait_s}")
            names = dict.fromkeys(change["track_id"] for change in news["changes"])
            if names:
                asked = "&".join(f"track_id={quote(name)}" for name in names)
                line.ask("GET", f"{self.root}/tracks?{asked}")
            since = news["revision"]
            self.found["seen"].append([since, time.monotonic()])

    def looks(self, line):
        sweep = self.random.randrange(self.n_sweeps)
        for _ in self.ticks(1.0):
            sweep, begun = (sweep + 1) % self.n_sweeps, time.monotonic()
            line.ask("GET", f"{self.root}/sweeps/{sweep}/points")
            self.found["sweep_s"].append(time.monotonic() - begun)

    def beats(self, line):
        here = {"client_id": str(uuid4()), "sweep": 0}
        due = dict.fromkeys(("leases", "queue", "jobs", "cost"), 0.0)
        every = dict(zip(due, (LEASE_S, QUEUE_S, JOBS_S, COST_S), strict=True))
        for _ in self.ticks(0.5):
            for name in due:
                if time.monotonic() < due[name]:
                    continue
                due[name] = time.monotonic() + every[name]
                if name == "leases":
                    line.ask("POST", f"{self.root}/leases", here)
                else:
                    line.ask("GET", f"{self.root}/{name}{'?wait_s=0' if name == 'queue' else ''}")


def run(orders, seconds, begin_s):
    """Let reviewers work at the same time; return what each of them found."""
    found = [None] * len(orders)

    def work(k):
        found[k] = Reviewer(orders[k], seconds, begin_s).run()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(orders))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


if __name__ == "__main__":
    json.dump(run(**json.load(sys.stdin)), sys.stdout)
