"""What the client scripts share: truth in, one JSON object of checks out; plain Python."""

import importlib.metadata
import json
import math
import sys
import traceback
from pathlib import Path

NEAR = 1e-4  # metres and radians


class Checks:
    """Gathers what a client found; `done` prints it."""

    def __init__(self, package):
        self.package = package
        self.folder = Path(sys.argv[1])
        self.truth = json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))
        self.found = []

    def that(self, what, holds, got=""):
        """Note a check by itself."""
        self.found.append({"what": what, "ok": bool(holds), "got": str(got)[:300]})

    def near(self, what, errors, limit=NEAR):
        """Note the largest of some errors; none at all is a failure."""
        errors = [abs(float(e)) for e in errors]
        worst = max(errors, default=math.inf)
        self.that(what, worst <= limit and errors, f"{len(errors)} values, largest {worst:.2g}")

    def rows(self, sweep):
        """Return the truth of a sweep by track id."""
        return {r["track_id"]: r for r in self.truth["rows"] if r["sweep"] == sweep}

    def done(self):
        """Print all, and end the script."""
        said = {
            "package": self.package,
            "version": importlib.metadata.version(self.package),
            "checks": self.found,
        }
        print("\n" + json.dumps(said))
        sys.exit(0 if self.found and all(c["ok"] for c in self.found) else 1)


def client(package):
    """Run a function of the script as a client's checks; a client that is not there is told."""

    def run(function):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            print("\n" + json.dumps({"package": package, "missing": True}))
            sys.exit(0)
        checks = Checks(package)
        try:
            function(checks)
        except Exception:
            traceback.print_exc()
            checks.that(
                "the client reads it", False, traceback.format_exc(limit=-1).splitlines()[-1]
            )
        checks.done()

    return run


def turn(a, b):
    """Return the angle from b to a, in [-pi, pi)."""
    return (a - b + math.pi) % (2 * math.pi) - math.pi


def heading(vector):
    """Return the yaw of a vector about z."""
    return math.atan2(vector[1], vector[0])
