"""Laws of replay on any sequence of edits that the log takes."""

from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from edit_logs import TIMES, at, open_log, plain
from perception_label.errors import EditError
from perception_label.ontology import load_ontology
from perception_label.storage.edits import make
from perception_label.storage.edits.checks import Checks
from perception_label.storage.edits.edit import Row
from perception_label.storage.edits.replay import Replay
from perception_label.storage.edits.verbs import Change

ONTOLOGY = load_ontology()
CHECKS = Checks("log", TIMES, ONTOLOGY)
WHOLE = (at(0), at(99))
names = st.sampled_from(["a", "b", "c", "d"])
sweeps = st.integers(0, 9).map(lambda k: 11 * k)  # few, so that keyframes meet
few = st.integers(0, 30)
# Each draws as plain numbers; what they mean is decided when the edit is made.
moves = st.lists(st.tuples(st.integers(0, 15), names, names, sweeps, few), max_size=40)


def made(move, ids, known):
    """Return the edit a move stands for; `known` are the ids of those before it."""
    kind, a, b, k, j = move
    by = {"edit_id": f"e{next(ids)}", "client_time_ns": k}
    first, last = sorted((k, min(99, k + j)))
    undo = make.undo(known[-1 - j % len(known)] if known else "none", **by)
    edits = [
        lambda: make.create_track(a, "car", **by),
        lambda: make.set_keyframe(a, at(k), [j, 0, 0], 0.1, **by),
        lambda: make.set_keyframe(a, at(k), [j, 1, 0], 0.1, [4, 2, 1], source="model:x", **by),
        lambda: make.remove_keyframe(a, at(k), **by),
        lambda: make.set_size(a, [4 + j, 2, 1.5], **by),
        lambda: make.set_class(a, "truck" if j % 2 else "bus", **by),
        lambda: make.set_attribute(a, "occlusion", "most" if j % 3 else None, at(k), **by),
        lambda: make.set_lifespan(a, at(first), at(last), **by),
        lambda: make.set_static(a, at(first), at(last), is_static=j % 2 == 0, **by),
        lambda: make.set_outside(a, at(first), at(last), is_outside=j % 2 == 0, **by),
        lambda: make.merge(a, b, **by),
        lambda: make.split(a, at(k), b, **by),
        lambda: make.delete(a, **by),
        lambda: make.finalise(a, **by),
        lambda: make.verdict(a, "accept" if j % 2 else "reject", **by),
        lambda: undo,
    ]
    return edits[kind]()


def taken(moves):
    """Return the changes that the checks let through, as the log would store them."""
    replay, changes, ids = Replay(WHOLE), [], count()
    for move in [(0, "a", "a", 0, 0), (0, "b", "b", 0, 0), *moves]:
        edit = made(move, ids, [c.edit_id for c in changes])
        try:
            CHECKS.check(edit, replay)
        except EditError:
            continue
        change = Change.of(Row(len(changes) + 1, 0, edit))
        if edit.kind == "undo":
            target = replay.find(edit.after["edit_id"])
            change = change._replace(track_id=target.track_id, other_id=target.other_id)
        replay.append(change)
        changes.append(change)
    return replay, changes


def said(replay):
    return {name: plain(track) for name, track in replay.state(ONTOLOGY).tracks.items()}


@given(moves)
def test_step_by_step_is_all_at_once(moves):
    replay, changes = taken(moves)
    again = Replay(WHOLE, changes)
    assert said(again) == said(replay)
    assert again.undone == replay.undone
    assert {t: again.revision(t) for t in "abcd"} == {t: replay.revision(t) for t in "abcd"}
    ignored = (again.state(ONTOLOGY).without_effect, replay.state(ONTOLOGY).without_effect)
    assert sorted(ignored[0]) == sorted(ignored[1])


@given(moves, few)
def test_a_prefix_is_what_was_then(moves, n):
    _, changes = taken(moves)
    replay = Replay(WHOLE)
    for change in changes[:n]:
        replay.append(change)
    assert said(Replay(WHOLE, changes[:n])) == said(replay)


@given(moves, few)
def test_undone_is_as_if_it_had_never_been(moves, n):
    _, changes = taken(moves)
    plain_ones = [c for c in changes if c.kind != "undo"]
    target = plain_ones[n % len(plain_ones)]
    undo = change_of_undo(target, len(changes) + 1, "u1")
    without = Replay(WHOLE, [c for c in plain_ones if c is not target])
    assert said(Replay(WHOLE, [*plain_ones, undo])).keys() == said(without).keys()
    a, b = said(Replay(WHOLE, [*plain_ones, undo])), said(without)
    assert a == b


@given(moves, few)
def test_an_undone_undo_is_no_undo(moves, n):
    replay, changes = taken(moves)
    target = changes[n % len(changes)]
    was = said(replay)
    if target.edit_id in replay.undone:
        return
    first = change_of_undo(target, len(changes) + 1, "u1")
    replay.append(first)
    replay.append(change_of_undo(first, len(changes) + 2, "u2"))
    assert said(replay) == was


def change_of_undo(target, revision, edit_id):
    undo = Change.of(Row(revision, 0, make.undo(target.edit_id, edit_id=edit_id)))
    return undo._replace(track_id=target.track_id, other_id=target.other_id)


@given(moves, st.randoms())
def test_the_order_of_tracks_that_never_met_does_not_matter(moves, random):
    # Without merges and splits, tracks have nothing to do with each other.
    apart = [move for move in moves if move[0] not in (10, 11)]
    _, changes = taken(apart)
    queues = {}
    for change in changes:
        queues.setdefault(change.track_id, []).append(change)
    shuffled, left = [], [q[:] for q in queues.values()]
    while left:
        queue = random.choice(left)
        shuffled.append(queue.pop(0)._replace(revision=len(shuffled) + 1))
        left = [q for q in left if q]
    assert said(Replay(WHOLE, shuffled)) == said(Replay(WHOLE, changes))


@settings(max_examples=15)
@given(moves, st.integers(1, 7))
def test_the_database_gives_what_replay_says_and_a_repeat_changes_nothing(moves, chunk):
    with TemporaryDirectory() as folder:
        log = open_log(Path(folder))
        ids, edits = count(), []
        for move in [(0, "a", "a", 0, 0), (0, "b", "b", 0, 0), *moves]:
            edit = made(move, ids, [e.edit_id for e in edits])
            try:
                log.append([edit])
            except EditError:
                continue
            edits.append(edit)
        state = log.state()
        tracks = {name: plain(track) for name, track in state.tracks.items()}
        for start in range(0, len(edits), chunk):
            repeat = log.append(edits[start : start + chunk])
            assert {o.status for o in repeat} == {"duplicate"}
        assert log.revision == state.revision == len(edits)
        assert {name: plain(log.track(name)) for name in tracks} == tracks
        for name in tracks:
            assert log.track(name).revision == state.tracks[name].revision
        # All at once in another database, and there as of the middle.
        other = open_log(Path(folder), place=Path(folder) / "other.db")
        assert {o.status for o in other.append(edits)} == {"appended"}
        assert {n: plain(t) for n, t in other.state().tracks.items()} == tracks
        middle = len(edits) // 2
        then = other.state(as_of=middle)
        assert {n: plain(t) for n, t in then.tracks.items()} == {
            n: plain(other.track(n, as_of=middle)) for n in then.tracks
        }
        log.close()
        other.close()
