import {boxAtInstant, cuboidAt, drawCuboids, drawDraft, drawLabel, drawPaint, type Lie} from './imagedraw.ts';
import {ImageLabels} from './imagelabels.ts';
import type {Place} from './mask.ts';
import {Pictures} from './pictures.ts';
import {imageAt, seen} from './project.ts';
import type {Session} from './session.ts';
import {isInside} from './shapes.ts';
import {ShapeTools} from './shapetools.ts';
import type {Camera, Geometry, ImageLabel, Job, Shape2d} from './types.ts';

const LEAST_PACE_MS = 20;
const ZOOM = 1.0015, MOST_SCALE = 64, JOB_MS = 300;

/** All images of one camera: scrubbed through, their labels shown and changed. */
export class ImageView {
  camera = '';
  /** The image that is asked for, and the one on the screen, whose labels are changed. */
  image = 0;
  shown = -1;
  isOpen = false;
  /** Class of an object that is drawn without a selected track. */
  className = 'car';
  job: Job | null = null;
  labels: ImageLabels | null = null;
  readonly tools: ShapeTools;
  /** Called when what a panel shows has changed. */
  onChange = (): void => undefined;
  private pictures: Pictures | null = null;
  private lie: Lie = {scale: 1, x: 0, y: 0};
  private isFitted = true;
  private pan: {x: number; y: number; lie: Lie; isMoved: boolean} | null = null;
  private raf = 0;
  private playing: ReturnType<typeof setInterval> | undefined;
  private classes = new Map<string, string>();
  private stop = new AbortController();
  private off: () => void;
  private resizes: ResizeObserver;

  constructor(private canvas: HTMLCanvasElement, private strip: HTMLCanvasElement, readonly session: Session) {
    this.tools = new ShapeTools(this);
    this.off = session.on((what) => {
      if (what === 'images') this.open();
      else if (this.isOpen && what === 'tracks') this.labels?.renew(this.image);
      else if (this.isOpen && what === 'select') void this.labels?.look();
      if (this.isOpen) this.later();
    });
    this.resizes = new ResizeObserver(() => this.later());
    this.resizes.observe(canvas);
    const by = {signal: this.stop.signal};
    canvas.addEventListener('pointerdown', (event) => this.down(event), by);
    canvas.addEventListener('pointermove', (event) => this.move(event), by);
    canvas.addEventListener('pointerup', (event) => this.up(event), by);
    canvas.addEventListener('dblclick', () => this.tools.finish(false), by);
    canvas.addEventListener('contextmenu', (event) => event.preventDefault(), by);
    canvas.addEventListener('wheel', (event) => this.wheel(event), {...by, passive: false});
  }

  dispose(): void {
    this.off();
    clearInterval(this.playing);
    this.stop.abort();
    this.resizes.disconnect();
    cancelAnimationFrame(this.raf);
  }

  get model(): Camera | null {
    return this.session.scene?.cameras[this.camera] ?? null;
  }

  get n(): number {
    return this.model?.image_timestamps_ns.length ?? 0;
  }

  get cameras(): string[] {
    const all = this.session.scene?.cameras ?? {};
    return Object.keys(all).filter((name) => all[name].image_timestamps_ns.length);
  }

  /** Show the camera that was asked for, or the one that sees most of the selected box, at the sweep's instant. */
  open(): void {
    const name = this.session.camera || this.camera || this.best() || this.cameras[0];
    if (!name) {
      this.session.say('this log has no camera images');
      return;
    }
    this.isOpen = true;
    this.choose(name, true);
  }

  close(): void {
    this.isOpen = false;
    this.stopPlaying();
    this.tools.leave();
    const now = this.model?.image_timestamps_ns[this.image], times = this.session.scene?.timestamps_ns ?? [];
    if (now && times.length) this.session.show(imageAt({image_timestamps_ns: times} as Camera, now));
    this.onChange();
  }

