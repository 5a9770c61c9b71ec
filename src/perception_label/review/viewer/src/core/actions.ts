// What keys, menus and buttons do to the selected track and the view.
import {near, shrunk} from './crop.ts';
import {moved, withFace} from './boxmath.ts';
import {rowAt, type Session, type View} from './session.ts';
import type {Box, Track} from './types.ts';

const STEP_M = 0.05, STEP_RAD = Math.PI / 180, MANY = 10;
const FIT_RAD = (2 * Math.PI) / 180, FIT_M = 0.3; // a turn with fit, and how far its faces look outwards
const COLOURS: View['colour'][] = ['height', 'intensity', 'class', 'track', 'source', 'time'];
const AROUND = [0, 2, 5, 10];
const DOUBTFUL = 0.7; // expected IoU below which a sweep is worth a look
const COMMIT_MS = 350; // after the last of several steps of one kind they become one edit

export type Actions = Record<string, (event: KeyboardEvent) => void>;

/** The actions that need no panel of the page; the shell adds its own. */
export function sessionActions(session: Session): Actions {
  let copied: {trackId: string; sweep: number; box: Box} | null = null;
  let playing: ReturnType<typeof setInterval> | undefined;

  const track = (): Track | undefined => (session.selected ? session.tracks.get(session.selected) : undefined);
  const box = (): Box | null => (session.selected ? session.boxAt(session.selected, session.sweep) : null);
  const at = (sweep: number): string => session.scene!.timestamps_ns[sweep];
  const step = (by: (size: number) => Box | null) => (event: KeyboardEvent): void => {
    const next = by(event.shiftKey ? MANY : 1);
    if (!next) return;
    session.drag(next);
    session.commitLater(COMMIT_MS);
  };
  const move = (ahead: number, left: number, up: number, turn = 0) => step((n) => {
    const from = box();
    return from && moved(from, n * ahead * STEP_M, n * left * STEP_M, n * up * STEP_M, n * turn * STEP_RAD);
  });
  const put = (next: Box | null): void => {
    if (!next) return;
    session.drag(next);
    session.commitDrag();
  };
  const goTo = (rows: number[], way: 1 | -1): void => {
    const ahead = rows.filter((s) => (way > 0 ? s > session.sweep : s < session.sweep));
    if (ahead.length) session.show(way > 0 ? Math.min(...ahead) : Math.max(...ahead));
  };
  const keySweeps = (): number[] => {
    return (track()?.keys ?? []).filter((key) => key.source === 'human').map((key) => session.sweepAt(key.timestamp_ns));
  };
  const doubtful = (): number[] => {
    const found = track();
    return found ? found.sweeps.filter((_, k) => (found.expected_iou[k] ?? 1) < DOUBTFUL) : [];
  };
  const within = (intervals: string[][], sweep: number): boolean => {
    const now = BigInt(at(sweep));
    return intervals.some(([a, b]) => BigInt(a) <= now && now <= BigInt(b));
  };
  const tight = async (): Promise<void> => {
    const from = box(), pose = session.scene?.world_from_sensor?.[session.sweep];
    if (!from || !pose) return;
    const cloud = await session.clouds.load(session.sweep);
    let next = from;
    // The bottom is the ground's; the others shrink to what is inside.
    for (const [axis, side] of [[0, 1], [0, -1], [1, 1], [1, -1], [2, 1]] as [number, 1 | -1][]) {
      next = shrunk(near(cloud, pose, next, 0.05), next, axis, side);
    }
    put(next);
  };
  const turnFit = (way: 1 | -1) => async (): Promise<void> => {
    const from = box(), pose = session.scene?.world_from_sensor?.[session.sweep];
    if (!from || !pose) return;
    let next = moved(from, 0, 0, 0, way * FIT_RAD);
    const cloud = await session.clouds.load(session.sweep);
    for (const [axis, side] of [[0, 1], [0, -1], [1, 1], [1, -1]] as [number, 1 | -1][]) {
      const grown = withFace(next, axis, side, (side * next.size[axis]) / 2 + FIT_M);
      next = shrunk(near(cloud, pose, grown, 0.05), grown, axis, side);
    }
    put(next);
  };
  const ground = async (): Promise<void> => {
    const from = box();
    if (!from) return;
    const [x, y] = from.center;
    const {z_m} = await session.api.get<{z_m: number | null}>(`/ground?x_m=${x}&y_m=${y}`);
    if (z_m === null) session.say('no ground is known there');
    else put({...from, center: [x, y, z_m + from.size[2] / 2]});
  };
  const paste = (): void => {
    if (!copied || !session.scene) return;
    const name = copied.trackId, isSame = copied.sweep === session.sweep;
    const {center, size, yaw} = copied.box;
    let into = name;
    if (isSame) {
      // A second box at one sweep is another object.
      into = crypto.randomUUID();
      session.edit('create_track', into, {class_name: session.tracks.get(name)?.class_name ?? 'car', size_m: size});
    }
    session.edit('set_keyframe', into, {center_m: center, yaw_rad: yaw}, session.sweep);
    session.select(into);
  };
  const edit = (kind: string, after: Record<string, unknown> = {}, isHere = false): void => {
    if (session.selected) session.edit(kind, session.selected, after, isHere ? session.sweep : undefined);
  };

  return {
    ahead: move(1, 0, 0), back: move(-1, 0, 0), left: move(0, 1, 0), right: move(0, -1, 0),
    raise: move(0, 0, 1), lower: move(0, 0, -1), 'turn-left': move(0, 0, 0, 1), 'turn-right': move(0, 0, 0, -1),
    flip: () => {
      const from = box();
      put(from && moved(from, 0, 0, 0, Math.PI));
    },
    'turn-left-fit': () => void turnFit(1)(),
    'turn-right-fit': () => void turnFit(-1)(),
    tight: () => void tight(),
    ground: () => void ground(),
    keyframe: () => {
      const from = box();
      if (keySweeps().includes(session.sweep)) edit('remove_keyframe', {}, true);
      else if (from) edit('set_keyframe', {center_m: from.center, yaw_rad: from.yaw}, true);
    },
    outside: () => {
      const found = track(), now = at(session.sweep);
      if (found) edit('set_outside', {first_ns: now, last_ns: now, is_outside: !within(found.outside_ns, session.sweep)});
    },
    static: () => {
      const found = track();
      if (!found?.sweeps.length) return;
      const first = at(found.sweeps[0]), last = at(found.sweeps[found.sweeps.length - 1]);
      edit('set_static', {first_ns: first, last_ns: last, is_static: !within(found.static_ns, found.sweeps[0])});
    },
    finalise: () => edit('finalise'),
    accept: () => edit('verdict', {verdict: 'accept', reason: ''}),
    reject: () => edit('verdict', {verdict: 'reject', reason: 'no object'}),
    delete: () => edit('delete'),
    split: () => {
      const found = track();
      if (found && rowAt(found.sweeps, session.sweep) > 0) edit('split', {at_ns: at(session.sweep), new_id: crypto.randomUUID()});
    },
    'starts-here': () => {
      const found = track();
      if (found?.sweeps.length) edit('set_lifespan', {first_ns: at(session.sweep), last_ns: at(found.sweeps[found.sweeps.length - 1])});
    },
    'ends-here': () => {
      const found = track();
      if (found?.sweeps.length) edit('set_lifespan', {first_ns: at(found.sweeps[0]), last_ns: at(session.sweep)});
    },
    'previous-keyframe': () => goTo(keySweeps(), -1),
    'next-keyframe': () => goTo(keySweeps(), 1),
    uncertain: () => {
      const next = track()?.next_keyframe ?? null;
      if (next !== null && next !== session.sweep) session.show(next);
      else goTo(doubtful(), 1);
    },
    'previous-uncertain': () => goTo(doubtful(), -1),
    'previous-sweep': () => session.show(session.sweep - 1),
    'next-sweep': () => session.show(session.sweep + 1),
    'back-ten': () => session.show(session.sweep - MANY),
    'on-ten': () => session.show(session.sweep + MANY),
    play: () => {
      if (playing) {
        clearInterval(playing);
        playing = undefined;
        return;
      }
      playing = setInterval(() => {
        if (session.sweep + 1 >= (session.scene?.n_sweeps ?? 0)) {
          clearInterval(playing);
          playing = undefined;
        } else session.show(session.sweep + 1);
      }, 100);
    },
    'hide-others': () => session.set({hidesOthers: !session.view.hidesOthers}),
    'birds-eye': () => session.set({isBirdsEye: !session.view.isBirdsEye}),
    focus: () => session.set({isFocused: !session.view.isFocused}),
    path: () => session.set({showsTrajectory: !session.view.showsTrajectory}),
    around: () => session.set({around: AROUND[(AROUND.indexOf(session.view.around) + 1) % AROUND.length]}),
    colour: () => session.set({colour: COLOURS[(COLOURS.indexOf(session.view.colour) + 1) % COLOURS.length]}),
    smaller: () => session.set({pointSize: Math.max(1, session.view.pointSize - 1)}),
    larger: () => session.set({pointSize: Math.min(12, session.view.pointSize + 1)}),
    copy: () => {
      const from = box();
      copied = from && session.selected ? {trackId: session.selected, sweep: session.sweep, box: from} : copied;
    },
    paste,
    zoom: () => session.tell('zoom'),
    images: () => session.tell('images'),
    new: () => session.takeUp(session.tool === 'new' ? '' : 'new'),
    merge: () => session.takeUp(session.selected && session.tool !== 'merge' ? 'merge' : ''),
    undo: () => session.undo(),
    redo: () => session.redo(),
    batch: () => session.openGrid(session.grid === 'batch' ? '' : 'batch'),
    'review-grid': () => session.openGrid(session.grid === 'review' ? '' : 'review'),
    leave: () => {
      if (session.grid) session.openGrid('');
      else if (session.tool) session.takeUp('');
      else if (session.live) {
        session.live = null;
        session.tell('tracks');
      } else session.select(null);
    },
  };
}
