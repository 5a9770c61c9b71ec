"""One log of a workspace, opened for reading; machine results may be added to it."""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from perception_label.arrays import Floats, Ints
from perception_label.cloud.sweeps import Sweep
from perception_label.errors import SettingError, WorkspaceError
from perception_label.geometry.cameras import Camera, Images
from perception_label.geometry.labels import Labels
from perception_label.geometry.poses import EgoPoses, interpolate_poses
from perception_label.storage.dense import DenseBoxes
from perception_label.storage.log_info import LogInfo
from perception_label.storage.sweeps import SweepFile, batch_to_sweep
from perception_label.storage.whole import BESIDE, lock, read_table, write_table
from perception_label.tables import (
    completed,
    ego_poses_from_table,
    images_from_table,
    labels_from_table,
)

# Machine results that are dense boxes, the best first: what a solver made, then proposals.
DENSE = ("solved", "proposals")

# Where a log keeps pictures that the source held inside another file, a folder per camera.
PICTURES = "pictures"

WAIT_S = 60.0  # for another process that writes the same result

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Log:
    """One continuous recording at rest: sweeps, ego poses, cameras, truth, machine results.

    Points stay on disk and are mapped when a sweep is asked for. A log may be pickled, and
    shared between threads.
    """

    def __init__(self, folder: Path, machine_folder: Path) -> None:
        self._folder = folder
        self._machine = machine_folder
        self.info = LogInfo.read(folder / "log.json")
        index = read_table(folder / "sweeps" / f"{self.info.lidar}.index.arrow")
        self.timestamps_ns: Ints = index.column("timestamp_ns").to_numpy()
        self.n_points: Ints = index.column("n_points").to_numpy()
        self.n_not_finite: Ints = index.column("n_not_finite").to_numpy()
        self.sweeps = Sweeps(self)
        self._dense: tuple[tuple[str, int, int], DenseBoxes] | None = None

    def __reduce__(self) -> tuple[type["Log"], tuple[Path, Path]]:
        return Log, (self._folder, self._machine)

    def __repr__(self) -> str:
        return f"<Log {self.id}: {len(self.timestamps_ns)} sweeps>"

    @property
    def id(self) -> str:
        """The log's name in its workspace."""
        return self.info.log_id

    @property
    def workspace_path(self) -> Path:
        """The workspace that holds the log."""
        return self._folder.parents[1]

    def sweep(self, i: int) -> Sweep:
        """Return sweep i as read-only views on the file, in the sensor frame.

        Parameters
        ----------
        i : int
            0 … S-1 in time order; negative counts from the end.

        Raises
        ------
        SettingError
            If there is no such sweep.
        """
        n = len(self.timestamps_ns)
        if not -n <= i < n:
            raise SettingError(f"log {self.id}: expected a sweep from 0 to {n - 1}, got {i}")
        i %= n
        poses = self.world_from_sensor
        return batch_to_sweep(
            self._sweep_file.batch(i),
            int(self.timestamps_ns[i]),
            None if poses is None else poses[i],
        )

    @cached_property
    def ego_poses(self) -> EgoPoses | None:
        """The ego vehicle's path in the log's world frame; None if nobody knows it."""
        path = self._folder / "ego_poses.arrow"
        return ego_poses_from_table(read_table(path)) if path.exists() else None

    @cached_property
    def world_from_sensor(self) -> Floats | None:
        """The LiDAR's pose at each sweep, (S, 4, 4); None without ego poses."""
        if self.ego_poses is None:
            return None
        world_from_ego = interpolate_poses(self.ego_poses, self.timestamps_ns)
        poses: Floats = world_from_ego @ self.info.ego_from_lidar
        poses.flags.writeable = False
        return poses

    @property
    def cameras(self) -> Mapping[str, Camera]:
        """Calibration of each camera, by name."""
        return self.info.cameras

    @cached_property
    def images(self) -> Mapping[str, Images]:
        """Each camera's pictures; the files stay where the source has them.

        Those that the source held inside another file are in the log's own folder.
        """
        found = {}
        for path in sorted((self._folder / "images").glob("*.arrow")):
            is_own = (self._folder / PICTURES / path.stem).is_dir()
            root = self._folder if is_own else Path(self.info.source)
            found[path.stem] = images_from_table(read_table(path), root)
        return found

    @cached_property
    def image_timestamps_ns(self) -> Mapping[str, Ints]:
        """When each camera took its images, (n,) int64 each, ascending."""
        return {
            path.stem: read_table(path).column("timestamp_ns").to_numpy()
            for path in sorted((self._folder / "images").glob("*.arrow"))
        }

    def truth_table(self) -> pa.Table | None:
        """Return the labels that came with the log (`schema.CUBOIDS`), or None."""
        path = self._folder / "truth.arrow"
        return completed(read_table(path)) if path.exists() else None

    def truth(self) -> Labels | None:
        """Return the labels that came with the log, world frame, or None."""
        table = self.truth_table()
        return None if table is None else labels_from_table(table)

    def machine(self, name: str) -> pa.Table | None:
        """Return the machine result stored under this name, or None."""
        path = self._machine_path(name)
        return read_table(path) if path.exists() else None

    def machine_names(self) -> list[str]:
        """Return the names of the machine results that are there, sorted."""
        return sorted(path.stem for path in self._machine.glob("[!.]*.arrow"))

    def write_machine(self, name: str, table: pa.Table) -> None:
        """Store a machine result, whole or not at all; one of that name is replaced.

        Raises
        ------
        WorkspaceError
            If the workspace cannot be written.
        """
        path = self._machine_path(name)
        with lock(self._machine / f".{name}.lock", WAIT_S):
            for left in self._machine.glob(f".{path.name}.*{BESIDE}"):
                left.unlink(missing_ok=True)
            write_table(path, table)

    def dense_source(self, source: str | None = None) -> str:
        """Return which machine result holds the dense boxes: solved if there are, else proposals.

        Raises
        ------
        WorkspaceError
            If there are none, or none called `source`.
        """
        for name in DENSE if source is None else (source,):
            if self._machine_path(name).exists():
                return name
        raise WorkspaceError(
            f"log {self.id}: expected dense boxes ({source or ', '.join(DENSE)}), got none: "
            "run `perception-label propose`"
        )

    def dense_boxes(self, source: str | None = None, track_id: str | None = None) -> pa.Table:
        """Return the machine's dense boxes, world frame, of all tracks or one; see `dense_source`.

        Raises
        ------
        WorkspaceError
            If there are none.
        SettingError
            If there are none of that track.
        """
        path = self._machine_path(self.dense_source(source))
        if track_id is None:
            return completed(read_table(path))
        facts = path.stat()
        # Another result of that name is another file.
        now = (path.name, facts.st_ino, facts.st_mtime_ns)
        if self._dense is None or self._dense[0] != now:
            self._dense = (now, DenseBoxes(completed(read_table(path))))
        return self._dense[1].track(track_id)

    def machine_file(self, name: str) -> Path:
        """Return where the machine result of this name lies, whether it is there or not."""
        return self._machine_path(name)

    def _machine_path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise SettingError(f"machine result: expected letters, digits, . _ -, got {name!r}")
        return self._machine / f"{name}.arrow"

    @cached_property
    def _sweep_file(self) -> SweepFile:
        return SweepFile(self._folder / "sweeps" / f"{self.info.lidar}.arrow")


class Sweeps:
    """The sweeps of a log as a sequence."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def __len__(self) -> int:
        return len(self._log.timestamps_ns)

    def __getitem__(self, i: int) -> Sweep:
        return self._log.sweep(i)

    def __iter__(self) -> Iterator[Sweep]:
        return (self._log.sweep(i) for i in range(len(self)))