  choose(name: string, isAtSweep = false): void {
    this.stopPlaying();
    const now = this.model?.image_timestamps_ns[this.image];
    const at = isAtSweep || !now ? this.session.scene!.timestamps_ns[this.session.sweep] : now;
    this.camera = name;
    this.session.camera = '';
    this.tools.leave();
    this.labels = new ImageLabels(this.session, name, () => this.later());
    this.pictures = new Pictures(this.session, name, this.n, (image) => {
      if (image === this.image) this.later();
    });
    this.shown = -1;
    this.isFitted = true;
    this.image = at ? Math.max(imageAt(this.model!, at), 0) : 0;
    this.go(this.image);
    void this.labels.look();
  }

  go(image: number): void {
    const next = Math.min(Math.max(image, 0), this.n - 1), way = next - this.image;
    if (next !== this.image) this.tools.leave();
    this.image = next;
    this.labels?.want(next);
    this.pictures?.get(next);
    this.pictures?.ahead(next, way);
    this.later();
  }

  /** Show one image after the other at their own pace, waiting for those that are not here yet; or stop. */
  play(): void {
    if (this.isPlaying) return this.stopPlaying();
    const times = this.model?.image_timestamps_ns ?? [], last = times.length - 1;
    if (last < 1) return;
    const all = Number(BigInt(times[last]) - BigInt(times[0])) / 1e6, pace = Math.max(all / last, LEAST_PACE_MS);
    if (this.image >= last) this.go(0);
    this.playing = setInterval(() => {
      if (this.image >= last) this.stopPlaying();
      else if (this.shown === this.image) this.go(this.image + 1);
    }, pace);
    this.onChange();
  }

  get isPlaying(): boolean {
    return this.playing !== undefined;
  }

  private stopPlaying(): void {
    clearInterval(this.playing);
    this.playing = undefined;
    this.onChange();
  }

  /** The images where people set the selected track's shapes, or the one that is least sure. */
  goToKey(way: 1 | -1): void {
    const there = (this.labels?.overview ?? []).filter((l) => l.is_key && (way > 0 ? l.image > this.image : l.image < this.image));
    if (there.length) this.go(there.map((l) => l.image).reduce((a, b) => (way > 0 ? Math.min(a, b) : Math.max(a, b))));
  }

  goToDoubt(): void {
    const guesses = (this.labels?.overview ?? []).filter((l) => !l.is_key && l.expected_iou !== null && l.image !== this.image);
    const worst = guesses.reduce<ImageLabel | null>((a, b) => (a && a.expected_iou! <= b.expected_iou! ? a : b), null);
    if (worst) this.go(worst.image);
  }

  /** Labels of the image on the screen. */
  here(): ImageLabel[] {
    return this.shown < 0 ? [] : (this.labels?.at(this.shown) ?? []);
  }

  mine(kind: Geometry): ImageLabel | null {
    return this.here().find((label) => label.track_id === this.session.selected && label.geometry === kind) ?? null;
  }

  /** The class of the selected track, or of the next one. */
  get drawnClass(): string {
    const id = this.session.selected;
    return (id && (this.session.tracks.get(id)?.class_name ?? this.classes.get(id))) || this.className;
  }

  may(kind: Geometry): boolean {
    return Boolean(this.session.scene?.ontology.classes[this.drawnClass]?.geometry.includes(kind));
  }

  /** Store a shape of the selected track on this image; without one it is a new track's first. */
  set(shape: Shape2d): void {
    const {session} = this, at = this.model?.image_timestamps_ns[this.shown], name = this.drawnClass;
    if (!at) return;
    if (!this.may(shape.kind)) {
      session.say(`a ${name} may not have ${shape.kind}: choose another class`);
      return;
    }
    let id = session.selected;
    if (!id) {
      id = crypto.randomUUID();
      this.classes.set(id, name);
      session.edit('create_track', id, {class_name: name});
    }
    session.edit('set_shape', id, {camera: this.camera, shape}, undefined, at);
    this.labels?.put({
      image: this.shown, track_id: id, class_name: name, geometry: shape.kind, shape, is_key: true, visible: true,
      expected_iou: 1, source: 'human', is_stale: false,
    });
    session.select(id);
  }

