// Places to pixels, through the lens of a camera; the same models as _core/lens.pyx.
import {EDGES, corners} from './boxmath.ts';
import type {Box, Camera} from './types.ts';

const NEAR_M = 0.1;
const PIECES = 6; // of an edge: lenses bend straight lines

export interface Seen {lines: [number, number][][]; share: number; depth: number}

/** Where a world point is in an image, pixels (centres at whole numbers), and how far; null if the lens cannot say. */
export function project(camera: Camera, pose: number[], place: ArrayLike<number>): {x: number; y: number; depth: number} | null {
  const dx = place[0] - pose[3], dy = place[1] - pose[7], dz = place[2] - pose[11];
  const x = pose[0] * dx + pose[4] * dy + pose[8] * dz;
  const y = pose[1] * dx + pose[5] * dy + pose[9] * dz;
  const z = pose[2] * dx + pose[6] * dy + pose[10] * dz;
  const c = camera.lens.map((v) => v ?? Infinity), isFisheye = c[14] !== 0;
  if (!isFisheye && z < NEAR_M) return null;
  const off = Math.hypot(x, y), r = isFisheye ? Math.atan2(off, z) : off / z;
  if (r > c[13] || (isFisheye && off + Math.abs(z) < NEAR_M)) return null;
  const u = r * r;
  const bent = isFisheye
    ? r * (1 + u * (c[5] + u * (c[6] + u * (c[7] + u * c[8]))))
    : (r * (1 + u * (c[5] + u * (c[6] + u * c[9])))) / (1 + u * (c[10] + u * (c[11] + u * c[12])));
  const grow = off > 1e-12 ? bent / off : (isFisheye ? 1 : 1 / z);
  let a = x * grow, b = y * grow;
  if (!isFisheye) {
    const h = x / z, v = y / z;
    a += 2 * c[7] * h * v + c[8] * (u + 2 * h * h);
    b += c[7] * (u + 2 * v * v) + 2 * c[8] * h * v;
  }
  return {x: c[0] * a + c[1] * b + c[2], y: c[3] * b + c[4], depth: z};
}

/** A box's edges in an image, and the share of its corners that is on it; null if nothing of it is. */
export function seen(camera: Camera, pose: number[], box: Box): Seen | null {
  const at = corners(box), lines: [number, number][][] = [];
  let inside = 0, depth = Infinity;
  for (const corner of at) {
    const p = project(camera, pose, corner);
    if (!p) continue;
    depth = Math.min(depth, p.depth);
    if (p.x >= -0.5 && p.y >= -0.5 && p.x < camera.width_px - 0.5 && p.y < camera.height_px - 0.5) inside++;
  }
  if (!inside) return null;
  for (const [i, j] of EDGES) {
    let line: [number, number][] = [];
    for (let k = 0; k <= PIECES; k++) {
      const t = k / PIECES, p = project(camera, pose, [0, 1, 2].map((d) => at[i][d] * (1 - t) + at[j][d] * t));
      if (p) line.push([p.x, p.y]);
      else if (line.length) {
        lines.push(line);
        line = [];
      }
    }
    if (line.length > 1) lines.push(line);
  }
  return {lines, share: inside / 8, depth};
}

/** The image nearest in time to an instant, -1 if there is none. */
export function imageAt(camera: Camera, timestamp: string): number {
  const times = camera.image_timestamps_ns;
  if (!times.length) return -1;
  const wanted = BigInt(timestamp);
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (BigInt(times[middle]) < wanted) low = middle + 1;
    else high = middle;
  }
  return low > 0 && wanted - BigInt(times[low - 1]) < BigInt(times[low]) - wanted ? low - 1 : low;
}
