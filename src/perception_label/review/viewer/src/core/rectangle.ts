// A rectangle drawn on the ground with Ctrl and a drag: what is in it becomes a track.
import * as T from '../three.ts';
import type {Vec} from './boxmath.ts';
import type {Box} from './types.ts';

export const LEAST_M = 0.3; // smaller was a slip

/** The rectangle between two places on the ground, its length along `yaw`; no height. */
export function between(a: Vec, b: Vec, yaw: number): Box {
  const c = Math.cos(yaw), s = Math.sin(yaw), dx = b[0] - a[0], dy = b[1] - a[1];
  const size = [Math.abs(c * dx + s * dy), Math.abs(c * dy - s * dx), 0];
  return {center: [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2], size, yaw};
}

/** The outline that follows the pointer. */
export class RectangleLine {
  readonly object: InstanceType<typeof T.Line>;
  private from: Vec | null = null;
  private yaw = 0;
  /** What is drawn now; null: nothing. */
  box: Box | null = null;

  constructor(scene: InstanceType<typeof T.Scene>) {
    this.object = new T.Line(new T.BufferGeometry(), new T.LineBasicMaterial({color: 0xffd43b, depthTest: false}));
    this.object.geometry.setAttribute('position', new T.BufferAttribute(new Float32Array(15), 3));
    this.object.frustumCulled = false;
    this.object.renderOrder = 9;
    this.object.visible = false;
    scene.add(this.object);
  }

  get isOn(): boolean {
    return this.from !== null;
  }

  /** Begin at a place on the ground; the rectangle's length runs along `yaw`. */
  begin(from: Vec, yaw: number): void {
    [this.from, this.yaw, this.box] = [from, yaw, null];
  }

  /** Draw it up to a place; `origin` is the scene's, in the world. */
  to(place: Vec, origin: Vec): void {
    if (!this.from) return;
    this.box = between(this.from, place, this.yaw);
    const {center, size, yaw} = this.box, c = Math.cos(yaw), s = Math.sin(yaw);
    const at = this.object.geometry.getAttribute('position');
    [[1, 1], [1, -1], [-1, -1], [-1, 1], [1, 1]].forEach(([i, j], k) => {
      const x = (i * size[0]) / 2, y = (j * size[1]) / 2;
      at.setXYZ(k, center[0] + c * x - s * y - origin[0], center[1] + s * x + c * y - origin[1], center[2] - origin[2] + 0.05);
    });
    at.needsUpdate = true;
    this.object.visible = true;
  }

  /** Take it away; returns it if it is large enough. */
  end(): Box | null {
    const {box} = this;
    [this.from, this.box, this.object.visible] = [null, null, false];
    return box && Math.min(box.size[0], box.size[1]) >= LEAST_M ? box : null;
  }

  dispose(): void {
    this.object.geometry.dispose();
    (this.object.material as InstanceType<typeof T.LineBasicMaterial>).dispose();
  }
}