  /** Take the keyframe of a kind away from this image. */
  remove(kind: Geometry): void {
    const label = this.mine(kind), at = this.model?.image_timestamps_ns[this.shown];
    if (!label?.is_key || !at) return;
    this.session.edit('remove_shape', label.track_id, {camera: this.camera, geometry: kind}, undefined, at);
    this.labels?.take(label);
  }

  /** Make what was worked out for the selected track on this image keyframes. */
  accept(): void {
    for (const label of this.here()) {
      if (label.track_id === this.session.selected && !label.is_key && label.shape) this.set(label.shape);
    }
  }

  /** Say that the selected track is not on this camera's images from this one on, or again. */
  gone(isOutside: boolean): void {
    const at = this.model?.image_timestamps_ns[this.shown], id = this.session.selected;
    if (id && at) this.session.edit('set_outside', id, {first_ns: at, last_ns: null, is_outside: isOutside, camera: this.camera});
  }

  /** Carry all keyframes over the images; runs on the server until it is over or stopped. */
  async propagate(): Promise<void> {
    const {api} = this.session;
    try {
      this.job = await api.startJob('propagate_images');
      while (this.job && ['waiting', 'running'].includes(this.job.status) && !this.stop.signal.aborted) {
        this.onChange();
        await new Promise((wake) => setTimeout(wake, JOB_MS));
        this.job = await api.get<Job>(`/jobs/${this.job.job_id}`);
      }
      this.session.say(`propagation ${this.job?.status}${this.job?.message ? `: ${this.job.message}` : ''}`);
    } catch (error) {
      this.session.say((error as Error).message);
    }
    this.job = null;
    this.labels?.renew(this.image);
    this.onChange();
  }

  async cancel(): Promise<void> {
    if (this.job) await this.session.api.cancelJob(this.job.job_id);
  }

  /** Where a place of the image is on the page, CSS pixels. */
  at(x: number, y: number): {x: number; y: number} {
    const rect = this.canvas.getBoundingClientRect();
    return {x: rect.left + this.lie.x + x * this.lie.scale, y: rect.top + this.lie.y + y * this.lie.scale};
  }

  fit(): void {
    this.isFitted = true;
    this.later();
  }

  later(): void {
    cancelAnimationFrame(this.raf);
    this.raf = requestAnimationFrame(() => this.draw());
  }

  private place(event: MouseEvent): Place {
    const rect = this.canvas.getBoundingClientRect();
    return [(event.clientX - rect.left - this.lie.x) / this.lie.scale, (event.clientY - rect.top - this.lie.y) / this.lie.scale];
  }

  private best(): string {
    const {session} = this, track = session.selected ? session.tracks.get(session.selected) : undefined;
    const now = session.scene?.timestamps_ns[session.sweep];
    let most = 0, found = '';
    for (const name of track && now ? this.cameras : []) {
      const camera = session.scene!.cameras[name], image = imageAt(camera, now!), pose = camera.world_from_camera?.[image];
      const box = pose ? boxAtInstant(session, track!, BigInt(now!)) : null, share = box ? (seen(camera, pose!, box)?.share ?? 0) : 0;
      if (share > most) [most, found] = [share, name];
    }
    return found;
  }

  private down(event: PointerEvent): void {
    if (this.shown < 0 || this.shown !== this.image) return;
    this.canvas.setPointerCapture(event.pointerId);
    const isDrawing = event.button === 0 || (event.button === 2 && this.tools.tool === 'mask');
    if (isDrawing && this.tools.down(this.place(event), event, this.lie.scale)) return;
    this.pan = {x: event.clientX, y: event.clientY, lie: this.lie, isMoved: false};
  }

