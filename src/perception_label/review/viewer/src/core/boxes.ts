import * as T from '../three.ts';
import {classColour, shareColour, sourceColour, trackColour} from './colours.ts';
import {segments, type Vec} from './boxmath.ts';
import {rowAt, type Session} from './session.ts';
import {onBackground, selectedColour} from './theme.ts';
import type {Box, Track} from './types.ts';

const PER_BOX = 32; // vertices of 16 segments

/** The boxes of one sweep as lines: one buffer, however many there are. */
export class BoxLines {
  readonly object: InstanceType<typeof T.LineSegments>;
  private geometry = new T.BufferGeometry();
  private material = new T.LineBasicMaterial({vertexColors: true});
  private room = 0;
  /** Which box is where, for picking. */
  shown: {trackId: string; box: Box}[] = [];

  constructor(private session: Session, private origin: Vec) {
    this.object = new T.LineSegments(this.geometry, this.material);
    this.object.frustumCulled = false;
  }

  /** Draw the boxes of the session's sweep anew. */
  update(): void {
    const {session} = this, {view, sweep} = session;
    this.shown = [];
    for (const track of session.tracks.values()) {
      if ((view.hidesOthers || view.isFocused) && session.selected && track.track_id !== session.selected) continue;
      const box = session.boxAt(track.track_id, sweep);
      if (box) this.shown.push({trackId: track.track_id, box});
    }
    const ghosts = [...session.ghosts.values()];
    this.reserve(this.shown.length + ghosts.length + 1);
    const places = this.geometry.getAttribute('position').array as Float32Array;
    const colours = this.geometry.getAttribute('color').array as Float32Array;
    let k = 0;
    const put = (box: Box, hex: number): void => {
      const colour = new T.Color(hex);
      for (const [x, y, z] of segments(box)) {
        places.set([x - this.origin[0], y - this.origin[1], z - this.origin[2]], 3 * k);
        colours.set([colour.r, colour.g, colour.b], 3 * k);
        k++;
      }
    };
    for (const {trackId, box} of this.shown) put(box, this.colour(session.tracks.get(trackId), trackId === session.selected));
    for (const box of ghosts) put(box, 0xff6b6b);
    this.geometry.setDrawRange(0, k);
    this.geometry.getAttribute('position').needsUpdate = true;
    this.geometry.getAttribute('color').needsUpdate = true;
  }

  dispose(): void {
    this.geometry.dispose();
    this.material.dispose();
  }

  private colour(track: Track | undefined, isSelected: boolean): number {
    if (isSelected) return selectedColour();
    return onBackground(this.plain(track));
  }

  private plain(track: Track | undefined): number {
    if (!track) return 0xb0b0b0;
    const {colour} = this.session.view, row = rowAt(track.sweeps, this.session.sweep);
    if (colour === 'track') return trackColour(track.track_id);
    if (colour === 'source') return sourceColour(track.sources[track.box_sources[row]] ?? track.source);
    if (colour === 'time') return shareColour(track.expected_iou[row] ?? null);
    return classColour(track.class_name);
  }

  private reserve(n: number): void {
    if (n <= this.room) return;
    this.room = Math.max(64, 2 * n);
    this.geometry.dispose();
    this.geometry = new T.BufferGeometry();
    for (const name of ['position', 'color']) {
      this.geometry.setAttribute(name, new T.BufferAttribute(new Float32Array(this.room * PER_BOX * 3), 3));
    }
    this.geometry.boundingSphere = new T.Sphere(new T.Vector3(), 1e6);
    this.object.geometry = this.geometry;
  }
}
