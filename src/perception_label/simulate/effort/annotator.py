"""The simulated annotator: takes the queue's items in order and acts by a written policy.

The policy stands in `docs/cost.md`; each function here is one of its steps.
"""

from dataclasses import dataclass, field

import numpy as np

from perception_label.arrays import Floats, Ints
from perception_label.geometry.cuboids import Cuboids
from perception_label.geometry.overlap import overlap_3d
from perception_label.quality.passing import pass_iou
from perception_label.quality.queue import QueueItem
from perception_label.simulate.effort.actions import Action, ActionSeconds
from perception_label.simulate.effort.desk import Desk
from perception_label.simulate.effort.eye import TOUCHES_IOU, Eye, Look, Shown
from perception_label.simulate.effort.hand import Hand

LEAST_STRAY = 3  # boxes on another object for which a track is cut
BOXED_IOU = 0.2  # from which a box is taken for that of the object
STILL = 1e-6  # metres and radians


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When the annotator does what."""

    slack_sweeps: int = 2  # an end that misses so few sweeps is left as it is
    false_score: float = 0.6  # tracks less likely to be right are first looked at in a grid
    most_keyframes: int = 60  # per opening of a track
    adopt_iou: float = 0.05  # of a candidate's box; the object is clicked if it fits worse
    page: int = 150  # items taken before the queue is ranked anew
    stop_after: int = 300  # tiles of missing objects in a row that were none; the rest is left
    least_error: float = 0.5  # expected wrong boxes below which an item is not worth a look


@dataclass(slots=True)
class Annotator:
    """One person at a desk.

    Attributes
    ----------
    actions : list of Action
        Every action so far, in order.
    n_keyframes : int
        Boxes the person set.
    done : dict of str to int
        The tracks that were accepted, and the object each is on.
    finished : list of (n_actions, thing)
        After how many actions each object was first accepted.
    passing : dict of int to int
        Boxes of each object that pass now.
    curve : list of (n_actions, n_passing)
        How many boxes passed after so many actions.
    """

    desk: Desk
    eye: Eye
    hand: Hand
    policy: Policy = field(default_factory=Policy)
    actions: list[Action] = field(default_factory=list)
    n_keyframes: int = 0
    done: dict[str, int] = field(default_factory=dict)
    finished: list[tuple[int, int]] = field(default_factory=list)
    passing: dict[int, int] = field(default_factory=dict)
    curve: list[tuple[int, int]] = field(default_factory=list)
    _labelled: dict[int, set[int]] = field(default_factory=dict)
    _n_in_vain: int = 0
    _taken: set[str] = field(default_factory=set)
    _opened: set[str] = field(default_factory=set)

    def work(self) -> None:
        """Take the queue's items until it has nothing new."""
        for track_id in self.desk.track_ids():
            shown = self.desk.shown(track_id)
            if shown is not None:
                self._note(shown, self.eye.look(shown))
        self._mark()
        while True:
            n_before = len(self.actions)
            fresh = [item for item in self.desk.queue() if item.item_id not in self._taken]
            for item in fresh[: self.policy.page]:
                self._take(item)
                self._mark()
            if len(self.actions) == n_before and len(fresh) <= self.policy.page:
                break

    def _take(self, item: QueueItem) -> None:
        if item.item_id in self._taken:
            return
        self._taken.add(item.item_id)
        if item.kind == "missing":
            self._missing(item)
            return
        if item.track_id in (self._opened if item.kind != "track" else self.done):
            return
        shown = self.desk.shown(item.track_id)
        if shown is None or not len(shown):
            return
        if item.kind != "track" and item.expected_error < self.policy.least_error:
            return
        if item.kind in ("birth", "death"):
            self._end(item, shown)
        elif item.kind != "track" or not self._suits_a_grid(item, shown):
            self._strip(shown.track_id)
        elif not self._tile(shown):
            self._do("open", shown.track_id, item.at_ns, "nav_open_track")
            self._strip(shown.track_id, saw_tile=True)

    def _suits_a_grid(self, item: QueueItem, shown: Shown) -> bool:
        """Tell whether one tile is likely to settle a track.

        It does for what stands still (all sweeps show one box), and for what is likely no
        object. One box of a mover says nothing of its others.
        """
        return stands(shown) or item.score < self.policy.false_score

    def _end(self, item: QueueItem, shown: Shown) -> None:
        """Look at one tile of where a track may begin too late or end too early."""
        self._do(f"{item.kind} tile", shown.track_id, item.at_ns, "verify_grid")
        if self._span(shown, self.eye.look(shown)):
            self._strip(shown.track_id, saw_tile=stands(shown))

    def _tile(self, shown: Shown) -> bool:
        """Look at one tile, the box the engine is least sure of; True if that settled the track."""
        doubt = np.where(np.isfinite(shown.expected_iou), shown.expected_iou, 1.0)
        row = self._first_full(shown, np.lexsort((-shown.n_points, doubt)))
        self._do("tile", shown.track_id, int(shown.timestamps_ns[row]), "verify_grid")
        look = self.eye.look(shown)
        if look.thing < 0 or self._doubles(look, shown):
            self._delete(shown.track_id)
            return True
        if look.is_wrong[row] or look.class_name != shown.class_name or not stands(shown):
            return False
        self._accept(shown, look)
        return True

    def _first_full(self, shown: Shown, rows: Ints) -> int:
        """Return the first of the boxes that shows something, the first if none does."""
        for k in range(0, len(rows), 8):
            full = self.eye.is_full(shown, rows[k : k + 8])
            if full.any():
                return int(rows[k + np.argmax(full)])
        return int(rows[0])

    def _strip(self, track_id: str, cuts: int = 3, *, saw_tile: bool = False) -> None:
        """Correct a track until it passes.

        After one look the person corrects what it showed, then the engine solves and the
        person looks again: at the film strip, or at one tile of what stands still. `saw_tile`:
        the tile of what stands still, just seen, is the first look.
        """
        n_keyframes, ends_left = 0, 3
        while True:
            shown = self.desk.shown(track_id)
            if shown is None or not len(shown):
                return
            is_strip = not (stands(shown) and (saw_tile or n_keyframes))
            if is_strip:
                self._do("strip", track_id, -1, "verify_single")
                self._opened.add(track_id)
            elif not saw_tile:
                self._do("tile again", track_id, -1, "verify_grid")
            saw_tile = False
            look = self.eye.look(shown)
            if look.thing < 0 or self._doubles(look, shown):
                self._delete(track_id)
                return
            if shown.class_name != look.class_name:
                self._do("class", track_id, -1, "class_single")
                self.desk.set_class(track_id, look.class_name)
            if is_strip and cuts and self._cut(shown, look, cuts):
                cuts = 0
                continue
            is_changed = is_strip and self._join(shown, look)
            if is_strip and ends_left and not is_changed:
                is_changed = self._span(shown, look)
                ends_left -= int(is_changed)
            if n_keyframes < self.policy.most_keyframes and self._keyframe(shown, look):
                n_keyframes += 1
            elif not is_changed:
                self._accept(shown, look)
                return

    def _keyframe(self, shown: Shown, look: Look) -> bool:
        """Correct one box: where the engine asks, else the best seen, then the worst."""
        now = self.desk.shown(shown.track_id)
        wrong = shown.timestamps_ns[look.is_wrong & ~look.is_false]
        # The ends may just have been moved.
        wrong = wrong[np.isin(wrong, now.timestamps_ns)] if now is not None else wrong[:0]
        if not len(wrong):
            return False
        if shown.next_keyframe_ns in wrong:
            at = shown.next_keyframe_ns
        elif len(wrong) > len(shown) / 2:
            at = self.eye.best_seen(look.thing, wrong)
        else:
            at = int(wrong[np.argmin(look.iou[np.isin(shown.timestamps_ns, wrong)])])
        meant = self.eye.box(look.thing, at)
        if meant is None:
            return False
        self._do("keyframe", shown.track_id, at, "edit_keyframe")
        self.n_keyframes += 1
        self.desk.set_keyframe(shown.track_id, at, self.hand.set(meant))
        return True

    def _cut(self, shown: Shown, look: Look, cuts: int) -> bool:
        """Cut a track where it goes over to another object."""
        stray, on = look.other >= 0, look.iou >= TOUCHES_IOU
        if np.count_nonzero(stray) < LEAST_STRAY or not on.any():
            return False
        mine = np.flatnonzero(on)
        after = np.flatnonzero(stray & (np.arange(len(shown)) > mine[-1]))
        before = np.flatnonzero(stray & (np.arange(len(shown)) < mine[0]))
        if len(after) >= LEAST_STRAY:
            edge = after[0]
        elif len(before) >= LEAST_STRAY:
            edge = mine[0]
        else:
            return False
        self._do("cut", shown.track_id, int(shown.timestamps_ns[edge]), "merge_split_track")
        new_id = self.desk.split(shown.track_id, int(shown.timestamps_ns[edge]))
        self._strip(new_id, cuts - 1)
        return True

    def _join(self, shown: Shown, look: Look) -> bool:
        """Join another track that is on the same object where this one has no box."""
        if len(look.absent_ns) <= self.policy.slack_sweeps:
            return False
        for other_id in self.desk.track_ids():
            other = self.desk.shown(other_id) if other_id != shown.track_id else None
            if other is None or not len(other) or not self._may_meet(other, look):
                continue
            theirs = self.eye.look(other)
            gained = np.isin(look.absent_ns, other.timestamps_ns).sum()
            shared = np.isin(other.timestamps_ns, shown.timestamps_ns).sum()
            if theirs.thing == look.thing and gained > 2 and shared < 0.2 * len(other):
                self._do("join", shown.track_id, -1, "merge_split_track")
                if not self.desk.merge(shown.track_id, other_id):
                    self._delete(other_id)
                self.done.pop(other_id, None)
                return True
        return False

    def _may_meet(self, other: Shown, look: Look) -> bool:
        """Tell cheaply whether a track comes near an object where that is absent."""
        both = np.intersect1d(look.absent_ns, other.timestamps_ns)
        if not len(both):
            return False
        at = int(both[len(both) // 2])
        box = self.eye.box(look.thing, at)
        row = int(np.searchsorted(other.timestamps_ns, at))
        if box is None:
            return False
        apart = box.center_m[0, :2] - other.cuboids.center_m[row, :2]
        return bool(np.hypot(*apart) < 5.0)

    def _span(self, shown: Shown, look: Look) -> bool:
        """Move the ends of a track to the sweeps where its object shows."""
        first, last = look.span_ns
        if last < first:
            return False
        beyond = look.is_false & ((shown.timestamps_ns < first) | (shown.timestamps_ns > last))
        ends = (shown.timestamps_ns[0], shown.timestamps_ns[-1])
        before, after = look.absent_ns < ends[0], look.absent_ns > ends[1]
        taken = self._labelled.get(look.thing, set())
        free = ~np.isin(look.absent_ns, list(taken))
        slack = self.policy.slack_sweeps
        # The app carries on what stands, as soon as somebody said that it is right.
        may_grow = not stands(shown)
        grow = [may_grow and np.count_nonzero(side & free) > slack for side in (before, after)]
        if not beyond.any() and not any(grow):
            return False
        new = [int(ends[0]), int(ends[1])]
        if grow[0] or (beyond & (shown.timestamps_ns < first)).any():
            new[0] = first
        if grow[1] or (beyond & (shown.timestamps_ns > last)).any():
            new[1] = last
        if new[0] > new[1]:
            return False
        self._do("ends", shown.track_id, new[0], "merge_split_track")
        self.desk.set_lifespan(shown.track_id, new[0], new[1])
        again = self.desk.shown(shown.track_id)
        # Where the engine has no box to give, asking again gives none either.
        return again is not None and not np.array_equal(again.timestamps_ns, shown.timestamps_ns)

    def _missing(self, item: QueueItem) -> None:
        """Look at a tile of what may be a missing object; take it if it is one."""
        if self._n_in_vain >= self.policy.stop_after:
            return
        self._do("missing tile", item.track_id, item.at_ns, "verify_grid")
        box = Cuboids([item.center_m], [item.size_m], [item.yaw_rad])
        thing = self.eye.unlabelled(item.at_ns, box, self._labelled)
        self._n_in_vain = self._n_in_vain + 1 if thing < 0 else 0
        if thing < 0 or self._is_boxed(thing, item.at_ns):
            self.desk.reject(item)
            return
        meant = self.eye.box(thing, item.at_ns)
        if meant is None:
            return
        fits = overlap_3d(meant, box)[0, 0] >= self.policy.adopt_iou
        track_id = self.desk.adopt(item) if fits else None
        if track_id is None:
            self._do("click", item.track_id, item.at_ns, "create_click_autofit")
            track_id = self.desk.click(item.at_ns, meant.center_m[0])
            if track_id is not None:
                self._strip(track_id)
            if track_id in self.done:
                return
            track_id = None
        if track_id is None:
            self._do("draw", item.track_id, item.at_ns, "create_box_manual")
            class_name = self.eye.class_of(thing)
            track_id = self.desk.draw(item.at_ns, self.hand.set(meant), class_name)
            self.n_keyframes += 1
        self._strip(track_id)

    def _is_boxed(self, thing: int, timestamp_ns: int) -> bool:
        """Tell whether any track has a box on an object at a sweep; it has its own turn."""
        there = self.eye.box(thing, timestamp_ns)
        boxes = []
        for track_id in self.desk.track_ids():
            shown = self.desk.shown(track_id)
            row = 0 if shown is None else int(np.searchsorted(shown.timestamps_ns, timestamp_ns))
            if shown and row < len(shown) and shown.timestamps_ns[row] == timestamp_ns:
                boxes.append(shown.cuboids.packed()[row])
        if there is None or not boxes:
            return False
        overlap = overlap_3d(there, Cuboids.unpack(np.array(boxes)))
        return bool(overlap.max() >= BOXED_IOU)

    def _doubles(self, look: Look, shown: Shown) -> bool:
        """Tell whether another accepted track has the object in most of these sweeps."""
        if shown.track_id in self.done:
            return False
        taken = self._labelled.get(look.thing, set())
        shared = sum(int(at) in taken for at in shown.timestamps_ns)
        return shared > len(shown) / 2

    def _accept(self, shown: Shown, look: Look) -> None:
        self.desk.accept(shown.track_id)
        final = self.desk.shown(shown.track_id)
        if final is not None and len(final) != len(shown):
            shown, look = final, self.eye.look(final)
        if shown.track_id not in self.done:
            self.finished.append((len(self.actions), look.thing))
        self.done[shown.track_id] = look.thing
        self._labelled.setdefault(look.thing, set()).update(shown.timestamps_ns.tolist())
        self._note(shown, look)

    def _delete(self, track_id: str) -> None:
        self._do("delete", track_id, -1, "delete")
        self.desk.delete(track_id)

    def _note(self, shown: Shown, look: Look) -> None:
        """Remember how many boxes of an object pass."""
        good = np.count_nonzero(look.iou >= pass_iou(look.class_name)) if look.thing >= 0 else 0
        if look.thing >= 0:
            self.passing[look.thing] = int(good)

    def _mark(self) -> None:
        self.curve.append((len(self.actions), sum(self.passing.values())))

    def _do(self, what: str, track_id: str, timestamp_ns: int, key: str) -> None:
        self.actions.append(Action(what, track_id, int(timestamp_ns), key))


def stands(shown: Shown) -> bool:
    """Tell whether a track is shown in one place, so that one tile shows all of its boxes."""
    packed = shown.cuboids.packed()
    return bool(np.ptp(packed, axis=0).max(initial=0.0) < STILL)


def spent_s(actions: list[Action], seconds: ActionSeconds) -> Floats:
    """Return the nominal seconds spent before each action and at the end, (n + 1,)."""
    each = [seconds.pause_factor * seconds.seconds[action.key][1] for action in actions]
    return np.concatenate([[0.0], np.cumsum(each)])
