import * as T from '../three.ts';
import {BoxLines} from './boxes.ts';
import {axes, rayEnters, toWorld, withFace, type Vec} from './boxmath.ts';
import type {Arriving} from './container.ts';
import {paintOf, timeTint} from './paint.ts';
import {CloudPoints} from './points.ts';
import {RectangleLine} from './rectangle.ts';
import type {Session, What} from './session.ts';
import type {Box} from './types.ts';

const STILL_MS = 150; // after a move, all points are drawn again
const CLICK_PX = 4; // farther, a press was a drag
const HANDLE_PX = 7;
const PICK_PX = 8; // of a point, from the pointer
export const PREFETCH = 10; // sweeps each way
const FOCUS_M = 4; // around the selected box, in focus

export interface Timings {sweep: number; first_ms: number; whole_ms: number; points: number}

interface FaceDrag {box: Box; axis: number; side: 1 | -1; from: number}

/** The main view: points and boxes of one sweep, in perspective or from above. */
export class MainView {
  readonly canvas: HTMLCanvasElement;
  readonly renderer: InstanceType<typeof T.WebGLRenderer>;
  readonly scene = new T.Scene();
  /** Points drawn while the camera moves; any prefix is a fair sample. */
  budget = 150_000;
  timings: Timings[] = [];
  onTimings: (timings: Timings) => void = () => undefined;
  private perspective = new T.PerspectiveCamera(55, 1, 0.1, 600);
  private above = new T.OrthographicCamera(-40, 40, 40, -40, -200, 400);
  private orbit: InstanceType<typeof T.OrbitControls>;
  private orbitAbove: InstanceType<typeof T.OrbitControls>;
  private points = new CloudPoints();
  private others: {sweep: number; points: CloudPoints; cloud: Arriving}[] = [];
  private shownAround = 0;
  private boxes: BoxLines | null = null;
  private handles: InstanceType<typeof T.Mesh>[] = [];
  private path = new T.Line(new T.BufferGeometry(), new T.LineBasicMaterial({color: 0xffffff}));
  private origin: Vec = [0, 0, 0];
  private isDirty = true;
  private isGone = false;
  private movedAt = 0;
  private face: FaceDrag | null = null;
  private drawn = new RectangleLine(this.scene);
  private pressed: {x: number; y: number} | null = null;
  private off: () => void;
  private resizes: ResizeObserver;

