// Maths of upright boxes: corners, rays, edges. World frame, metres, radians.
import type {Box} from './types.ts';

export type Vec = [number, number, number];

/** The box's axes in the world: ahead, left, up. */
export function axes(yaw: number): [Vec, Vec, Vec] {
  const c = Math.cos(yaw), s = Math.sin(yaw);
  return [[c, s, 0], [-s, c, 0], [0, 0, 1]];
}

/** A point given in the box's own axes, from its centre. */
export function toWorld(box: Box, x: number, y: number, z: number): Vec {
  const c = Math.cos(box.yaw), s = Math.sin(box.yaw);
  return [box.center[0] + c * x - s * y, box.center[1] + s * x + c * y, box.center[2] + z];
}

export function toBox(box: Box, p: ArrayLike<number>): Vec {
  const c = Math.cos(box.yaw), s = Math.sin(box.yaw), x = p[0] - box.center[0], y = p[1] - box.center[1];
  return [c * x + s * y, c * y - s * x, p[2] - box.center[2]];
}

/** The 8 corners: bit 0 ahead, bit 1 left, bit 2 up. */
export function corners(box: Box): Vec[] {
  const [l, w, h] = box.size;
  return Array.from({length: 8}, (_, k) =>
    toWorld(box, (k & 1 ? l : -l) / 2, (k & 2 ? w : -w) / 2, (k & 4 ? h : -h) / 2));
}

/** Pairs of corners that are the 12 edges. */
export const EDGES: [number, number][] = [
  [0, 1], [2, 3], [4, 5], [6, 7], [0, 2], [1, 3], [4, 6], [5, 7], [0, 4], [1, 5], [2, 6], [3, 7],
];

/** Line segments of a box: its edges, and an arrow on its bottom to where it heads; 16 segments. */
export function segments(box: Box): Vec[] {
  const at = corners(box), [l, w, h] = box.size;
  const out = EDGES.flatMap(([a, b]) => [at[a], at[b]]);
  const mid = toWorld(box, 0, 0, -h / 2), front = toWorld(box, l / 2, 0, -h / 2);
  const tip = toWorld(box, l / 2 + Math.min(0.35 * l, 1), 0, -h / 2);
  out.push(mid, tip, tip, toWorld(box, l / 2, w / 4, -h / 2), tip, toWorld(box, l / 2, -w / 4, -h / 2), front, front);
  return out;
}

/** How far along a ray it enters the box, or Infinity. */
export function rayEnters(box: Box, origin: ArrayLike<number>, direction: ArrayLike<number>, grow = 0): number {
  const o = toBox(box, origin);
  const ahead = toBox({...box, center: [0, 0, 0]}, direction);
  let near = -Infinity, far = Infinity;
  for (let k = 0; k < 3; k++) {
    const half = box.size[k] / 2 + grow;
    if (Math.abs(ahead[k]) < 1e-12) {
      if (Math.abs(o[k]) > half) return Infinity;
      continue;
    }
    const a = (-half - o[k]) / ahead[k], b = (half - o[k]) / ahead[k];
    near = Math.max(near, Math.min(a, b));
    far = Math.min(far, Math.max(a, b));
  }
  return near <= far && far > 0 ? Math.max(near, 0) : Infinity;
}

export const LEAST_SIZE_M = 0.1;

/** Move one face to `at` metres from the centre along an axis (0 ahead, 1 left, 2 up); the opposite face stays. */
export function withFace(box: Box, axis: number, side: 1 | -1, at: number): Box {
  const other = (-side * box.size[axis]) / 2;
  const length = Math.max(side * (at - other), LEAST_SIZE_M);
  const shift = other + (side * length) / 2;
  const size = [...box.size];
  size[axis] = length;
  const by: Vec = [0, 0, 0];
  by[axis] = shift;
  return {center: toWorld(box, ...by), size, yaw: box.yaw};
}

/** The box moved by metres in its own axes and turned. */
export function moved(box: Box, ahead: number, left: number, up: number, turn = 0): Box {
  return {center: toWorld(box, ahead, left, up), size: [...box.size], yaw: wrap(box.yaw + turn)};
}

export function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.floor((angle + Math.PI) / (2 * Math.PI));
}
