import * as T from '../three.ts';
import {axes, type Vec} from './boxmath.ts';
import type {Box} from './types.ts';

const HALF_HIGH_M = 40; // of what is seen from above, before anybody zooms

/** Where on the page something points, CSS pixels. */
export interface Pointer {clientX: number; clientY: number}

/** What the main view looks through: in perspective, or from above. Its scene begins at `origin`, world frame. */
export class Eye {
  isAbove = false;
  origin: Vec = [0, 0, 0];
  private perspective = new T.PerspectiveCamera(55, 1, 0.1, 600);
  private above = new T.OrthographicCamera(-HALF_HIGH_M, HALF_HIGH_M, HALF_HIGH_M, -HALF_HIGH_M, -200, 400);
  private orbit: InstanceType<typeof T.OrbitControls>;
  private orbitAbove: InstanceType<typeof T.OrbitControls>;

  constructor(private canvas: HTMLCanvasElement, onMove: () => void) {
    this.perspective.up.set(0, 0, 1);
    this.perspective.position.set(-18, 0, 14);
    this.above.up.set(1, 0, 0);
    this.above.position.set(0, 0, 100);
    this.orbit = new T.OrbitControls(this.perspective, canvas);
    this.orbit.target.set(8, 0, 0);
    this.orbitAbove = new T.OrbitControls(this.above, canvas);
    this.orbitAbove.enableRotate = false;
    this.orbitAbove.mouseButtons = {LEFT: 2, MIDDLE: 1, RIGHT: 0};
    for (const orbit of [this.orbit, this.orbitAbove]) {
      orbit.update();
      orbit.addEventListener('change', onMove);
    }
    this.release();
  }

  get camera(): InstanceType<typeof T.PerspectiveCamera> | InstanceType<typeof T.OrthographicCamera> {
    return this.isAbove ? this.above : this.perspective;
  }

  /** The drag that begins is the view's own: the camera stays. */
  hold(): void {
    this.orbit.enabled = this.orbitAbove.enabled = false;
  }

  /** Drags move the camera again. */
  release(): void {
    this.orbit.enabled = !this.isAbove;
    this.orbitAbove.enabled = this.isAbove;
  }

  resize(width: number, height: number): void {
    this.perspective.aspect = width / height;
    this.above.left = -HALF_HIGH_M * this.perspective.aspect;
    this.above.right = HALF_HIGH_M * this.perspective.aspect;
    this.perspective.updateProjectionMatrix();
    this.above.updateProjectionMatrix();
  }

  /** Where a world place is in the scene. */
  local(place: ArrayLike<number>): Vec {
    return [place[0] - this.origin[0], place[1] - this.origin[1], place[2] - this.origin[2]];
  }

  /** Where a place of the scene is in the world. */
  world(place: {x: number; y: number; z: number}): Vec {
    return [place.x + this.origin[0], place.y + this.origin[1], place.z + this.origin[2]];
  }

  /** Where a world place is on the page, CSS pixels. */
  project(place: ArrayLike<number>): {x: number; y: number} {
    this.camera.updateMatrixWorld();
    const v = new T.Vector3(...this.local(place)).project(this.camera), at = this.canvas.getBoundingClientRect();
    return {x: at.left + ((v.x + 1) / 2) * at.width, y: at.top + ((1 - v.y) / 2) * at.height};
  }

  /** Look at a box from behind and above; keeps the bird's eye above. */
  lookAt(box: Box): void {
    const [x, y, z] = this.local(box.center), back = Math.max(8, 2.2 * box.size[0]), [ahead] = axes(box.yaw);
    this.orbit.target.set(x, y, z);
    this.perspective.position.set(x - ahead[0] * back - ahead[1] * 3, y - ahead[1] * back + ahead[0] * 3, z + 0.6 * back);
    this.lookDown(x, y);
  }

  /** Stand behind and above the ego vehicle; `pose` is the sensor's in the world. */
  follow(pose: number[]): void {
    const [x, y, z] = this.local([pose[3], pose[7], pose[11]]);
    this.orbit.target.set(x + 8 * pose[0], y + 8 * pose[4], z);
    this.perspective.position.set(x - 18 * pose[0], y - 18 * pose[4], z + 14);
    this.lookDown(x, y);
  }

  /** The pointer's ray, in the scene. */
  ray(event: Pointer): InstanceType<typeof T.Raycaster> {
    this.camera.updateMatrixWorld();
    const at = this.canvas.getBoundingClientRect(), ray = new T.Raycaster();
    const x = ((event.clientX - at.left) / at.width) * 2 - 1, y = 1 - ((event.clientY - at.top) / at.height) * 2;
    ray.setFromCamera(new T.Vector2(x, y), this.camera);
    return ray;
  }

  /** Where the pointer's ray meets a level, world frame; where the scene begins if it never does. */
  onLevel(event: Pointer, z: number): Vec {
    const plane = new T.Plane(new T.Vector3(0, 0, 1), this.origin[2] - z);
    const met = this.ray(event).ray.intersectPlane(plane, new T.Vector3());
    return met ? this.world(met) : [...this.origin];
  }

  /** How much of the scene a pixel is at a place of it, metres. */
  perPixel(place: InstanceType<typeof T.Vector3>): number {
    const height = this.canvas.clientHeight || 1;
    return this.isAbove
      ? (this.above.top - this.above.bottom) / this.above.zoom / height
      : (2 * Math.tan((this.perspective.fov * Math.PI) / 360) * this.perspective.position.distanceTo(place)) / height;
  }

  /** The heading along which the picture's own up runs; from above it is the world's. */
  get heading(): number {
    if (this.isAbove) return 0;
    const ahead = this.perspective.getWorldDirection(new T.Vector3());
    return Math.atan2(ahead.y, ahead.x);
  }

  /** Move sideways and ahead on the level, in shares of how far the eye is. */
  pan(right: number, ahead: number): void {
    const orbit = this.isAbove ? this.orbitAbove : this.orbit, {position} = this.camera;
    const far = this.isAbove ? HALF_HIGH_M / this.above.zoom : position.distanceTo(orbit.target);
    const c = Math.cos(this.heading) * far, s = Math.sin(this.heading) * far;
    const way = new T.Vector3(c * ahead + s * right, s * ahead - c * right, 0);
    position.add(way);
    orbit.target.add(way);
    orbit.update();
  }

  /** Go nearer by a factor below one, farther by one above. */
  zoomBy(factor: number): void {
    if (this.isAbove) {
      this.above.zoom /= factor;
      this.above.updateProjectionMatrix();
    } else this.perspective.position.sub(this.orbit.target).multiplyScalar(factor).add(this.orbit.target);
    (this.isAbove ? this.orbitAbove : this.orbit).update();
  }

  dispose(): void {
    this.orbit.dispose();
    this.orbitAbove.dispose();
  }

  private lookDown(x: number, y: number): void {
    this.orbit.update();
    this.orbitAbove.target.set(x, y, 0);
    this.above.position.set(x, y, 100);
    this.orbitAbove.update();
  }
}
