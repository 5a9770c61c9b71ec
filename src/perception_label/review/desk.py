"""What the app shows of a log: tracks as the edits and the machines left them, now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.errors import EditError
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.labels import Labels, each_track
from perception_label.pipeline.adopt import adoption
from perception_label.pipeline.boxes import MAKERS, machine_labels
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.propose import NAME as PROPOSALS
from perception_label.pipeline.solve import NAME as SOLVED
from perception_label.pipeline.solve import solve_state, sources_of
from perception_label.pipeline.workspace import Workspace
from perception_label.review.image_board import ImageBoard
from perception_label.review.leases import Leases
from perception_label.review.standing import StandingQueue
from perception_label.storage.edits import EditLog, LogState, TrackState
from perception_label.storage.edits.edit import Edit, Outcome
from perception_label.storage.logs import Log
from perception_label.video.images import ImageSource

MOST_SHOWN = 20_000  # solved tracks that are kept; the oldest is forgotten first


@dataclass(frozen=True, slots=True)
class Shown:
    """A track as the app shows it, world frame.

    Attributes
    ----------
    state : TrackState or None
        What people decided; None: nobody touched it yet.
    track_id, class_name, source : str
        Its name, class and maker.
    revision : int
        Its last edit, 0 if there is none.
    score : float
        The machine's probability that it is right; NaN where there is none.
    timestamps_ns : (M,) int64
        Its sweeps.
    cuboids : Cuboids
        M boxes.
    expected_iou : (M,) float64
        NaN where unknown.
    sources : tuple of M str
        Who made each box.
    next_keyframe_ns : int or None
        Where one more keyframe would help most.
    is_static : bool
        Whether all its boxes are in one place.
    """

    state: TrackState | None
    track_id: str
    class_name: str
    source: str
    revision: int
    score: float
    timestamps_ns: Ints
    cuboids: Cuboids
    expected_iou: Floats
    sources: tuple[str, ...]
    next_keyframe_ns: int | None
    is_static: bool


class Desk:
    """One log, open for review; threads may share it, and several processes the edit log."""

    def __init__(self, workspace: Workspace, log: Log) -> None:
        self.workspace = workspace
        self.log = log
        self.edits: EditLog = workspace.edits(log)
        self.board = ImageBoard(log)
        self.queue = StandingQueue(log, self.edits)
        self._turn = Lock()
        self._machine: dict[str, tuple[tuple[int, int], dict[str, Labels]]] = {}
        self._shown: dict[tuple[str, int], Shown] = {}
        self._busy: dict[str, Lock] = {}
        self._cameras: dict[str, ImageSource] = {}
        self.leases = Leases()

    def track_ids(self, state: LogState | None = None) -> list[str]:
        """Return the tracks that are to be labelled: the edit log's, and untouched proposals."""
        known = self.edits.state() if state is None else state
        untouched = [name for name in self._results(PROPOSALS) if name not in known.tracks]
        return [*known.live(), *untouched]

    def shown(self, track_id: str, state: LogState | None = None) -> Shown | None:
        """Return a track as it is now, solved if it was edited; None if it is gone or unknown."""
        known = self.edits.state() if state is None else state
        track = known.tracks.get(track_id)
        if track is None:
            # A candidate is shown to whoever asks for it by its name.
            made = self.machine(track_id)
            return None if made is None else _untouched(track_id, *made)
        if not track.is_live:
            return None
        key = (track_id, track.revision)
        with self._turn:
            found = self._shown.get(key)
            busy = self._busy.setdefault(track_id, Lock())
        if found is not None:
            return replace(found, state=track)
        with busy:  # two requests for one track do not solve it twice
            with self._turn:
                found = self._shown.get(key)
            if found is None:
                found = self._solved(track)
                with self._turn:
                    self._shown[key] = found
                    while len(self._shown) > MOST_SHOWN:
                        del self._shown[next(iter(self._shown))]
        return replace(found, state=track)

    def forget(self, track_id: str | None = None) -> None:
        """Forget how a track was solved, or all of them: they are solved when asked for again."""
        with self._turn:
            for key in [k for k in self._shown if track_id in (None, k[0])]:
                del self._shown[key]

    def machine(self, track_id: str) -> tuple[Labels, str] | None:
        """Return a machine's boxes of this id, and who made them; None if there are none."""
        for name, source in MAKERS.items():
            boxes = self._results(name).get(track_id)
            if boxes is not None:
                return boxes, source
        return None

    def camera(self, name: str) -> ImageSource:
        """Return the images of a camera, opened once.

        Raises
        ------
        SettingError, SourceError
            If there is no such camera, or its images cannot be read.
        """
        with self._turn:
            if name not in self._cameras:
                self._cameras[name] = open_camera(self.log, name)
            return self._cameras[name]

    def apply(self, edit: Edit) -> Outcome:
        """Append one edit; a machine's track that it is the first of is adopted before it.

        Raises
        ------
        EditError
            If the edit cannot be.
        """
        return self.apply_all([edit])[-1]

    def apply_all(self, edits: Sequence[Edit]) -> list[Outcome]:
        """Append edits, all or none; see `apply`. Outcomes are those of the edits given."""
        known = self.edits.state().tracks
        adopted: list[Edit] = []
        for track_id in dict.fromkeys(_tracks_of(edits)):
            found = None if track_id in known else self.machine(track_id)
            if found is not None:
                adopted += adoption(track_id, *found)
        return self.edits.append([*adopted, *edits])[len(adopted) :]

    def sweep_of(self, timestamp_ns: int) -> int:
        """Return the number of the sweep at this time.

        Raises
        ------
        EditError
            If there is none.
        """
        times = self.log.timestamps_ns
        i = int(np.searchsorted(times, timestamp_ns))
        if i == len(times) or times[i] != timestamp_ns:
            raise EditError(f"log {self.log.id}: expected the time of a sweep, got {timestamp_ns}")
        return i

    def _solved(self, track: TrackState) -> Shown:
        found = self.machine(track.track_id)
        machine = None if found is None else found[0]
        stored = self._results(SOLVED).get(track.track_id)
        score = float("nan") if machine is None else float(machine.scores.mean())
        if stored is not None and (stored.revision == track.revision).all() and not track.n_human:
            return _of_labels(track, stored, score)
        solved = solve_state(self.log, track, machine)
        if solved is None:
            none = np.empty(0, dtype=np.int64)
            return Shown(
                track, track.track_id, track.class_name, track.source, track.revision, score,
                none, Cuboids.unpack(np.empty((0, 7))), np.empty(0), (), None, False,
            )  # fmt: skip
        return Shown(
            track,
            track.track_id,
            track.class_name,
            track.source,
            track.revision,
            score,
            solved.timestamps_ns,
            solved.cuboids,
            solved.expected_iou,
            tuple(sources_of(track, solved)),
            solved.next_keyframe_ns,
            solved.is_static,
        )

    def _results(self, name: str) -> Mapping[str, Labels]:
        """Return a machine result by track; read again when it was written again."""
        path = self.log.machine_file(name)
        try:
            facts = path.stat()
        except FileNotFoundError:
            return {}
        now = facts.st_ino, facts.st_mtime_ns
        with self._turn:
            known = self._machine.get(name)
        if known is None or known[0] != now:
            known = now, each_track(machine_labels(self.log, name))
            with self._turn:
                self._machine[name] = known
        return known[1]


def _tracks_of(edits: Sequence[Edit]) -> list[str]:
    """Return the tracks that edits build on: what they create or split off is not among them."""
    found = []
    for edit in edits:
        if edit.kind != "create_track" and edit.track_id:
            found.append(edit.track_id)
        if edit.kind == "merge":
            found.append(str(edit.after.get("other_id")))
    return found


def _untouched(track_id: str, boxes: Labels, source: str) -> Shown:
    m = len(boxes)
    return Shown(
        None,
        track_id,
        boxes.class_names[boxes.classes[0]],
        source,
        0,
        float(boxes.scores.mean()),
        boxes.timestamps_ns,
        boxes.cuboids,
        boxes.expected_iou,
        (source,) * m,
        None,
        _stands(boxes.cuboids),
    )


def _of_labels(track: TrackState, boxes: Labels, score: float) -> Shown:
    return replace(
        _untouched(track.track_id, boxes, track.source),
        state=track,
        class_name=track.class_name,
        revision=track.revision,
        score=score,
    )


def _stands(cuboids: Cuboids) -> bool:
    return bool(np.ptp(cuboids.center_m[:, :2], axis=0).max(initial=0.0) < 1e-6)
