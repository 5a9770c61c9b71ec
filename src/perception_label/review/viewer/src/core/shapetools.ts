import {css, shareColour} from './colours.ts';
import type {Lie} from './imagedraw.ts';
import type {ImageView} from './imageview.ts';
import {brush, decode, encode, fill, type Place} from './mask.ts';
import {boxOf, crosses, dragged, handleAt, isInside, withoutVertex, type Handle} from './shapes.ts';
import {isLight, selectedColour} from './theme.ts';
import type {Geometry, Shape2d} from './types.ts';

export type DrawTool = 'select' | Geometry | 'fill';

const REACH_PX = 9, LEAST_PX = 1.5, LEAST_RADIUS = 0.5, MOST_RADIUS = 200;

/** What pointer and keys draw on an image; what is finished goes to the view, which stores it. */
export class ShapeTools {
  tool: DrawTool = 'select';
  radius = 4;
  isErasing = false;
  /** Vertices of a shape that is not closed yet. */
  draft: Place[] = [];
  /** The shape that is being drawn or dragged. */
  live: Shape2d | null = null;
  /** The mask that is being painted, row by row. */
  paint: Uint8Array | null = null;
  pointer: Place | null = null;
  private from: {shape: Shape2d; handle: Handle; at: Place} | null = null;
  private start: Place | null = null;
  private value: 0 | 1 = 1;
  private reach = REACH_PX;

  constructor(private view: ImageView) {}

  takeUp(tool: DrawTool): void {
    this.leave();
    this.tool = tool;
    this.view.later();
  }

  /** Put down what is half drawn; true if there was anything. */
  leave(): boolean {
    const had = Boolean(this.draft.length || this.live || this.paint);
    this.draft = [];
    this.live = this.paint = this.from = this.start = null;
    return had;
  }

  size(by: number): void {
    this.radius = Math.min(Math.max(this.radius * by, LEAST_RADIUS), MOST_RADIUS);
    this.view.later();
  }

  /** Whether a shape of this kind shows its handles now. */
  holds(kind: Geometry): boolean {
    return this.tool === 'select' || this.tool === kind;
  }

  /** The pointer goes down; false if that is nothing to a tool. */
  down(place: Place, event: PointerEvent, scale: number): boolean {
    this.reach = REACH_PX / scale;
    if (this.tool === 'mask') {
      this.value = event.button === 2 || event.altKey || this.isErasing ? 0 : 1;
      this.paint = this.mask();
      this.start = place;
      this.stroke(place, place);
      return true;
    }
    if (this.tool !== 'fill' && !this.draft.length && this.grab(place, event)) return true;
    if (this.tool === 'select') return false;
    if (this.tool === 'box') this.start = place;
    else if (this.tool === 'keypoints') this.addPoint(place);
    else this.addVertex(place, event.shiftKey);
    return true;
  }

  move(place: Place): void {
    this.pointer = place;
    if (this.tool === 'mask' && this.paint && this.start) {
      this.stroke(this.start, place);
      this.start = place;
    } else if (this.from) {
      const {shape, handle, at} = this.from, to: Place = [handle.at[0] + place[0] - at[0], handle.at[1] + place[1] - at[1]];
      this.live = dragged(shape, handle, to);
    } else if (this.tool === 'box' && this.start) this.live = boxOf(this.start, place);
  }

  up(place: Place): void {
    if (this.paint) {
      this.keepMask(this.paint);
    } else if (this.from || this.start) {
      this.move(place);
      const shape = this.live, isMoved = this.from && shape && JSON.stringify(shape) !== JSON.stringify(this.from.shape);
      const isDrawn = this.start && shape?.kind === 'box'
        && shape.box_px[2] - shape.box_px[0] >= LEAST_PX && shape.box_px[3] - shape.box_px[1] >= LEAST_PX;
      this.from = this.start = this.live = null;
      if (shape && (isMoved || isDrawn)) this.view.set(shape);
    }
  }

  /** Close the polygon or line that is being drawn; with `isMore` it is one more part of what is there. */
  finish(isMore: boolean): void {
    // A double click has put its place twice.
    const points = this.draft.filter((p, k) => !k || Math.hypot(p[0] - this.draft[k - 1][0], p[1] - this.draft[k - 1][1]) > 1e-6);
    if (this.tool === 'polyline' && points.length >= 2) {
      this.draft = [];
      this.view.set({kind: 'polyline', points_px: points.map(centre)});
    } else if ((this.tool === 'polygon' || this.tool === 'fill') && points.length >= 3) {
      if (crosses(points)) {
        this.view.session.say('the outline crosses itself: Backspace takes the last corner back');
        return;
      }
      this.draft = [];
      if (this.tool === 'fill') {
        const mask = this.mask(), {width_px, height_px} = this.view.model!;
        fill(mask, width_px, height_px, points.map(centre), this.isErasing ? 0 : 1);
        this.keepMask(mask);
      } else {
        const there = isMore ? this.view.mine('polygon')?.shape : null, parts = there?.kind === 'polygon' ? there.parts_px : [];
        this.view.set({kind: 'polygon', parts_px: [...parts, points.map(centre)]});
      }
    }
    this.view.later();
  }

