// The points near a box, in the box's own axes: what panes and tiles draw, and boxes are fitted to.
import {POINT_BYTES, type Arriving} from './container.ts';
import {moved, withFace} from './boxmath.ts';
import type {Box} from './types.ts';

const GROUND_M = 0.15; // points so near the box's bottom may be ground

/** Points as x, y, z in the box's axes (ahead, left, up), metres, of those less than `reach` outside it. */
export function near(cloud: Arriving, worldFromSensor: number[], box: Box, reach: number): Float32Array {
  const header = cloud.header;
  if (!header) return new Float32Array();
  const {values, rows} = cloud, [sx, sy, sz] = header.scale, [ox, oy, oz] = header.origin, m = worldFromSensor;
  const c = Math.cos(box.yaw), s = Math.sin(box.yaw), [bx, by, bz] = box.center;
  // One affine map from the packed integers to the box's axes.
  const turn = [[c, s], [-s, c]];
  const map: number[] = [];
  for (let r = 0; r < 3; r++) {
    const row = [0, 1, 2, 3].map((k) => (r < 2 ? turn[r][0] * m[k] + turn[r][1] * m[4 + k] : m[8 + k]));
    const from = r < 2 ? turn[r][0] * bx + turn[r][1] * by : bz;
    map.push(row[0] * sx, row[1] * sy, row[2] * sz, row[0] * ox + row[1] * oy + row[2] * oz + row[3] - from);
  }
  const hx = box.size[0] / 2 + reach, hy = box.size[1] / 2 + reach, hz = box.size[2] / 2 + reach;
  const out: number[] = [];
  for (let k = 0, i = 0; k < rows; k++, i += POINT_BYTES / 2) {
    const a = values[i], b = values[i + 1], d = values[i + 2];
    const x = map[0] * a + map[1] * b + map[2] * d + map[3];
    if (x > hx || x < -hx) continue;
    const y = map[4] * a + map[5] * b + map[6] * d + map[7];
    if (y > hy || y < -hy) continue;
    const z = map[8] * a + map[9] * b + map[10] * d + map[11];
    if (z > hz || z < -hz) continue;
    out.push(x, y, z);
  }
  return Float32Array.from(out);
}

/** The box with one face moved in to the outermost point inside it; as it is if there is none. */
export function shrunk(points: Float32Array, box: Box, axis: number, side: 1 | -1): Box {
  const half = box.size.map((v) => v / 2);
  let most = -Infinity;
  for (let k = 0; k < points.length; k += 3) {
    if (axis < 2 && points[k + 2] < -half[2] + GROUND_M) continue;
    if (Math.abs(points[k]) > half[0] || Math.abs(points[k + 1]) > half[1] || Math.abs(points[k + 2]) > half[2]) continue;
    most = Math.max(most, side * points[k + axis]);
  }
  return most > -Infinity ? withFace(box, axis, side, side * most) : box;
}

/** The box moved along an axis so that one face is at `at`; its size stays. */
export function shifted(box: Box, axis: number, side: 1 | -1, at: number): Box {
  const by = [0, 0, 0];
  by[axis] = at - (side * box.size[axis]) / 2;
  return moved(box, by[0], by[1], by[2]);
}
