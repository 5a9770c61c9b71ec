import * as T from '../three.ts';
import {Fault} from './api.ts';
import {BoxLines} from './boxes.ts';
import {rayEnters, type Vec} from './boxmath.ts';
import {Eye, type Pointer} from './eye.ts';
import {FaceHandles} from './facehandles.ts';
import {paintOf} from './paint.ts';
import {RectangleLine} from './rectangle.ts';
import type {Session, What} from './session.ts';
import {SweepPoints} from './sweeppoints.ts';
import {background, selectedColour} from './theme.ts';
import type {Box} from './types.ts';

const STILL_MS = 150; // after the last move, all points are drawn again
const CLICK_PX = 4; // farther, a press was a drag
export const PREFETCH = 10; // sweeps each way
const AGAIN = new Set([0, 401]), AGAIN_MS = 2000;
const PAN = 0.1; // of how far the eye is, for each press
const QUIET_MS = 2000; // later they are fetched anyhow

export interface Timings {sweep: number; first_ms: number; whole_ms: number; points: number}

/** The main view: points and boxes of one sweep, in perspective or from above. */
export class MainView {
  readonly canvas: HTMLCanvasElement;
  readonly renderer: InstanceType<typeof T.WebGLRenderer>;
  readonly scene = new T.Scene();
  readonly eye: Eye;
  /** Points drawn while the camera, the sweep or a box moves; any prefix is a fair sample. */
  readonly budget: number;
  timings: Timings[] = [];
  onTimings: (timings: Timings) => void = () => undefined;
  private clouds: SweepPoints;
  private boxes: BoxLines | null = null;
  private handles: FaceHandles;
  /** The middle of the view, while a tool waits for a place. */
  private cross = document.createElement('span');
  private path = new T.Line(new T.BufferGeometry(), new T.LineBasicMaterial());
  private isDirty = true;
  private isGone = false;
  private movedAt = 0;
  private drawn = new RectangleLine(this.scene);
  private pressed: {x: number; y: number} | null = null;
  private off: () => void;
  private resizes: ResizeObserver;

