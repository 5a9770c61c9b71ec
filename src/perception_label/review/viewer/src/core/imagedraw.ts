// Draws a picture's labels on its canvas; places are edges of the image, scaled.
import {classColour, css, shareColour} from './colours.ts';
import {decode, type Place} from './mask.ts';
import {project, seen} from './project.ts';
import type {Session} from './session.ts';
import {handles, partsOf} from './shapes.ts';
import type {Box, Camera, ImageLabel, Shape2d, Track} from './types.ts';

const MOST_TINTS = 200;

/** How an image lies on its canvas: a place is origin + scale * edge, in canvas pixels. */
export interface Lie {scale: number; x: number; y: number}

const tints = new Map<string, HTMLCanvasElement>();

/** A track's box at any instant: straight between the sweeps around it. */
export function boxAtInstant(session: Session, track: Track, at: bigint): Box | null {
  const times = session.scene!.timestamps_ns;
  let low = 0, high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (BigInt(times[middle]) <= at) low = middle;
    else high = middle - 1;
  }
  const a = session.boxAt(track.track_id, low), b = low + 1 < times.length ? session.boxAt(track.track_id, low + 1) : null;
  const whole = low + 1 < times.length ? Number(BigInt(times[low + 1]) - BigInt(times[low])) : 0;
  const share = whole ? Math.max(Number(at - BigInt(times[low])) / whole, 0) : 0;
  if (!a || !b) return share <= 0.5 ? a : b;
  const turn = Math.atan2(Math.sin(b.yaw - a.yaw), Math.cos(b.yaw - a.yaw));
  return {...a, center: a.center.map((v, d) => v + share * (b.center[d] - v)), yaw: a.yaw + share * turn};
}

/** The outlines of the boxes in the world, thin, behind the labels of the image; returns where each is. */
export function drawCuboids(ctx: CanvasRenderingContext2D, session: Session, camera: Camera, image: number, lie: Lie): void {
  const pose = camera.world_from_camera?.[image], now = BigInt(camera.image_timestamps_ns[image]);
  if (!pose) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(lie.x, lie.y, camera.width_px * lie.scale, camera.height_px * lie.scale);
  ctx.clip();
  ctx.setLineDash([4, 3]);
  for (const track of session.tracks.values()) {
    const isSelected = track.track_id === session.selected;
    if (!track.sweeps.length || (session.view.hidesOthers && !isSelected)) continue;
    const box = boxAtInstant(session, track, now), sight = box ? seen(camera, pose, box) : null;
    if (!sight) continue;
    ctx.strokeStyle = isSelected ? '#ffffff' : css(classColour(track.class_name));
    ctx.globalAlpha = isSelected ? 0.9 : 0.55;
    ctx.lineWidth = 1;
    ctx.beginPath();
    for (const line of sight.lines) trace(ctx, line.map(([x, y]) => [x + 0.5, y + 0.5]), lie, false);
    ctx.stroke();
  }
  ctx.restore();
}

/** The track whose box is at a place: the nearest of those whose outline holds it. */
export function cuboidAt(session: Session, camera: Camera, image: number, place: Place): string | null {
  const pose = camera.world_from_camera?.[image], now = BigInt(camera.image_timestamps_ns[image]);
  let found: string | null = null, near = Infinity;
  for (const track of pose ? session.tracks.values() : []) {
    const box = track.sweeps.length ? boxAtInstant(session, track, now) : null;
    const sight = box ? seen(camera, pose!, box) : null, middle = box ? project(camera, pose!, box.center) : null;
    if (!sight || !middle || middle.depth >= near) continue;
    const xs = sight.lines.flat().map(([x]) => x + 0.5), ys = sight.lines.flat().map(([, y]) => y + 0.5);
    if (place[0] < Math.min(...xs) || place[0] > Math.max(...xs) || place[1] < Math.min(...ys) || place[1] > Math.max(...ys)) continue;
    [found, near] = [track.track_id, middle.depth];
  }
  return found;
}

