import * as T from '../three.ts';
import {axes, toWorld, withFace, type Vec} from './boxmath.ts';
import type {Eye, Pointer} from './eye.ts';
import type {Box} from './types.ts';

const HANDLE_PX = 7;
const COLOURS = [0xff6b6b, 0x69db7c, 0x74c0fc]; // ahead, left, up

/** A dot on each side of the selected box; a dragged one takes its side along, the opposite one stays. */
export class FaceHandles {
  private dots: InstanceType<typeof T.Mesh>[] = [];
  private face: {box: Box; axis: number; side: 1 | -1; from: number} | null = null;

  constructor(scene: InstanceType<typeof T.Scene>, private eye: Eye) {
    for (let axis = 0; axis < 3; axis++) {
      for (const side of [1, -1] as const) {
        const dot = new T.Mesh(new T.SphereGeometry(1, 12, 8), new T.MeshBasicMaterial({color: COLOURS[axis], depthTest: false}));
        dot.userData = {axis, side};
        dot.renderOrder = 9;
        this.dots.push(dot);
        scene.add(dot);
      }
    }
  }

  get isHeld(): boolean {
    return this.face !== null;
  }

  /** Put the dots on a box, the same size on the screen wherever it is; null: there are none. */
  place(box: Box | null): void {
    for (const dot of this.dots) {
      dot.visible = box !== null;
      if (!box) continue;
      const at: Vec = [0, 0, 0];
      at[dot.userData.axis] = (dot.userData.side * box.size[dot.userData.axis]) / 2;
      dot.position.set(...this.eye.local(toWorld(box, ...at)));
      dot.scale.setScalar(HANDLE_PX * this.eye.perPixel(dot.position));
      dot.updateMatrixWorld();
    }
  }

  /** Take hold of the dot at the pointer; false if there is none. */
  grab(event: Pointer, box: Box): boolean {
    this.place(box); // the camera may have moved since the last picture
    const hit = this.eye.ray(event).intersectObjects(this.dots, false)[0];
    if (!hit) return false;
    const {axis, side} = hit.object.userData as {axis: number; side: 1 | -1};
    this.face = {box, axis, side, from: this.along(event, box, axis)};
    return true;
  }

  /** The box with the held side where the pointer is. */
  dragged(event: Pointer): Box | null {
    if (!this.face) return null;
    const {box, axis, side, from} = this.face;
    return withFace(box, axis, side, (side * box.size[axis]) / 2 + this.along(event, box, axis) - from);
  }

  release(): void {
    this.face = null;
  }

  dispose(): void {
    for (const dot of this.dots) {
      dot.geometry.dispose();
      (dot.material as InstanceType<typeof T.MeshBasicMaterial>).dispose();
    }
  }

  /** Where along a line through the box's centre the pointer's ray comes nearest. */
  private along(event: Pointer, box: Box, axis: number): number {
    const {origin, direction} = this.eye.ray(event).ray, line = new T.Vector3(...axes(box.yaw)[axis]);
    const apart = origin.clone().sub(new T.Vector3(...this.eye.local(box.center)));
    const b = line.dot(direction);
    return (line.dot(apart) - b * direction.dot(apart)) / Math.max(1 - b * b, 1e-6);
  }
}