  constructor(private element: HTMLElement, private session: Session) {
    this.renderer = new T.WebGLRenderer({antialias: false, powerPreference: 'high-performance'});
    this.budget = isSoftware(this.renderer.getContext()) ? 50_000 : 150_000;
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 1.5));
    this.canvas = this.renderer.domElement;
    this.canvas.tabIndex = 0;
    this.canvas.style.cssText = 'display:block;outline-offset:-2px';
    this.canvas.setAttribute('aria-label', 'points and boxes');
    this.eye = new Eye(this.canvas, () => {
      this.movedAt = performance.now();
      this.invalidate();
    });
    this.clouds = new SweepPoints(this.scene, session, this.eye);
    this.handles = new FaceHandles(this.scene, this.eye);
    this.scene.add(this.path);
    this.path.frustumCulled = false;
    this.canvas.addEventListener('pointerdown', (event) => this.down(event));
    this.canvas.addEventListener('pointermove', (event) => this.move(event));
    this.canvas.addEventListener('pointerup', (event) => this.up(event));
    this.off = session.on((what) => this.heard(what));
    this.resizes = new ResizeObserver(() => this.resize());
    this.cross.className = 'pl-cross';
    this.cross.hidden = true;
    this.moveTo(element);
    this.theme();
    Object.assign(session.actions, this.actions);
    if (session.scene) this.opened();
    requestAnimationFrame(this.loop);
  }

  /** Go on in another element of the page; what is drawn stays. */
  moveTo(element: HTMLElement): void {
    this.resizes.disconnect();
    this.element = element;
    element.append(this.canvas, this.cross);
    this.resizes.observe(element);
    this.resize();
  }

  invalidate(): void {
    this.isDirty = true;
  }

  get camera(): Eye['camera'] {
    return this.eye.camera;
  }

  /** The shown sweep's points. */
  get points(): SweepPoints['shown'] {
    return this.clouds.shown;
  }

  /** Background and lines after the page's theme. */
  theme(): void {
    this.scene.background = new T.Color(background());
    (this.path.material as InstanceType<typeof T.LineBasicMaterial>).color.setHex(selectedColour());
    this.boxes?.update();
    this.invalidate();
  }

  /** Where a world point is on the page, CSS pixels. */
  project(place: ArrayLike<number>): {x: number; y: number} {
    return this.eye.project(place);
  }

  /** Look at a box from behind and above; keeps the bird's eye above. */
  lookAt(box: Box): void {
    this.eye.lookAt(box);
    this.invalidate();
  }

  dispose(): void {
    this.isGone = true;
    this.off();
    this.resizes.disconnect();
    this.eye.dispose();
    this.clouds.dispose();
    this.boxes?.dispose();
    this.handles.dispose();
    this.path.geometry.dispose();
    (this.path.material as InstanceType<typeof T.LineBasicMaterial>).dispose();
    this.drawn.dispose();
    this.renderer.dispose();
    this.renderer.forceContextLoss();
    this.canvas.remove();
    this.cross.remove();
    for (const name of Object.keys(this.actions)) delete this.session.actions[name];
  }

  /** What keys do here. */
  private get actions(): Record<string, () => void> {
    const pan = (right: number, ahead: number) => (): void => this.eye.pan(right, ahead);
    const zoom = (factor: number) => (): void => {
      this.eye.zoomBy(factor);
      this.invalidate();
    };
    return {
      'pan-left': pan(-PAN, 0), 'pan-right': pan(PAN, 0), 'pan-ahead': pan(0, PAN), 'pan-back': pan(0, -PAN),
      nearer: zoom(0.8), farther: zoom(1.25), here: () => this.here(),
    };
  }

  private heard(what: What): void {
    if (what === 'scene') this.opened();
    if (what === 'sweep') void this.showSweep();
    if (what === 'sweep' || what === 'live' || what === 'tracks') this.movedAt = performance.now();
    if (what === 'view') this.restyle();
    if (what === 'tracks') this.clouds.repaint();
    if (what === 'select' || what === 'live' || what === 'tracks') this.clouds.refocus();
    if (what === 'zoom') this.zoom();
    if (what === 'tool') {
      this.canvas.style.cursor = this.session.tool ? 'crosshair' : '';
      this.cross.hidden = !this.session.tool;
    }
    if (what !== 'outbox' && what !== 'told') this.redraw();
  }

  private opened(): void {
    const poses = this.session.scene?.world_from_sensor, start = poses?.[0];
    // Drawn relative to where the drive begins: single precision is enough there.
    if (start) this.eye.origin = [Math.floor(start[3]), Math.floor(start[7]), Math.floor(start[11])];
    this.boxes?.dispose();
    if (this.boxes) this.scene.remove(this.boxes.object);
    this.boxes = new BoxLines(this.session, this.eye.origin);
    this.scene.add(this.boxes.object);
    const pose = poses?.[this.session.sweep] ?? start;
    if (pose) this.eye.follow(pose);
    void this.showSweep();
    this.redraw();
  }

  private async showSweep(): Promise<void> {
    const {session, clouds} = this, {sweep, scene} = session;
    if (!scene) return;
    const begun = performance.now();
    let first = 0;
    const cloud = await session.clouds.load(sweep, (arriving) => {
      if (session.sweep !== sweep || this.isGone) return;
      clouds.show(arriving, sweep);
      this.invalidate();
      if (!first && arriving.rows >= Math.min(20_000, arriving.header?.n ?? 0)) {
        this.draw();
        first = performance.now() - begun;
      }
    }).catch((error: Error) => {
      if (error.name !== 'AbortError') session.say(error.message);
      if (error instanceof Fault && AGAIN.has(error.status)) setTimeout(() => this.again(sweep), AGAIN_MS);
      return null;
    });
    if (session.sweep !== sweep || this.isGone) return;
    if (cloud) {
      clouds.show(cloud, sweep);
      this.points.paint(paintOf(session, cloud, sweep));
      clouds.refocus();
      this.draw();
      const timings = {sweep, first_ms: first, whole_ms: performance.now() - begun, points: cloud.rows};
      this.timings.push(timings);
      this.onTimings(timings);
    } else {
      // Another sweep's points under this one's boxes would be a lie.
      this.points.clear();
      this.draw();
    }
    const prefetch = (): void => session.clouds.prefetch(session.sweep, scene.n_sweeps, PREFETCH);
    // At first the page itself is still being made.
    if (this.timings.length === 1) window.requestIdleCallback(prefetch, {timeout: QUIET_MS});
    else prefetch();
    await this.showOthers();
  }

  /** Try once more: no answer came, or somebody had to log in first. */
  private again(sweep: number): void {
    if (this.session.sweep === sweep && !this.isGone) void this.showSweep();
  }

  private async showOthers(): Promise<void> {
    if (await this.clouds.showOthers()) this.invalidate();
  }

  private restyle(): void {
    this.eye.isAbove = this.session.view.isBirdsEye;
    this.eye.release();
    this.clouds.restyle();
    if (this.clouds.isOutdated) void this.showOthers();
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
      places.set(this.eye.local(track.poses.slice(4 * k, 4 * k + 3)), 3 * k);
    }
    this.path.geometry.dispose();
    this.path.geometry = new T.BufferGeometry();
    this.path.geometry.setAttribute('position', new T.BufferAttribute(places, 3));
  }

  private resize(): void {
    const {width, height} = this.element.getBoundingClientRect();
    if (width < 2 || height < 2) return;
    this.renderer.setSize(width, height);
    this.eye.resize(width, height);
    this.invalidate();
  }

  private loop = (): void => {
    if (this.isGone) return;
    requestAnimationFrame(this.loop);
    if (this.limit()) this.isDirty = true;
    if (this.isDirty) this.draw();
  };

  private limit(): boolean {
    return this.clouds.limit(performance.now() - this.movedAt < STILL_MS ? this.budget : Infinity);
  }

  private draw(): void {
    this.isDirty = false;
    this.limit();
    this.handles.place(this.selectedBox());
    this.renderer.render(this.scene, this.camera);
  }

  private selectedBox(): Box | null {
    const {session} = this;
    return session.selected ? session.boxAt(session.selected, session.sweep) : null;
  }

  private down(event: PointerEvent): void {
    this.canvas.focus({preventScroll: true});
    this.pressed = event.button === 0 ? {x: event.clientX, y: event.clientY} : null;
    if (event.button !== 0) return;
    const box = this.selectedBox();
    if (event.ctrlKey || event.metaKey) this.drawn.begin(this.groundAt(event), this.eye.heading);
    else if (!box || !this.handles.grab(event, box)) return;
    // The drag that begins is ours, not the camera's.
    this.canvas.setPointerCapture(event.pointerId);
    this.eye.hold();
    event.stopImmediatePropagation();
  }

  private move(event: PointerEvent): void {
    if (this.drawn.isOn) {
      this.drawn.to(this.groundAt(event), this.eye.origin);
      this.invalidate();
    }
    const box = this.handles.dragged(event);
    if (box) this.session.drag(box);
  }

  private up(event: PointerEvent): void {
    const pressed = this.pressed;
    this.pressed = null;
    if (this.drawn.isOn || this.handles.isHeld) {
      this.eye.release();
      this.invalidate();
    }
    if (this.drawn.isOn) {
      const box = this.drawn.end();
      if (box) void this.session.rectangle(box);
    } else if (this.handles.isHeld) {
      this.handles.release();
      this.session.commitDrag();
    } else if (pressed && Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) <= CLICK_PX) {
      this.clicked(event, this.boxAt(event));
    }
  }

  /** The track whose box the pointer's ray enters first. */
  private boxAt(event: Pointer): string | null {
    const {origin, direction} = this.eye.ray(event).ray, from = this.eye.world(origin);
    let best = Infinity, found: string | null = null;
    for (const {trackId, box} of this.boxes?.shown ?? []) {
      const enters = rayEnters(box, from, direction.toArray());
      if (enters < best) [best, found] = [enters, trackId];
    }
    return found;
  }

  private clicked(event: Pointer, found: string | null): void {
    const {session} = this, {tool} = session;
    session.takeUp('');
    if (tool === 'new') void session.click(this.clouds.at(event, this.canvas) ?? this.groundAt(event));
    else if (tool === 'merge' && session.selected && found && found !== session.selected) session.askToMerge(found);
    else if (found) session.select(found);
  }

  /** Do in the middle of the view what a click would do there. */
  private here(): void {
    const at = this.canvas.getBoundingClientRect();
    const middle = {clientX: at.left + at.width / 2, clientY: at.top + at.height / 2};
    this.clicked(middle, this.boxAt(middle));
  }

  private zoom(): void {
    const box = this.selectedBox();
    if (box) this.lookAt(box);
  }

  /** Where the pointer's ray meets the level that the ego vehicle stands on. */
  private groundAt(event: Pointer): Vec {
    const pose = this.session.scene?.world_from_sensor?.[this.session.sweep];
    return this.eye.onLevel(event, (pose?.[11] ?? 0) - (this.session.scene?.ego_from_lidar[11] ?? 0));
  }
}

/** Whether points are drawn by the processor: each takes its time then. */
function isSoftware(gl: WebGLRenderingContext | WebGL2RenderingContext): boolean {
  const told = gl.getExtension('WEBGL_debug_renderer_info');
  return told !== null && /swiftshader|llvmpipe|software/i.test(String(gl.getParameter(told.UNMASKED_RENDERER_WEBGL)));
}