/** One label: its shape, and for the selected track what can be taken hold of. */
export function drawLabel(ctx: CanvasRenderingContext2D, label: ImageLabel, lie: Lie, isSelected: boolean, hasHandles: boolean): void {
  const {shape} = label;
  if (!shape) return;
  ctx.save();
  const colour = css(classColour(label.class_name));
  ctx.strokeStyle = isSelected ? '#ffffff' : colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = isSelected ? 2 : 1.5;
  ctx.globalAlpha = label.is_stale ? 0.45 : 1;
  ctx.setLineDash(label.visible ? [] : [6, 4]);
  if (shape.kind === 'mask') {
    ctx.globalAlpha *= isSelected ? 0.55 : 0.4;
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(tint(shape, colour), lie.x, lie.y, shape.size_px[1] * lie.scale, shape.size_px[0] * lie.scale);
  }
  ctx.beginPath();
  for (const points of shape.kind === 'keypoints' ? [] : partsOf(shape)) trace(ctx, points, lie, shape.kind !== 'polyline');
  ctx.stroke();
  if (shape.kind === 'keypoints') dots(ctx, shape, lie);
  tag(ctx, label, lie);
  if (hasHandles) {
    ctx.setLineDash([]);
    for (const handle of handles(shape)) {
      const x = lie.x + handle.at[0] * lie.scale, y = lie.y + handle.at[1] * lie.scale, r = handle.kind === 'between' ? 2.5 : 4;
      ctx.fillStyle = handle.kind === 'between' ? '#888888' : '#ffffff';
      ctx.fillRect(x - r, y - r, 2 * r, 2 * r);
    }
  }
  ctx.restore();
}

/** Points on their way to a shape. */
export function drawDraft(ctx: CanvasRenderingContext2D, points: Place[], pointer: Place | null, lie: Lie): void {
  if (!points.length) return;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = '#ffee58';
  ctx.lineWidth = 1.5;
  ctx.beginPath();
  trace(ctx, pointer ? [...points, pointer] : points, lie, false);
  ctx.stroke();
  for (const [x, y] of points) ctx.fillRect(lie.x + x * lie.scale - 3, lie.y + y * lie.scale - 3, 6, 6);
  ctx.restore();
}

/** A mask that is being painted, from its pixels. */
export function drawPaint(ctx: CanvasRenderingContext2D, mask: Uint8Array, width: number, height: number, lie: Lie): void {
  ctx.save();
  ctx.globalAlpha = 0.55;
  ctx.imageSmoothingEnabled = false;
  ctx.drawImage(painted(mask, width, height, '#ffee58'), lie.x, lie.y, width * lie.scale, height * lie.scale);
  ctx.restore();
}

function tint(shape: Shape2d & {kind: 'mask'}, colour: string): HTMLCanvasElement {
  const key = `${colour}${shape.size_px}${shape.counts}`;
  const found = tints.get(key) ?? painted(decode(shape.counts, shape.size_px[1], shape.size_px[0]), shape.size_px[1], shape.size_px[0], colour);
  tints.delete(key);
  tints.set(key, found);
  if (tints.size > MOST_TINTS) tints.delete(tints.keys().next().value!);
  return found;
}

function painted(mask: Uint8Array, width: number, height: number, colour: string): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const ctx = canvas.getContext('2d')!, data = ctx.createImageData(width, height);
  const rgb = [1, 3, 5].map((k) => parseInt(colour.slice(k, k + 2), 16));
  for (let i = 0; i < mask.length; i++) if (mask[i]) data.data.set([...rgb, 255], 4 * i);
  ctx.putImageData(data, 0, 0);
  return canvas;
}

function trace(ctx: CanvasRenderingContext2D, points: Place[], lie: Lie, isClosed: boolean): void {
  points.forEach(([x, y], k) => {
    const at: Place = [lie.x + x * lie.scale, lie.y + y * lie.scale];
    if (k) ctx.lineTo(...at);
    else ctx.moveTo(...at);
  });
  if (isClosed) ctx.closePath();
}

function dots(ctx: CanvasRenderingContext2D, shape: Shape2d & {kind: 'keypoints'}, lie: Lie): void {
  partsOf(shape)[0].forEach(([x, y], k) => {
    if (!shape.visibility[k]) return;
    ctx.beginPath();
    ctx.arc(lie.x + x * lie.scale, lie.y + y * lie.scale, 5, 0, 2 * Math.PI);
    ctx.stroke();
    if (shape.visibility[k] === 2) ctx.fill();
  });
}

/** Class and expected IoU above a shape; a keyframe has a diamond instead of a number. */
function tag(ctx: CanvasRenderingContext2D, label: ImageLabel, lie: Lie): void {
  const points = label.shape ? partsOf(label.shape).flat() : [];
  if (!points.length) return;
  const x = lie.x + Math.min(...points.map((p) => p[0])) * lie.scale, y = lie.y + Math.min(...points.map((p) => p[1])) * lie.scale;
  const said = `${label.class_name} ${label.is_key ? '◆' : (label.expected_iou?.toFixed(2) ?? '?')}`;
  ctx.font = '11px sans-serif';
  const top = Math.max(y - 8, 11);
  ctx.fillStyle = '#000000a0';
  ctx.fillRect(x, top - 10, ctx.measureText(said).width + 6, 13);
  ctx.fillStyle = label.is_key ? '#ffffff' : css(shareColour(label.expected_iou));
  ctx.fillText(said, x + 3, top);
}
