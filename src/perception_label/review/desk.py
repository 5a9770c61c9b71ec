"""What the app shows of a log: tracks as the edits and the machines left them, now."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Lock

import numpy as np

from perception_label.errors import EditError
from perception_label.pipeline.adopt import adoption
from perception_label.pipeline.camera_images import open_camera
from perception_label.pipeline.evidence import evidence_of
from perception_label.pipeline.propose import NAME as PROPOSALS
from perception_label.pipeline.queue import review_queue
from perception_label.pipeline.workspace import Workspace
from perception_label.review.image_board import ImageBoard
from perception_label.review.leases import Leases
from perception_label.review.machine import MachineTracks
from perception_label.review.meter import Meter, Tally
from perception_label.review.news import News
from perception_label.review.shown import Shown, untouched
from perception_label.review.standing import StandingQueue
from perception_label.review.wire import Told
from perception_label.review.workers import Workers
from perception_label.storage.edits import EditLog, LogState, TrackState
from perception_label.storage.edits.edit import Edit, Outcome
from perception_label.storage.logs import Log
from perception_label.video.images import ImageSource


class Desk:
    """One log, open for review; threads may share it, and several processes the edit log.

    With `workers`, long work is done there; without, in the thread that asks.
    """

    def __init__(self, workspace: Workspace, log: Log, workers: Workers | None = None) -> None:
        self.workspace = workspace
        self.log = log
        self.edits: EditLog = workspace.edits(log)
        self.board = ImageBoard(log)
        self.results = MachineTracks(log)
        self._workers = workers
        self._solver = self.results.solved if workers is None else partial(workers.solve, log.id)
        make = review_queue if workers is None else workers.queue
        self.queue = StandingQueue(log, self.edits, make)
        self.news = News(lambda: self.edits.revision)
        self.told = Told(log.timestamps_ns)
        self._turn = Lock()
        self._shown: dict[str, Shown] = {}
        self._busy: dict[str, Lock] = {}
        self._counting, self._tally = Lock(), Tally()
        self._edited: set[str] = set()  # tracks that are in the edit log
        self._cameras: dict[str, ImageSource] = {}
        self.leases = Leases()

    def warm_up(self) -> None:
        """Make what the first edit needs, so that nobody waits for it."""
        evidence_of(self.log)
        if self._workers is not None:
            self._workers.warm_up(self.log.id)

    def track_ids(self, state: LogState | None = None) -> list[str]:
        """Return the tracks that are to be labelled: the edit log's, and untouched proposals."""
        known = self.edits.state() if state is None else state
        others = [name for name in self.results.of(PROPOSALS) if name not in known.tracks]
        return [*known.live(), *others]

    def shown(self, track_id: str, state: LogState | None = None) -> Shown | None:
        """Return a track as it is, solved if it was edited; None if it is gone or unknown.

        One that was edited after `state` may be as it is now.
        """
        known = self.edits.state() if state is None else state
        track = known.tracks.get(track_id)
        if track is None:
            # A candidate is shown to whoever asks for it by its name.
            made = self.results.find(track_id)
            return None if made is None else untouched(track_id, *made)
        if not track.is_live:
            return None
        found = self._known(track)
        return self._solve(track_id) if found is None else found

    def shown_last(self, track_id: str, state: LogState) -> Shown | None:
        """Return a track as it was shown last, perhaps before its newest edit; see `shown`."""
        return self._shown.get(track_id) or self.shown(track_id, state)

    def meter(self, n_keyframes: int, n_boxes: int) -> Meter:
        """Return what people's work was so far; counts are of tracks that people keyed."""
        times = self.log.timestamps_ns
        sensor_s = float(times[-1] - times[0]) / 1e9 if len(times) else 0.0
        with self._counting:
            self._tally.add(self.edits.history(after=self._tally.head))
            return self._tally.meter(sensor_s, n_keyframes, n_boxes)

    def forget(self, track_id: str | None = None) -> None:
        """Forget how a track was solved, or all of them: they are solved when asked for again."""
        with self._turn:
            for name in [n for n in self._shown if track_id in (None, n)]:
                del self._shown[name]

    def _known(self, track: TrackState) -> Shown | None:
        """Return how a track was solved if that is not older than this state of it."""
        found = self._shown.get(track.track_id)
        if found is None or found.revision < track.revision:
            return None
        # A comment is no new revision.
        return replace(found, state=track) if found.revision == track.revision else found

    def _solve(self, track_id: str) -> Shown | None:
        """Solve a track as it is by the time its turn comes: who asks late finds it done."""
        with self._turn:
            busy = self._busy.setdefault(track_id, Lock())
        with busy:
            track = self.edits.state().tracks.get(track_id)
            if track is None or not track.is_live:
                return None
            found = self._known(track)
            if found is None:
                found = replace(self._solver(track), state=track)
                with self._turn:
                    self._shown[track_id] = found
            return found

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
        names = dict.fromkeys(_tracks_of(edits))
        if self._edited.issuperset(names):
            with suppress(EditError):  # an undo may have taken a track away
                return self.edits.append(edits)
        known = self.edits.state().tracks
        adopted: list[Edit] = []
        for track_id in names:
            found = None if track_id in known else self.results.find(track_id)
            if found is not None:
                adopted += adoption(track_id, *found)
        outcomes = self.edits.append([*adopted, *edits])[len(adopted) :]
        self._edited.update(names)
        return outcomes

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


def _tracks_of(edits: Sequence[Edit]) -> list[str]:
    """Return the tracks that edits build on: what they create or split off is not among them."""
    found = []
    for edit in edits:
        if edit.kind != "create_track" and edit.track_id:
            found.append(edit.track_id)
        if edit.kind == "merge":
            found.append(str(edit.after.get("other_id")))
    return found
