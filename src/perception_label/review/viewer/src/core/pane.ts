import {moved, withFace, wrap} from './boxmath.ts';
import {near, shifted, shrunk} from './crop.ts';
import type {Session} from './session.ts';
import {isLight} from './theme.ts';
import type {Box} from './types.ts';

export type Side = 'top' | 'side' | 'rear';

/** What runs to the right and up in a pane: an axis of the box (0 ahead, 1 left, 2 up) and its sign. */
export interface Plane {right: number; rightSign: 1 | -1; up: number; upSign: 1 | -1}

// Looked at from above, from the right, from behind: left and right agree in top and rear.
export const PLANES: Record<Side, Plane> = {
  top: {right: 1, rightSign: -1, up: 0, upSign: 1},
  side: {right: 0, rightSign: 1, up: 2, upSign: 1},
  rear: {right: 1, rightSign: -1, up: 2, upSign: 1},
};
export const REACH_M = 2.5; // around the box, where points are drawn
const GRAB_PX = 9;
const ARROW_PX = 26; // beyond the front edge, where the heading is grabbed

export interface Colours {back: string; inside: string; outside: string; box: string; handle: string; text: string}

export const DARK: Colours = {back: '#14181d', inside: '#ffd43b', outside: '#748ffc', box: '#ffffff', handle: '#ff922b', text: '#adb5bd'};
export const LIGHT: Colours = {back: '#f8f9fa', inside: '#e67700', outside: '#4263eb', box: '#212529', handle: '#d9480f', text: '#495057'};

/** Pixels per metre at which a box fits a canvas. */
export function scaleOf(box: Box, plane: Plane, width: number, height: number, zoom = 1): number {
  const wide = box.size[plane.right] + 1.6, high = box.size[plane.up] + 1.6;
  // From above, the heading's handle is beyond the box.
  const most = plane.up === 0 ? (height - 2 * (ARROW_PX + 6)) / box.size[0] : Infinity;
  return Math.max(Math.min(width / wide, height / high, most), 1) * zoom;
}

