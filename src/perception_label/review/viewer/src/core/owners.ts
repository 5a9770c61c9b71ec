// Which box each point is in: what points are coloured by, and how movers' points are left out.
import {POINT_BYTES, type Arriving} from './container.ts';
import type {Box} from './types.ts';

const CELL_M = 2;
const MOST_CELLS = 1 << 20;

/** Boxes by the cells of a level grid that they may reach into: only those of a point's cell are tried. */
class Cells {
  readonly x: number;
  readonly y: number;
  readonly cell: number;
  readonly across: number;
  readonly along: number;
  readonly start: Int32Array;
  readonly boxes: Int32Array;

  constructor(boxes: Box[], grow: number) {
    const reach = boxes.map(({size}) => Math.hypot(size[0], size[1]) / 2 + grow);
    const low = (k: number): number => boxes.reduce((least, b, i) => Math.min(least, b.center[k] - reach[i]), Infinity);
    const high = (k: number): number => boxes.reduce((most, b, i) => Math.max(most, b.center[k] + reach[i]), -Infinity);
    [this.x, this.y] = [low(0), low(1)];
    const wide = high(0) - this.x, deep = high(1) - this.y;
    this.cell = Math.max(CELL_M, Math.sqrt((wide * deep) / MOST_CELLS));
    [this.across, this.along] = [Math.floor(wide / this.cell) + 1, Math.floor(deep / this.cell) + 1];
    this.start = new Int32Array(this.across * this.along + 1);
    const cellsOf = (b: Box, i: number, each: (cell: number) => void): void => {
      const from = (v: number, o: number): number => Math.floor((v - reach[i] - o) / this.cell);
      const to = (v: number, o: number): number => Math.floor((v + reach[i] - o) / this.cell);
      for (let r = from(b.center[1], this.y); r <= to(b.center[1], this.y); r++) {
        for (let c = from(b.center[0], this.x); c <= to(b.center[0], this.x); c++) each(r * this.across + c);
      }
    };
    boxes.forEach((b, i) => cellsOf(b, i, (cell) => this.start[cell + 1]++));
    for (let k = 1; k < this.start.length; k++) this.start[k] += this.start[k - 1];
    this.boxes = new Int32Array(this.start[this.start.length - 1]);
    const next = this.start.slice();
    boxes.forEach((b, i) => cellsOf(b, i, (cell) => {
      this.boxes[next[cell]++] = i;
    }));
  }
}

/** Of each point that has arrived the number of a box that it is in, -1 outside all; `worldFromSensor` has 16 numbers. */
export function owners(cloud: Arriving, worldFromSensor: number[], boxes: Box[], grow = 0): Int32Array {
  const {header, rows} = cloud, out = new Int32Array(rows).fill(-1);
  if (!header || !boxes.length) return out;
  const {values} = cloud, [sx, sy, sz] = header.scale, [ox, oy, oz] = header.origin, m = worldFromSensor;
  const a = [0, 1, 2].map((r) => [m[4 * r] * sx, m[4 * r + 1] * sy, m[4 * r + 2] * sz,
    m[4 * r] * ox + m[4 * r + 1] * oy + m[4 * r + 2] * oz + m[4 * r + 3]]);
  const cells = new Cells(boxes, grow), turns = boxes.map(({yaw}) => [Math.cos(yaw), Math.sin(yaw)]);
  const {cell, across, along, start} = cells;
  for (let k = 0, i = 0; k < rows; k++, i += POINT_BYTES / 2) {
    const u = values[i], v = values[i + 1], w = values[i + 2];
    const x = a[0][0] * u + a[0][1] * v + a[0][2] * w + a[0][3];
    const c = Math.floor((x - cells.x) / cell);
    if (c < 0 || c >= across) continue;
    const y = a[1][0] * u + a[1][1] * v + a[1][2] * w + a[1][3];
    const r = Math.floor((y - cells.y) / cell);
    if (r < 0 || r >= along) continue;
    const at = r * across + c;
    if (start[at] === start[at + 1]) continue;
    const z = a[2][0] * u + a[2][1] * v + a[2][2] * w + a[2][3];
    for (let n = start[at]; n < start[at + 1]; n++) {
      const b = cells.boxes[n], {center, size} = boxes[b], [cos, sin] = turns[b], dx = x - center[0], dy = y - center[1];
      if (Math.abs(z - center[2]) > size[2] / 2 + grow || Math.abs(cos * dx + sin * dy) > size[0] / 2 + grow
        || Math.abs(cos * dy - sin * dx) > size[1] / 2 + grow) continue;
      out[k] = b;
      break;
    }
  }
  return out;
}
