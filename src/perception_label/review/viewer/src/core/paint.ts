// Colours of single points: by the box that they are in; and points that are not drawn at all.
import {classColour, sourceColour, trackColour} from './colours.ts';
import type {Arriving} from './container.ts';
import {owners} from './owners.ts';
import {rowAt, type Session} from './session.ts';
import {isLight, onBackground} from './theme.ts';
import type {Box, Track} from './types.ts';

const MOVES_M = 1; // farther between its first and last box, or any two: it moves
const AROUND_M = 0.2; // of a mover's box: what it stirs up, and where its box is a bit small
const PAINTED = 255, HIDDEN = 128; // in the fourth byte; the shader's halves

/** Whether a track goes anywhere: only then is it smeared in an aggregated view. */
export function isMover(track: Track): boolean {
  if (track.is_static) return false;
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let k = 0; k < track.poses.length; k += 4) {
    [x0, x1] = [Math.min(x0, track.poses[k]), Math.max(x1, track.poses[k])];
    [y0, y1] = [Math.min(y0, track.poses[k + 1]), Math.max(y1, track.poses[k + 1])];
  }
  return Math.hypot(x1 - x0, y1 - y0) > MOVES_M;
}

function shade(track: Track, sweep: number, colour: string): number {
  if (colour === 'track') return trackColour(track.track_id);
  if (colour === 'class') return classColour(track.class_name);
  const row = rowAt(track.sweeps, sweep);
  return sourceColour(track.sources[track.box_sources[row]] ?? track.source);
}

/** Red, green, blue and what to do with each point of a sweep; null if all are drawn alike. */
export function paintOf(session: Session, cloud: Arriving, sweep: number): Uint8Array | null {
  const {colour} = session.view, pose = session.scene?.world_from_sensor?.[sweep], isOther = sweep !== session.sweep;
  const paints = colour === 'class' || colour === 'track' || colour === 'source';
  if (!pose || (!paints && !isOther)) return null;
  const tracks: Track[] = [], boxes: Box[] = [];
  for (const track of session.tracks.values()) {
    const hides = isOther && isMover(track), box = paints || hides ? session.boxAt(track.track_id, sweep) : null;
    if (!box) continue;
    tracks.push(track);
    boxes.push(box);
  }
  const of = owners(cloud, pose, boxes, isOther ? AROUND_M : 0), out = new Uint8Array(4 * (cloud.header?.n ?? 0));
  const shades = tracks.map((track) => (paints ? onBackground(shade(track, sweep, colour)) : 0)), hidden = tracks.map((track) => isOther && isMover(track));
  for (let k = 0; k < of.length; k++) {
    const n = of[k];
    if (n < 0) continue;
    out[4 * k] = shades[n] >> 16;
    out[4 * k + 1] = (shades[n] >> 8) & 255;
    out[4 * k + 2] = shades[n] & 255;
    out[4 * k + 3] = hidden[n] ? HIDDEN : paints ? PAINTED : 0;
  }
  return out;
}

/** The tint of a sweep in the colouring by time: earlier ones blue, later ones orange, the one that is shown stands out. */
export function timeTint(offset: number, most: number): number {
  if (!offset) return isLight() ? 0x212529 : 0xf1f3f5;
  const far = Math.min(Math.abs(offset) / Math.max(most, 1), 1), [near, end] = offset < 0 ? [0x74c0fc, 0x1c5fb0] : [0xffc078, 0xc2410c];
  return [16, 8, 0].reduce((sum, k) => {
    const from = (near >> k) & 255, to = (end >> k) & 255;
    return sum | (Math.round(from + (to - from) * far) << k);
  }, 0);
}