  /** Take the last vertex back; true if there was one. */
  backOne(): boolean {
    const had = this.draft.pop() !== undefined;
    this.view.later();
    return had;
  }

  drawBrush(ctx: CanvasRenderingContext2D, lie: Lie): void {
    if (this.tool !== 'mask' || !this.pointer) return;
    ctx.strokeStyle = this.isErasing ? '#ff5252' : '#ffee58';
    ctx.beginPath();
    ctx.arc(lie.x + this.pointer[0] * lie.scale, lie.y + this.pointer[1] * lie.scale, this.radius * lie.scale, 0, 2 * Math.PI);
    ctx.stroke();
  }

  /** How sure the selected track's labels are, image by image; its keyframes are diamonds. */
  drawStrip(canvas: HTMLCanvasElement): void {
    canvas.width = canvas.clientWidth;
    canvas.height = canvas.clientHeight;
    const ctx = canvas.getContext('2d')!, n = this.view.n, step = canvas.width / Math.max(n, 1), h = canvas.height;
    for (const label of this.view.labels?.overview ?? []) {
      const x = label.image * step;
      ctx.fillStyle = label.is_stale ? '#6c757d' : css(shareColour(label.expected_iou));
      ctx.fillRect(x, h * 0.35, Math.max(step, 1), h * 0.3);
      if (!label.is_key) continue;
      ctx.fillStyle = css(selectedColour());
      ctx.save();
      ctx.translate(x + step / 2, h / 2);
      ctx.rotate(Math.PI / 4);
      ctx.fillRect(-3.5, -3.5, 7, 7);
      ctx.restore();
    }
    ctx.fillStyle = isLight() ? '#c92a2a' : '#ffee58';
    ctx.fillRect((this.view.image + 0.5) * step - 1, 0, 2, h);
  }

  /** Take hold of a handle of the selected track's shapes, or change the vertex there. */
  private grab(place: Place, event: PointerEvent): boolean {
    const kinds: Geometry[] = this.tool === 'select' ? ['keypoints', 'polygon', 'polyline', 'box'] : [this.tool as Geometry];
    for (const kind of kinds) {
      const shape = this.view.mine(kind)?.shape;
      if (!shape) continue;
      let handle = handleAt(shape, place, this.reach);
      // A box is moved from anywhere inside, unless another is drawn.
      if (!handle && kind === 'box' && this.tool === 'select' && isInside(shape, place)) handle = {kind: 'inside', at: place};
      if (!handle) continue;
      if (event.altKey && handle.kind === 'vertex') {
        const next = withoutVertex(shape, handle);
        if (next !== shape) this.view.set(next);
      } else if (event.shiftKey && handle.kind === 'vertex' && shape.kind === 'keypoints') {
        const at = handle.index;
        this.view.set({...shape, visibility: shape.visibility.map((v, k) => (k === at ? (v === 2 ? 1 : 2) : v))});
      } else this.from = {shape, handle, at: place};
      return true;
    }
    return false;
  }

  private addPoint(place: Place): void {
    const there = this.view.mine('keypoints')?.shape, known = there?.kind === 'keypoints' ? there : null;
    this.view.set({
      kind: 'keypoints', points_px: [...(known?.points_px ?? []), centre(place)], visibility: [...(known?.visibility ?? []), 2],
    });
  }

  private addVertex(place: Place, isMore: boolean): void {
    const first = this.draft[0];
    if (this.tool !== 'polyline' && this.draft.length >= 3 && Math.hypot(first[0] - place[0], first[1] - place[1]) <= this.reach) {
      this.finish(isMore);
    } else this.draft.push(place);
  }

  private mask(): Uint8Array {
    const {width_px, height_px} = this.view.model!, there = this.view.mine('mask')?.shape;
    return there?.kind === 'mask' ? decode(there.counts, width_px, height_px) : new Uint8Array(width_px * height_px);
  }

  private stroke(a: Place, b: Place): void {
    const {width_px, height_px} = this.view.model!;
    brush(this.paint!, width_px, height_px, centre(a), centre(b), this.radius, this.value);
  }

  private keepMask(mask: Uint8Array): void {
    const {width_px, height_px} = this.view.model!;
    this.paint = this.start = null;
    if (mask.some(Boolean)) this.view.set({kind: 'mask', size_px: [height_px, width_px], counts: encode(mask, width_px, height_px)});
    else this.view.remove('mask');
  }
}

/** A place as a point of a shape: pixel centres are whole numbers. */
function centre([x, y]: Place): Place {
  return [Math.round((x - 0.5) * 100) / 100, Math.round((y - 0.5) * 100) / 100];
}
