// Shapes on an image while they are drawn and changed. Places here are edges: the whole image is 0, 0 to width, height;
// the points of a shape are pixel centres, half a pixel less.
import type {Place} from './mask.ts';
import type {Shape2d} from './types.ts';

/** What can be taken hold of: a side or corner of a box (which of x0 y0 x1 y1 move), a vertex, or a new one between two. */
export type Handle =
  | {kind: 'side'; at: Place; moves: number[]}
  | {kind: 'vertex' | 'between'; at: Place; part: number; index: number}
  | {kind: 'inside'; at: Place};

const LEAST = {box: 2, polygon: 3, mask: 0, keypoints: 1, polyline: 2};

/** The points of a shape, part by part, as edges. */
export function partsOf(shape: Shape2d): Place[][] {
  const out = (points: number[][]): Place[] => points.map(([x, y]) => [x + 0.5, y + 0.5]);
  if (shape.kind === 'polygon') return shape.parts_px.map(out);
  if (shape.kind === 'keypoints' || shape.kind === 'polyline') return [out(shape.points_px)];
  if (shape.kind === 'mask') return [];
  const [x0, y0, x1, y1] = shape.box_px;
  return [[[x0, y0], [x1, y0], [x1, y1], [x0, y1]]];
}

/** A shape with other points. */
export function withParts(shape: Shape2d, parts: Place[][]): Shape2d {
  const back = (points: Place[]): number[][] => points.map(([x, y]) => [round(x - 0.5), round(y - 0.5)]);
  if (shape.kind === 'polygon') return {...shape, parts_px: parts.map(back)};
  if (shape.kind === 'keypoints' || shape.kind === 'polyline') return {...shape, points_px: back(parts[0])};
  return shape;
}

export const boxOf = (a: Place, b: Place): Shape2d => ({
  kind: 'box', box_px: [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[0], b[0]), Math.max(a[1], b[1])].map(round),
});

export function handles(shape: Shape2d): Handle[] {
  if (shape.kind === 'mask') return [];
  if (shape.kind === 'box') {
    const [x0, y0, x1, y1] = shape.box_px, x = (x0 + x1) / 2, y = (y0 + y1) / 2;
    const side = (at: Place, ...moves: number[]): Handle => ({kind: 'side', at, moves});
    return [
      side([x0, y0], 0, 1), side([x1, y0], 2, 1), side([x1, y1], 2, 3), side([x0, y1], 0, 3),
      side([x, y0], 1), side([x1, y], 2), side([x, y1], 3), side([x0, y], 0), {kind: 'inside', at: [x, y]},
    ];
  }
  const out: Handle[] = [];
  partsOf(shape).forEach((points, part) => {
    points.forEach((at, index) => {
      out.push({kind: 'vertex', at, part, index});
      const next = points[index + 1] ?? (shape.kind === 'polygon' ? points[0] : null);
      if (shape.kind !== 'keypoints' && next) {
        out.push({kind: 'between', at: [(at[0] + next[0]) / 2, (at[1] + next[1]) / 2], part, index});
      }
    });
  });
  return out;
}

/** The handle at a place, vertices before what is between them. */
export function handleAt(shape: Shape2d, place: Place, reach: number): Handle | null {
  const order = {vertex: 0, side: 0, between: 1, inside: 2};
  const near = handles(shape).filter((h) => Math.hypot(h.at[0] - place[0], h.at[1] - place[1]) <= reach);
  near.sort((a, b) => order[a.kind] - order[b.kind]
    || Math.hypot(a.at[0] - place[0], a.at[1] - place[1]) - Math.hypot(b.at[0] - place[0], b.at[1] - place[1]));
  return near[0] ?? null;
}

/** The shape with a handle dragged from where it was to a place. */
export function dragged(shape: Shape2d, handle: Handle, to: Place): Shape2d {
  const by: Place = [to[0] - handle.at[0], to[1] - handle.at[1]];
  if (shape.kind === 'box') {
    const moves = handle.kind === 'side' ? handle.moves : [0, 1, 2, 3];
    const [x0, y0, x1, y1] = shape.box_px.map((v, k) => (moves.includes(k) ? v + by[k % 2] : v));
    return boxOf([x0, y0], [x1, y1]);
  }
  if (handle.kind !== 'vertex' && handle.kind !== 'between') return shape;
  const parts = partsOf(shape);
  if (handle.kind === 'vertex') parts[handle.part][handle.index] = to;
  else parts[handle.part].splice(handle.index + 1, 0, to);
  return withParts(shape, parts);
}

/** The shape without a vertex; the same one if it needs them all. */
export function withoutVertex(shape: Shape2d, handle: Handle): Shape2d {
  if (handle.kind !== 'vertex') return shape;
  const parts = partsOf(shape);
  if (parts[handle.part].length <= LEAST[shape.kind]) return shape;
  parts[handle.part].splice(handle.index, 1);
  const next = withParts(shape, parts);
  return next.kind === 'keypoints' ? {...next, visibility: next.visibility.filter((_, k) => k !== handle.index)} : next;
}

/** Whether a closed line meets itself. */
export function crosses(points: Place[]): boolean {
  const n = points.length;
  const turn = (a: Place, b: Place, c: Place): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
  for (let i = 0; i < n; i++) {
    for (let j = i + 2; j < n; j++) {
      if (i === 0 && j === n - 1) continue;
      const [a, b, c, d] = [points[i], points[i + 1], points[j], points[(j + 1) % n]];
      if (turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0) return true;
    }
  }
  return false;
}

/** Whether a place is in a shape that has points. */
export function isInside(shape: Shape2d, [x, y]: Place): boolean {
  return partsOf(shape).some((points) => {
    let inside = false;
    points.forEach(([x0, y0], k) => {
      const [x1, y1] = points[(k + 1) % points.length];
      if ((y0 <= y) !== (y1 <= y) && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
    });
    return inside;
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
