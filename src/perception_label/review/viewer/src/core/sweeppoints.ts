import * as T from '../three.ts';
import type {Arriving} from './container.ts';
import type {Eye, Pointer} from './eye.ts';
import {paintOf, timeTint} from './paint.ts';
import {CloudPoints} from './points.ts';
import type {Session} from './session.ts';
import type {Vec} from './boxmath.ts';

const FOCUS_M = 4; // around the selected box, in focus
const PICK_PX = 8; // of a point, from the pointer

/** The points of the shown sweep, and those of the sweeps around it in the aggregated view. */
export class SweepPoints {
  readonly shown = new CloudPoints();
  private others: {sweep: number; points: CloudPoints; cloud: Arriving}[] = [];
  private around = 0;

  constructor(private scene: InstanceType<typeof T.Scene>, private session: Session, private eye: Eye) {
    scene.add(this.shown.object);
  }

  /** Draw a sweep's points as far as they are here. */
  show(cloud: Arriving, sweep: number): void {
    this.shown.show(cloud, this.placeOf(sweep));
  }

  /** The sweeps around, in the world frame, for the aggregated view; true once they are drawn. */
  async showOthers(): Promise<boolean> {
    const {session} = this, {sweep} = session, n = session.scene?.n_sweeps ?? 0, k = session.view.around;
    this.around = k;
    const wanted = Array.from({length: 2 * k + 1}, (_, i) => sweep - k + i).filter((s) => s >= 0 && s < n && s !== sweep);
    const clouds: [number, Arriving][] = [];
    for (const s of wanted) {
      // One that cannot be read is left out; whoever goes there is told.
      const cloud = await session.clouds.load(s).catch(() => null);
      if (cloud) clouds.push([s, cloud]);
    }
    if (session.sweep !== sweep || session.view.around !== k) return false;
    this.clear();
    this.others = clouds.map(([s, cloud]) => {
      const points = new CloudPoints();
      points.show(cloud, this.placeOf(s));
      this.scene.add(points.object);
      return {sweep: s, points, cloud};
    });
    this.restyle();
    return true;
  }

  /** Whether another number of sweeps around is asked for than there are. */
  get isOutdated(): boolean {
    return this.session.view.around !== this.around;
  }

  /** Size and colouring as the session has them. */
  restyle(): void {
    const {view, sweep} = this.session;
    const mode = view.colour === 'height' || view.colour === 'intensity' ? view.colour : 'plain';
    const tint = (s: number): number | undefined => (view.colour === 'time' ? timeTint(s - sweep, view.around) : undefined);
    this.shown.style(view.pointSize, mode, tint(sweep));
    for (const other of this.others) other.points.style(view.pointSize, mode, tint(other.sweep));
    this.repaint();
    this.refocus();
  }

  /** Colour points by the boxes as they are now; what moves is left out of the sweeps around. */
  repaint(): void {
    const {session} = this, cloud = session.clouds.peek(session.sweep);
    if (cloud) this.shown.paint(paintOf(session, cloud, session.sweep));
    for (const other of this.others) other.points.paint(paintOf(session, other.cloud, other.sweep));
  }

  /** In focus, only points near the selected box are drawn. */
  refocus(): void {
    const {session} = this, box = session.selected ? session.boxAt(session.selected, session.sweep) : null;
    const isOn = session.view.isFocused && box !== null;
    for (const points of [this.shown, ...this.others.map((other) => other.points)]) {
      if (isOn) points.focus(this.eye.local(box.center), box.yaw, box.size.map((v) => v / 2 + FOCUS_M));
      else points.focus(null);
    }
  }

  /** Draw at most so many of each part; true if that is a change. */
  limit(most: number): boolean {
    let isChanged = this.shown.limit(most);
    for (const {points} of this.others) isChanged = points.limit(most / this.others.length) || isChanged;
    return isChanged;
  }

  /** The first point near the pointer's ray, world frame. */
  at(event: Pointer, canvas: HTMLCanvasElement): Vec | null {
    const cloud = this.session.clouds.peek(this.session.sweep), at = canvas.getBoundingClientRect(), {camera} = this.eye;
    if (!cloud?.header) return null;
    const {values, rows} = cloud, p = new T.Vector4(), place = this.shown.object.matrix;
    const whole = new T.Matrix4().multiplyMatrices(camera.projectionMatrix, camera.matrixWorldInverse).multiply(place);
    const x0 = event.clientX - at.left, y0 = event.clientY - at.top;
    let best = Infinity, row = -1;
    for (let k = 0; k < rows; k++) {
      p.set(values[4 * k] / 65535, values[4 * k + 1] / 65535, values[4 * k + 2] / 65535, 1).applyMatrix4(whole);
      if (p.w <= 0) continue;
      const x = ((p.x / p.w + 1) / 2) * at.width, y = ((1 - p.y / p.w) / 2) * at.height;
      const away = Math.hypot(x - x0, y - y0);
      // Nearness to the pointer counts more than nearness to the eye.
      if (away < PICK_PX && away + p.w / 50 < best) [best, row] = [away + p.w / 50, k];
    }
    if (row < 0) return null;
    const v = new T.Vector3(values[4 * row] / 65535, values[4 * row + 1] / 65535, values[4 * row + 2] / 65535);
    return this.eye.world(v.applyMatrix4(place));
  }

  dispose(): void {
    this.shown.dispose();
    this.clear();
  }

  private clear(): void {
    for (const {points} of this.others) {
      this.scene.remove(points.object);
      points.dispose();
    }
    this.others = [];
  }

  /** Takes a sweep's sensor frame to the scene's. */
  private placeOf(sweep: number): InstanceType<typeof T.Matrix4> {
    const pose = this.session.scene?.world_from_sensor?.[sweep], place = new T.Matrix4(), [x, y, z] = this.eye.origin;
    if (pose) place.set(...(pose as Parameters<typeof place.set>));
    return new T.Matrix4().makeTranslation(-x, -y, -z).multiply(place);
  }
}
