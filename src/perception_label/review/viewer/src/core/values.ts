// The numbers of a box, one by one: set at this sweep, and carried to the keyframes before or after.
import type {Session} from './session.ts';
import type {Box, Track} from './types.ts';

export const VALUES = ['x', 'y', 'z', 'yaw', 'length', 'width', 'height'] as const;
export type Value = (typeof VALUES)[number];

const AXIS = {x: 0, y: 1, z: 2, length: 0, width: 1, height: 2};

/** A number of a box: metres, and degrees for the heading. */
export function valueOf(box: Box, value: Value): number {
  if (value === 'yaw') return (box.yaw * 180) / Math.PI;
  return value === 'x' || value === 'y' || value === 'z' ? box.center[AXIS[value]] : box.size[AXIS[value]];
}

/** The box with one number changed. */
export function withValue(box: Box, value: Value, number: number): Box {
  if (value === 'yaw') return {...box, yaw: (number * Math.PI) / 180};
  const isPlace = value === 'x' || value === 'y' || value === 'z';
  const changed = [...(isPlace ? box.center : box.size)];
  changed[AXIS[value]] = number;
  return isPlace ? {...box, center: changed} : {...box, size: changed};
}

/** Whether two boxes' sizes differ in this number: then a keyframe has to tell its size. */
const isOfSize = (value: Value): boolean => value === 'length' || value === 'width' || value === 'height';

export function setValue(session: Session, value: Value, number: number): void {
  const box = session.selected ? session.boxAt(session.selected, session.sweep) : null;
  if (!box || !Number.isFinite(number)) return;
  session.drag(withValue(box, value, number));
  session.commitDrag();
}

/** Give all keyframes on one side this sweep's number; where there is none, the track's end on that side. */
export function spread(session: Session, value: Value, way: 1 | -1): void {
  const id = session.selected, track = id ? session.tracks.get(id) : undefined;
  const box = id ? session.boxAt(id, session.sweep) : null;
  if (!id || !track || !box) return;
  const number = valueOf(box, value);
  for (const sweep of sweepsOf(session, track, way)) {
    const there = session.boxAt(id, sweep);
    if (!there) continue;
    const {center, size, yaw} = withValue(there, value, number);
    session.edit('set_keyframe', id, {center_m: center, yaw_rad: yaw, ...(isOfSize(value) ? {size_m: size} : {})}, sweep);
  }
}

function sweepsOf(session: Session, track: Track, way: 1 | -1): number[] {
  const isBeyond = (s: number): boolean => way * (s - session.sweep) > 0;
  const keys = track.keys.filter((key) => key.source === 'human').map((key) => session.sweepAt(key.timestamp_ns)).filter(isBeyond);
  if (keys.length) return keys;
  const end = way > 0 ? track.sweeps[track.sweeps.length - 1] : track.sweeps[0];
  return end !== undefined && isBeyond(end) ? [end] : [];
}