  private move(event: PointerEvent): void {
    if (this.pan) {
      const dx = event.clientX - this.pan.x, dy = event.clientY - this.pan.y;
      this.pan.isMoved ||= Math.hypot(dx, dy) > 3;
      if (this.pan.isMoved) {
        this.isFitted = false;
        this.lie = {...this.pan.lie, x: this.pan.lie.x + dx, y: this.pan.lie.y + dy};
      }
    } else this.tools.move(this.place(event));
    this.later();
  }

  private up(event: PointerEvent): void {
    if (!this.pan) this.tools.up(this.place(event));
    else if (!this.pan.isMoved && event.button === 0) this.pick(this.place(event));
    this.pan = null;
    this.later();
  }

  private wheel(event: WheelEvent): void {
    event.preventDefault();
    const [x, y] = this.place(event), scale = Math.min(this.lie.scale * ZOOM ** -event.deltaY, MOST_SCALE);
    this.lie = {scale, x: this.lie.x + x * (this.lie.scale - scale), y: this.lie.y + y * (this.lie.scale - scale)};
    this.isFitted = false;
    this.later();
  }

  /** Select what is at a place: the smallest label, else the nearest box. */
  private pick(place: Place): void {
    const sizes = this.here().filter((label) => label.shape && isInside(label.shape, place)).map((label) => {
      const points = label.shape!.kind === 'box' ? label.shape!.box_px : [];
      return {label, size: points.length ? (points[2] - points[0]) * (points[3] - points[1]) : 0};
    });
    sizes.sort((a, b) => a.size - b.size);
    this.session.select(sizes[0]?.label.track_id ?? cuboidAt(this.session, this.model!, this.shown, place));
  }

  private draw(): void {
    const {canvas, model, pictures} = this, ratio = window.devicePixelRatio || 1;
    if (!this.isOpen || !model || !pictures) return;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    if (pictures.get(this.image)) this.shown = this.image;
    if (this.isFitted) {
      const scale = Math.min(canvas.clientWidth / model.width_px, canvas.clientHeight / model.height_px) * 0.96;
      this.lie = {scale, x: (canvas.clientWidth - scale * model.width_px) / 2, y: (canvas.clientHeight - scale * model.height_px) / 2};
    }
    const ctx = canvas.getContext('2d')!, {lie} = this, picture = this.shown < 0 ? null : pictures.get(this.shown);
    ctx.scale(ratio, ratio);
    if (picture) {
      ctx.imageSmoothingEnabled = lie.scale < 3;
      ctx.drawImage(picture, lie.x, lie.y, model.width_px * lie.scale, model.height_px * lie.scale);
      drawCuboids(ctx, this.session, model, this.shown, lie);
      for (const label of this.here()) {
        const isSelected = label.track_id === this.session.selected, live = isSelected ? this.tools.live : null;
        const isReplaced = live?.kind === label.geometry || (isSelected && label.geometry === 'mask' && this.tools.paint);
        if (isReplaced || (this.session.view.hidesOthers && !isSelected)) continue;
        drawLabel(ctx, label, lie, isSelected, isSelected && this.tools.holds(label.geometry));
      }
      if (this.tools.live) {
        const own = {track_id: '', class_name: this.drawnClass, geometry: this.tools.live.kind, shape: this.tools.live, source: 'human'};
        drawLabel(ctx, {...own, image: this.shown, is_key: true, visible: true, expected_iou: 1, is_stale: false}, lie, true, true);
      }
      if (this.tools.paint) drawPaint(ctx, this.tools.paint, model.width_px, model.height_px, lie);
      drawDraft(ctx, this.tools.draft, this.tools.pointer, lie);
      this.tools.drawBrush(ctx, lie);
    }
    this.tools.drawStrip(this.strip);
    this.onChange();
  }
}