/** Draw the points near a box (in its axes, see `near`) and the box `drawn`, both relative to `box`. */
export function paint(
  ctx: CanvasRenderingContext2D, width: number, height: number, points: Float32Array, box: Box, drawn: Box, plane: Plane,
  scale: number, colours: Colours, shift: [number, number] = [0, 0],
): void {
  ctx.fillStyle = colours.back;
  ctx.fillRect(0, 0, width, height);
  const x0 = width / 2 + shift[0], y0 = height / 2 + shift[1];
  const inBox = inside(drawn, box);
  for (const isInside of [false, true]) {
    ctx.fillStyle = isInside ? colours.inside : colours.outside;
    for (let k = 0; k < points.length; k += 3) {
      if (inBox(points[k], points[k + 1], points[k + 2]) !== isInside) continue;
      const u = points[k + plane.right] * plane.rightSign, v = points[k + plane.up] * plane.upSign;
      ctx.fillRect(x0 + u * scale - 1, y0 - v * scale - 1, 2, 2);
    }
  }
  const at = outline(drawn, box, plane).map(([u, v]) => [x0 + u * scale, y0 - v * scale]);
  ctx.strokeStyle = colours.box;
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  at.slice(0, 4).forEach(([x, y], k) => (k ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
  ctx.closePath();
  ctx.stroke();
  if (plane.up === 0) {
    ctx.beginPath();
    ctx.moveTo(at[4][0], at[4][1]);
    ctx.lineTo(at[5][0], at[5][1]);
    ctx.stroke();
  }
}

/** The rectangle of a box in a pane (4 corners), then its centre and the middle of its front: metres, right and up. */
function outline(drawn: Box, box: Box, plane: Plane): [number, number][] {
  const local = toLocal(drawn, box), out: [number, number][] = [];
  const [r, u] = [drawn.size[plane.right] / 2, drawn.size[plane.up] / 2];
  for (const [a, b] of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) out.push(place(local, plane, a * r * plane.rightSign, b * u));
  out.push(place(local, plane, 0, 0), plane.up === 0 ? place(local, plane, 0, u) : place(local, plane, plane.right === 0 ? r : 0, 0));
  return out;
}

interface Local {x: number; y: number; z: number; turn: number}

/** Where a box is in the axes of another. */
function toLocal(drawn: Box, box: Box): Local {
  const c = Math.cos(box.yaw), s = Math.sin(box.yaw);
  const x = drawn.center[0] - box.center[0], y = drawn.center[1] - box.center[1];
  return {x: c * x + s * y, y: c * y - s * x, z: drawn.center[2] - box.center[2], turn: wrap(drawn.yaw - box.yaw)};
}

/** A point of the drawn box, metres along its own axes of the pane, in the pane: right, up. */
function place(local: Local, plane: Plane, alongRight: number, alongUp: number): [number, number] {
  const p = [0, 0, 0];
  p[plane.right] = alongRight;
  p[plane.up] = alongUp;
  const c = Math.cos(local.turn), s = Math.sin(local.turn);
  const q = [local.x + c * p[0] - s * p[1], local.y + s * p[0] + c * p[1], local.z + p[2]];
  return [q[plane.right] * plane.rightSign, q[plane.up] * plane.upSign];
}

function inside(drawn: Box, box: Box): (x: number, y: number, z: number) => boolean {
  const local = toLocal(drawn, box), c = Math.cos(local.turn), s = Math.sin(local.turn), [l, w, h] = drawn.size.map((v) => v / 2);
  return (x, y, z) => {
    const dx = x - local.x, dy = y - local.y;
    return Math.abs(c * dx + s * dy) <= l && Math.abs(c * dy - s * dx) <= w && Math.abs(z - local.z) <= h;
  };
}

/** What is grabbed: sides of the pane's two axes (0: none), or the centre, or the heading. */
type Grab = {kind: 'edge' | 'corner'; right: -1 | 0 | 1; up: -1 | 0 | 1} | {kind: 'centre'} | {kind: 'heading'};

interface Drag {grab: Grab; box: Box; from: [number, number]; points: Float32Array}

/** One orthographic view of the selected box, in which it is corrected. */
export class Pane {
  /** The box the pane is centred on: it stays put while the box is dragged. */
  private centre: Box | null = null;
  private points: Float32Array = new Float32Array();
  private zoom = 1;
  private shift: [number, number] = [0, 0];
  private dragging: Drag | null = null;
  private panned: {x: number; y: number} | null = null;
  private off: () => void;
  private resizes: ResizeObserver;
  private frame = 0;
  readonly plane: Plane;

  /** `fixed`: the sweep it stays at; else it follows the session's. */
  constructor(readonly canvas: HTMLCanvasElement, private session: Session, readonly side: Side, private fixed?: number) {
    this.plane = PLANES[side];
    canvas.tabIndex = 0;
    canvas.setAttribute('aria-label', `${side} view of the selected box`);
    canvas.addEventListener('pointerdown', (event) => this.down(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.up(event));
    canvas.addEventListener('dblclick', (event) => this.twice(event));
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      this.zoom = Math.min(Math.max(this.zoom * Math.exp(-event.deltaY / 500), 0.3), 12);
      this.later();
    }, {passive: false});
    this.off = session.on((what) => {
      if (what === 'select' || (what === 'sweep' && fixed === undefined)) this.recentre();
      else if (what === 'tracks' && !this.dragging) this.recentre(true);
      else if (what !== 'outbox' && what !== 'told') this.later();
    });
    this.resizes = new ResizeObserver(() => this.later());
    this.resizes.observe(canvas);
    this.recentre();
  }

  dispose(): void {
    this.off();
    this.resizes.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Centre on the selected box as it is now. */
  recentre(keepsView = false): void {
    const {session} = this;
    this.centre = session.selected ? session.boxAt(session.selected, this.sweep) : null;
    if (!keepsView) [this.zoom, this.shift] = [1, [0, 0]];
    this.gather();
    this.later();
  }

  /** Where a place of the box, metres from its centre along its own axes, is on the page: CSS pixels. */
  at(alongRight: number, alongUp: number): {x: number; y: number} | null {
    const box = this.shownBox();
    if (!box || !this.centre) return null;
    const [u, v] = place(toLocal(box, this.centre), this.plane, alongRight, alongUp), {x0, y0, scale} = this.frameOf();
    const on = this.canvas.getBoundingClientRect();
    return {x: on.left + x0 + u * scale, y: on.top + y0 - v * scale};
  }

  private get sweep(): number {
    return this.fixed ?? this.session.sweep;
  }

  private shownBox(): Box | null {
    const {session} = this;
    return session.selected ? session.boxAt(session.selected, this.sweep) : null;
  }

  private gather(): void {
    const {session, sweep} = this, pose = session.scene?.world_from_sensor?.[sweep];
    this.points = new Float32Array();
    if (!this.centre || !pose) return;
    const centre = this.centre;
    void session.clouds.load(sweep).then((cloud) => {
      if (centre !== this.centre) return;
      this.points = near(cloud, pose, centre, REACH_M);
      this.later();
    }).catch(() => undefined);
  }

  private later(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private frameOf(): {x0: number; y0: number; scale: number; width: number; height: number} {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    const scale = this.centre ? scaleOf(this.centre, this.plane, width, height, this.zoom) : 1;
    return {x0: width / 2 + this.shift[0], y0: height / 2 + this.shift[1], scale, width, height};
  }

  private draw(): void {
    const ratio = window.devicePixelRatio || 1, {width, height, scale} = this.frameOf();
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const ctx = this.canvas.getContext('2d');
    if (!ctx) return;
    const colours = isLight() ? LIGHT : DARK;
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    const box = this.shownBox();
    if (!this.centre || !box) {
      ctx.fillStyle = colours.back;
      ctx.fillRect(0, 0, width, height);
      ctx.fillStyle = colours.text;
      ctx.font = '12px sans-serif';
      ctx.fillText(this.session.selected ? 'no box at this sweep' : 'no track selected', 10, 20);
      return;
    }
    paint(ctx, width, height, this.points, this.centre, box, this.plane, scale, colours, this.shift);
    ctx.fillStyle = colours.handle;
    for (const {x, y} of this.handles()) ctx.fillRect(x - 3, y - 3, 6, 6);
    ctx.fillStyle = colours.text;
    ctx.font = '11px sans-serif';
    const [a, b] = [box.size[this.plane.right], box.size[this.plane.up]];
    ctx.fillText(`${this.side}   ${a.toFixed(2)} × ${b.toFixed(2)} m`, 8, 14);
  }

  /** All handles, canvas pixels. */
  private handles(): {x: number; y: number; grab: Grab}[] {
    const box = this.shownBox();
    if (!box || !this.centre) return [];
    const {x0, y0, scale} = this.frameOf(), local = toLocal(box, this.centre);
    const [r, u] = [box.size[this.plane.right] / 2, box.size[this.plane.up] / 2];
    const on = (alongRight: number, alongUp: number, grab: Grab): {x: number; y: number; grab: Grab} => {
      const [h, v] = place(local, this.plane, alongRight, alongUp);
      return {x: x0 + h * scale, y: y0 - v * scale, grab};
    };
    const found = [];
    for (const right of [-1, 0, 1] as const) {
      for (const up of [-1, 0, 1] as const) {
        const grab: Grab = right || up ? {kind: right && up ? 'corner' : 'edge', right, up} : {kind: 'centre'};
        found.push(on(right * r, up * u, grab));
      }
    }
    if (this.side === 'top') found.push(on(0, u + ARROW_PX / scale, {kind: 'heading'}));
    return found;
  }

  private grabbed(event: MouseEvent): Grab | null {
    const on = this.canvas.getBoundingClientRect(), x = event.clientX - on.left, y = event.clientY - on.top;
    let best = GRAB_PX, found: Grab | null = null;
    for (const handle of this.handles()) {
      const away = Math.hypot(handle.x - x, handle.y - y);
      if (away < best) [best, found] = [away, handle.grab];
    }
    return found;
  }

  /** Metres right and up of the pane's centre. */
  private metres(event: MouseEvent): [number, number] {
    const on = this.canvas.getBoundingClientRect(), {x0, y0, scale} = this.frameOf();
    return [(event.clientX - on.left - x0) / scale, (y0 - (event.clientY - on.top)) / scale];
  }

  private down(event: PointerEvent): void {
    this.canvas.focus({preventScroll: true});
    if (this.fixed !== undefined) this.session.show(this.fixed);
    const box = this.shownBox(), grab = event.button === 0 ? this.grabbed(event) : null;
    this.canvas.setPointerCapture(event.pointerId);
    if (grab && box) this.dragging = {grab, box, from: this.metres(event), points: this.pointsIn(box)};
    else this.panned = {x: event.clientX, y: event.clientY};
  }

  private move(event: PointerEvent): void {
    if (this.dragging) {
      this.session.drag(this.dragged(this.dragging, event));
      return;
    }
    if (this.panned && event.buttons) {
      this.shift = [this.shift[0] + event.clientX - this.panned.x, this.shift[1] + event.clientY - this.panned.y];
      this.panned = {x: event.clientX, y: event.clientY};
      this.later();
      return;
    }
    const grab = this.grabbed(event);
    this.canvas.style.cursor = !grab ? 'default' : grab.kind === 'heading' ? 'grab' : grab.kind === 'centre' ? 'move' : 'crosshair';
  }

  private up(event: PointerEvent): void {
    this.panned = null;
    const drag = this.dragging;
    this.dragging = null;
    if (!drag) return;
    let box = this.dragged(drag, event);
    const {grab} = drag;
    if ((event.ctrlKey || event.metaKey) && (grab.kind === 'edge' || grab.kind === 'corner')) {
      for (const [axis, side] of this.faces(grab)) box = shrunk(this.pointsIn(box), box, axis, side);
    }
    if (same(box, drag.box)) {
      this.session.live = null;
      this.later();
      return;
    }
    this.session.drag(box);
    this.session.commitDrag();
    this.recentre(true);
  }

  /** Twice on a handle: shrink that side to the points inside; on the centre: all sides of the pane. */
  private twice(event: MouseEvent): void {
    const grab = this.grabbed(event), start = this.shownBox();
    if (!grab || !start || grab.kind === 'heading') return;
    const sides: [number, 1 | -1][] = grab.kind === 'centre'
      ? [[this.plane.right, 1], [this.plane.right, -1], [this.plane.up, 1], [this.plane.up, -1]]
      : this.faces(grab);
    let box = start;
    for (const [axis, side] of sides) {
      if (grab.kind === 'centre' && axis === 2 && side === -1) continue; // the bottom is the ground's
      box = shrunk(this.pointsIn(box), box, axis, side);
    }
    if (same(box, start)) return;
    this.session.drag(box);
    this.session.commitDrag();
  }

  private faces(grab: {right: number; up: number}): [number, 1 | -1][] {
    const out: [number, 1 | -1][] = [];
    if (grab.right) out.push([this.plane.right, (grab.right * 1) as 1 | -1]);
    if (grab.up) out.push([this.plane.up, (grab.up * this.plane.upSign) as 1 | -1]);
    return out;
  }

  private dragged(drag: Drag, event: PointerEvent): Box {
    const {grab, box, from} = drag, to = this.metres(event), {plane} = this;
    const local = toLocal(box, this.centre!);
    if (grab.kind === 'heading') {
      const aim = Math.atan2(-to[0] - local.y, to[1] - local.x); // right is -left, up is ahead
      return {...box, yaw: wrap(this.centre!.yaw + aim)};
    }
    // The way in the pane's axes, then in the box's own: they differ where the box was turned.
    const way = [0, 0, 0];
    way[plane.right] = (to[0] - from[0]) * plane.rightSign;
    way[plane.up] = (to[1] - from[1]) * plane.upSign;
    const c = Math.cos(local.turn), s = Math.sin(local.turn);
    const own = [c * way[0] + s * way[1], c * way[1] - s * way[0], way[2]];
    if (grab.kind === 'centre') return moved(box, own[0], own[1], own[2]);
    let found = box;
    for (const [axis, side] of this.faces(grab)) {
      const at = (side * found.size[axis]) / 2 + own[axis];
      found = event.shiftKey ? shifted(found, axis, side, at) : withFace(found, axis, side, at);
    }
    return found;
  }

  /** The gathered points in a box's own axes. */
  private pointsIn(box: Box): Float32Array {
    const local = toLocal(box, this.centre!), c = Math.cos(local.turn), s = Math.sin(local.turn);
    const out = new Float32Array(this.points.length);
    for (let k = 0; k < out.length; k += 3) {
      const x = this.points[k] - local.x, y = this.points[k + 1] - local.y;
      out.set([c * x + s * y, c * y - s * x, this.points[k + 2] - local.z], k);
    }
    return out;
  }
}

function same(a: Box, b: Box): boolean {
  return [...a.center, ...a.size, a.yaw].every((v, k) => Math.abs(v - [...b.center, ...b.size, b.yaw][k]) < 1e-6);
}