  constructor(private element: HTMLElement, private session: Session) {
    this.renderer = new T.WebGLRenderer({antialias: false, powerPreference: 'high-performance'});
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 1.5));
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.style.cssText = 'display:block;outline-offset:-2px';
    this.canvas.setAttribute('aria-label', 'points and boxes');
    element.appendChild(this.canvas);
    this.perspective.up.set(0, 0, 1);
    this.perspective.position.set(-18, 0, 14);
    this.above.up.set(1, 0, 0);
    this.above.position.set(0, 0, 100);
    this.orbit = new T.OrbitControls(this.perspective, this.canvas);
    this.orbit.target.set(8, 0, 0);
    this.orbitAbove = new T.OrbitControls(this.above, this.canvas);
    this.orbitAbove.enableRotate = false;
    this.orbitAbove.mouseButtons = {LEFT: 2, MIDDLE: 1, RIGHT: 0};
    for (const orbit of [this.orbit, this.orbitAbove]) {
      orbit.update();
      orbit.addEventListener('change', () => {
        this.movedAt = performance.now();
        this.invalidate();
      });
    }
    this.scene.add(this.points.object, this.path);
    this.path.frustumCulled = false;
    for (let axis = 0; axis < 3; axis++) {
      for (const side of [1, -1] as const) {
        const dot = new T.Mesh(new T.SphereGeometry(1, 12, 8), new T.MeshBasicMaterial({color: [0xff6b6b, 0x69db7c, 0x74c0fc][axis], depthTest: false}));
        dot.userData = {axis, side};
        dot.renderOrder = 9;
        this.handles.push(dot);
        this.scene.add(dot);
      }
    }
    this.canvas.addEventListener('pointerdown', (event) => this.down(event));
    this.canvas.addEventListener('pointermove', (event) => this.move(event));
    this.canvas.addEventListener('pointerup', (event) => this.up(event));
    this.off = session.on((what) => this.heard(what));
    this.resizes = new ResizeObserver(() => this.resize());
    this.resizes.observe(element);
    this.resize();
    this.theme();
    if (session.scene) this.opened();
    requestAnimationFrame(this.loop);
  }

  invalidate(): void {
    this.isDirty = true;
  }

  get camera(): InstanceType<typeof T.PerspectiveCamera> | InstanceType<typeof T.OrthographicCamera> {
    return this.session.view.isBirdsEye ? this.above : this.perspective;
  }

  /** Background after the page's theme. */
  theme(): void {
    const isLight = document.documentElement.getAttribute('data-mantine-color-scheme') === 'light';
    this.scene.background = new T.Color(isLight ? 0xe9ecef : 0x0f1216);
    this.invalidate();
  }

  /** Where a world point is on the page, CSS pixels. */
  project(place: ArrayLike<number>): {x: number; y: number} {
    this.camera.updateMatrixWorld();
    const v = new T.Vector3(place[0] - this.origin[0], place[1] - this.origin[1], place[2] - this.origin[2]).project(this.camera);
    const at = this.canvas.getBoundingClientRect();
    return {x: at.left + ((v.x + 1) / 2) * at.width, y: at.top + ((1 - v.y) / 2) * at.height};
  }

  /** Look at a box from behind and above; keeps the bird's eye above. */
  lookAt(box: Box): void {
    const [x, y, z] = this.local(box.center), back = Math.max(8, 2.2 * box.size[0]);
    const [ahead] = axes(box.yaw);
    this.orbit.target.set(x, y, z);
    this.perspective.position.set(x - ahead[0] * back - ahead[1] * 3, y - ahead[1] * back + ahead[0] * 3, z + 0.6 * back);
    this.orbit.update();
    this.orbitAbove.target.set(x, y, 0);
    this.above.position.set(x, y, 100);
    this.orbitAbove.update();
    this.invalidate();
  }

  dispose(): void {
    this.isGone = true;
    this.off();
    this.resizes.disconnect();
    this.orbit.dispose();
    this.orbitAbove.dispose();
    this.points.dispose();
    for (const {points} of this.others) points.dispose();
    this.boxes?.dispose();
    for (const dot of this.handles) {
      dot.geometry.dispose();
      (dot.material as InstanceType<typeof T.MeshBasicMaterial>).dispose();
    }
    this.path.geometry.dispose();
    this.drawn.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
    this.canvas.remove();
  }

  private heard(what: What): void {
    if (what === 'scene') this.opened();
    if (what === 'sweep') void this.showSweep();
    if (what === 'view') this.restyle();
    if (what === 'tracks') this.repaint();
    if (what === 'select' || what === 'live' || what === 'tracks') this.refocus();
    if (what === 'zoom') this.zoom();
    if (what === 'tool') this.canvas.style.cursor = this.session.tool ? 'crosshair' : '';
    if (what !== 'outbox' && what !== 'told') this.redraw();
  }

  private opened(): void {
    const poses = this.session.scene?.world_from_sensor;
    // Drawn relative to where the drive begins: single precision is enough there.
    if (poses?.length) this.origin = [Math.floor(poses[0][3]), Math.floor(poses[0][7]), Math.floor(poses[0][11])];
    this.boxes?.dispose();
    if (this.boxes) this.scene.remove(this.boxes.object);
    this.boxes = new BoxLines(this.session, this.origin);
    this.scene.add(this.boxes.object);
    if (poses?.length) this.follow(poses[0]);
    void this.showSweep();
    this.redraw();
  }

  /** Put both cameras behind and above the ego vehicle. */
  private follow(pose: number[]): void {
    const [x, y, z] = this.local([pose[3], pose[7], pose[11]]);
    this.orbit.target.set(x + 8 * pose[0], y + 8 * pose[4], z);
    this.perspective.position.set(x - 18 * pose[0], y - 18 * pose[4], z + 14);
    this.orbit.update();
    this.orbitAbove.target.set(x, y, 0);
    this.above.position.set(x, y, 100);
    this.orbitAbove.update();
  }

  private async showSweep(): Promise<void> {
    const {session} = this, {sweep, scene} = session;
    if (!scene) return;
    const begun = performance.now();
    let first = 0;
    const place = this.placeOf(sweep);
    const cloud = await session.clouds.load(sweep, (arriving) => {
      if (session.sweep !== sweep || this.isGone) return;
      this.points.show(arriving, place);
      this.invalidate();
      if (!first && arriving.rows >= Math.min(20_000, arriving.header?.n ?? 0)) {
        this.draw();
        first = performance.now() - begun;
      }
    }).catch((error: Error) => {
      if (error.name !== 'AbortError') session.say(error.message);
      return null;
    });
    if (!cloud || session.sweep !== sweep || this.isGone) return;
    this.points.show(cloud, place);
    this.points.paint(paintOf(session, cloud, sweep));
    this.refocus();
    this.draw();
    const timings = {sweep, first_ms: first, whole_ms: performance.now() - begun, points: cloud.rows};
    this.timings.push(timings);
    this.onTimings(timings);
    session.clouds.prefetch(sweep, scene.n_sweeps, PREFETCH);
    await this.showOthers(sweep);
  }

  /** The sweeps around, in the world frame, for the aggregated view. */
  private async showOthers(sweep: number): Promise<void> {
    const {session} = this, n = session.scene?.n_sweeps ?? 0, k = session.view.around;
    this.shownAround = k;
    const wanted = Array.from({length: 2 * k + 1}, (_, i) => sweep - k + i).filter((s) => s >= 0 && s < n && s !== sweep);
    const clouds: [number, Arriving][] = [];
    for (const s of wanted) clouds.push([s, await session.clouds.load(s)]);
    if (session.sweep !== sweep || this.isGone || session.view.around !== k) return;
    for (const {points} of this.others) {
      this.scene.remove(points.object);
      points.dispose();
    }
    this.others = clouds.map(([s, cloud]) => {
      const points = new CloudPoints();
      points.show(cloud, this.placeOf(s));
      this.scene.add(points.object);
      return {sweep: s, points, cloud};
    });
    this.restyle();
  }

  /** Colour points by the boxes as they are now; what moves is left out of the sweeps around. */
  private repaint(): void {
    const {session} = this, cloud = session.clouds.peek(session.sweep);
    if (cloud) this.points.paint(paintOf(session, cloud, session.sweep));
    for (const other of this.others) other.points.paint(paintOf(session, other.cloud, other.sweep));
    this.invalidate();
  }

  private refocus(): void {
    const {session} = this, box = session.selected ? session.boxAt(session.selected, session.sweep) : null;
    const isOn = session.view.isFocused && box !== null;
    for (const points of [this.points, ...this.others.map((other) => other.points)]) {
      if (isOn) points.focus(this.local(box.center), box.yaw, box.size.map((v) => v / 2 + FOCUS_M));
      else points.focus(null);
    }
  }

  private placeOf(sweep: number): InstanceType<typeof T.Matrix4> {
    const pose = this.session.scene?.world_from_sensor?.[sweep];
    const place = new T.Matrix4();
    if (pose) place.set(...(pose as Parameters<typeof place.set>));
    return new T.Matrix4().makeTranslation(-this.origin[0], -this.origin[1], -this.origin[2]).multiply(place);
  }

  private restyle(): void {
    const {view} = this.session;
    const mode = view.colour === 'height' || view.colour === 'intensity' ? view.colour : 'plain';
    const tint = (sweep: number): number | undefined =>
      view.colour === 'time' ? timeTint(sweep - this.session.sweep, view.around) : undefined;
    this.points.style(view.pointSize, mode, tint(this.session.sweep));
    for (const {points, sweep} of this.others) points.style(view.pointSize, mode, tint(sweep));
    this.repaint();
    this.refocus();
    const isAbove = view.isBirdsEye;
    this.orbit.enabled = !isAbove;
    this.orbitAbove.enabled = isAbove;
    if (view.around !== this.shownAround) void this.showOthers(this.session.sweep);
    this.invalidate();
  }

  private redraw(): void {
    this.boxes?.update();
    this.placePath();
    this.invalidate();
  }

  private placePath(): void {
    const {session} = this, track = session.selected ? session.tracks.get(session.selected) : undefined;
    this.path.visible = Boolean(session.view.showsTrajectory && track);
    if (!this.path.visible || !track) return;
    const places = new Float32Array(track.sweeps.length * 3);
    for (let k = 0; k < track.sweeps.length; k++) {
      places.set(this.local(track.poses.slice(4 * k, 4 * k + 3)), 3 * k);
    }
    this.path.geometry.dispose();
    this.path.geometry = new T.BufferGeometry();
    this.path.geometry.setAttribute('position', new T.BufferAttribute(places, 3));
  }

  private placeHandles(): void {
    const box = this.session.selected ? this.session.boxAt(this.session.selected, this.session.sweep) : null;
    const height = this.canvas.clientHeight || 1;
    for (const dot of this.handles) {
      dot.visible = box !== null;
      if (!box) continue;
      const at: Vec = [0, 0, 0];
      at[dot.userData.axis] = (dot.userData.side * box.size[dot.userData.axis]) / 2;
      dot.position.set(...this.local(toWorld(box, ...at)));
      const perPx = this.session.view.isBirdsEye
        ? (this.above.top - this.above.bottom) / this.above.zoom / height
        : (2 * Math.tan((this.perspective.fov * Math.PI) / 360) * this.perspective.position.distanceTo(dot.position)) / height;
      dot.scale.setScalar(HANDLE_PX * perPx);
      dot.updateMatrixWorld();
    }
  }

  private local(place: ArrayLike<number>): Vec {
    return [place[0] - this.origin[0], place[1] - this.origin[1], place[2] - this.origin[2]];
  }

  private resize(): void {
    const {width, height} = this.element.getBoundingClientRect();
    if (width < 2 || height < 2) return;
    this.renderer.setSize(width, height);
    this.perspective.aspect = width / height;
    this.above.left = -40 * this.perspective.aspect;
    this.above.right = 40 * this.perspective.aspect;
    this.perspective.updateProjectionMatrix();
    this.above.updateProjectionMatrix();
    this.invalidate();
  }

  private loop = (): void => {
    if (this.isGone) return;
    requestAnimationFrame(this.loop);
    const isMoving = performance.now() - this.movedAt < STILL_MS;
    if (this.points.limit(isMoving ? this.budget : Infinity)) this.isDirty = true;
    for (const {points} of this.others) if (points.limit(isMoving ? this.budget / this.others.length : Infinity)) this.isDirty = true;
    if (this.isDirty) this.draw();
  };

  private draw(): void {
    this.isDirty = false;
    this.points.limit(performance.now() - this.movedAt < STILL_MS ? this.budget : Infinity);
    this.placeHandles();
    this.renderer.render(this.scene, this.camera);
  }

  private ray(event: PointerEvent): InstanceType<typeof T.Raycaster> {
    this.camera.updateMatrixWorld();
    const at = this.canvas.getBoundingClientRect(), ray = new T.Raycaster();
    const x = ((event.clientX - at.left) / at.width) * 2 - 1, y = 1 - ((event.clientY - at.top) / at.height) * 2;
    ray.setFromCamera(new T.Vector2(x, y), this.camera);
    return ray;
  }

  /** Where along a line through the box's centre the pointer's ray comes nearest. */
  private along(event: PointerEvent, box: Box, axis: number): number {
    const {origin, direction} = this.ray(event).ray, line = new T.Vector3(...axes(box.yaw)[axis]);
    const apart = origin.clone().sub(new T.Vector3(...this.local(box.center)));
    const b = line.dot(direction);
    return (line.dot(apart) - b * direction.dot(apart)) / Math.max(1 - b * b, 1e-6);
  }

  private down(event: PointerEvent): void {
    this.canvas.focus({preventScroll: true});
    this.pressed = event.button === 0 ? {x: event.clientX, y: event.clientY} : null;
    if (event.button === 0 && (event.ctrlKey || event.metaKey)) {
      // Along the picture's own up and right.
      const ahead = this.camera.getWorldDirection(new T.Vector3());
      this.drawn.begin(this.groundAt(event), this.session.view.isBirdsEye ? 0 : Math.atan2(ahead.y, ahead.x));
      this.hold(event);
      return;
    }
    const box = this.session.selected ? this.session.boxAt(this.session.selected, this.session.sweep) : null;
    this.placeHandles(); // the camera may have moved since the last picture
    const hit = event.button === 0 && box ? this.ray(event).intersectObjects(this.handles, false)[0] : undefined;
    if (!hit || !box) return;
    const {axis, side} = hit.object.userData as {axis: number; side: 1 | -1};
    this.face = {box, axis, side, from: this.along(event, box, axis)};
    this.hold(event);
  }

  /** The drag that begins is ours, not the camera's. */
  private hold(event: PointerEvent): void {
    this.canvas.setPointerCapture(event.pointerId);
    this.orbit.enabled = this.orbitAbove.enabled = false;
    event.stopImmediatePropagation();
  }

  private move(event: PointerEvent): void {
    if (this.drawn.isOn) {
      this.drawn.to(this.groundAt(event), this.origin);
      this.invalidate();
    }
    if (!this.face) return;
    const {box, axis, side, from} = this.face;
    const at = (side * box.size[axis]) / 2 + this.along(event, box, axis) - from;
    this.session.drag(withFace(box, axis, side, at));
  }

  private up(event: PointerEvent): void {
    const pressed = this.pressed;
    this.pressed = null;
    if (this.drawn.isOn) {
      const box = this.drawn.end();
      this.restyle();
      if (box) void this.session.rectangle(box);
      return;
    }
    if (this.face) {
      this.face = null;
      this.restyle();
      this.session.commitDrag();
      return;
    }
    if (!pressed || Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > CLICK_PX) return;
    const {origin, direction} = this.ray(event).ray;
    const from: Vec = [origin.x + this.origin[0], origin.y + this.origin[1], origin.z + this.origin[2]];
    let best = Infinity, found: string | null = null;
    for (const {trackId, box} of this.boxes?.shown ?? []) {
      const enters = rayEnters(box, from, direction.toArray());
      if (enters < best) [best, found] = [enters, trackId];
    }
    this.clicked(event, found);
  }

  private clicked(event: PointerEvent, found: string | null): void {
    const {session} = this, {tool} = session;
    session.takeUp('');
    if (tool === 'new') void session.click(this.pointAt(event) ?? this.groundAt(event));
    else if (tool === 'merge' && session.selected && found && found !== session.selected) {
      session.askToMerge(found);
    } else if (found) session.select(found);
  }

  private zoom(): void {
    const box = this.session.selected ? this.session.boxAt(this.session.selected, this.session.sweep) : null;
    if (box) this.lookAt(box);
  }

  /** The first point near the pointer's ray, world frame. */
  private pointAt(event: PointerEvent): Vec | null {
    const cloud = this.session.clouds.peek(this.session.sweep), at = this.canvas.getBoundingClientRect();
    if (!cloud?.header) return null;
    const {values, rows} = cloud, p = new T.Vector4(), whole = new T.Matrix4().multiplyMatrices(
      this.camera.projectionMatrix, this.camera.matrixWorldInverse).multiply(this.points.object.matrix);
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
    v.applyMatrix4(this.points.object.matrix);
    return [v.x + this.origin[0], v.y + this.origin[1], v.z + this.origin[2]];
  }

  /** Where the pointer's ray meets the level that the ego vehicle stands on. */
  private groundAt(event: PointerEvent): Vec {
    const pose = this.session.scene?.world_from_sensor?.[this.session.sweep];
    const lower = this.session.scene?.ego_from_lidar[11] ?? 0;
    const level = (pose?.[11] ?? 0) - this.origin[2] - lower;
    const plane = new T.Plane(new T.Vector3(0, 0, 1), -level), hit = new T.Vector3();
    const met = this.ray(event).ray.intersectPlane(plane, hit);
    if (!met) return [...this.origin];
    return [hit.x + this.origin[0], hit.y + this.origin[1], hit.z + this.origin[2]];
  }
}
