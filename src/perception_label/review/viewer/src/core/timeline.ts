import {classColour, css, shareColour, sourceColour} from './colours.ts';
import type {Session} from './session.ts';
import {isLight} from './theme.ts';
import type {Track} from './types.ts';

const HEAD = 18, SELECTED = 46, ROW = 7, LEFT = 8; // pixels: ruler, the selected track, each other track
const GRAB_PX = 6;
const MARKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600];

type Drag =
  | {kind: 'play'}
  | {kind: 'first' | 'last'; sweep: number}
  | {kind: 'key'; from: number; sweep: number};

/** Tracks over time: lifespans, keyframes, sources, expected errors; the selected track's on top, to be changed. */
export class Timeline {
  private drag: Drag | null = null;
  private scroll = 0;
  private frame = 0;
  private rows: Track[] = [];
  private off: () => void;
  private resizes: ResizeObserver;

  constructor(readonly canvas: HTMLCanvasElement, private session: Session) {
    canvas.tabIndex = 0;
    canvas.setAttribute('aria-label', 'timeline of the tracks');
    canvas.style.touchAction = 'none';
    canvas.addEventListener('pointerdown', (event) => this.down(event));
    canvas.addEventListener('pointermove', (event) => this.move(event));
    canvas.addEventListener('pointerup', (event) => this.up(event));
    canvas.addEventListener('dblclick', (event) => this.twice(event));
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      const room = Math.max(0, HEAD + SELECTED + this.rows.length * ROW - canvas.clientHeight);
      this.scroll = Math.min(Math.max(this.scroll + event.deltaY / 2, 0), room);
      this.later();
    }, {passive: false});
    this.off = session.on((what) => {
      if (what === 'scene' || what === 'tracks') this.sort();
      if (what !== 'live' && what !== 'outbox' && what !== 'told') this.later();
    });
    this.resizes = new ResizeObserver(() => this.later());
    this.resizes.observe(canvas);
    this.sort();
  }

  dispose(): void {
    this.off();
    this.resizes.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Where a sweep of the selected track's lane is on the page, CSS pixels. */
  at(sweep: number): {x: number; y: number} {
    const on = this.canvas.getBoundingClientRect();
    return {x: on.left + this.x(sweep), y: on.top + HEAD + SELECTED / 2};
  }

  private sort(): void {
    this.rows = [...this.session.tracks.values()].filter((t) => t.sweeps.length)
      .sort((a, b) => a.sweeps[0] - b.sweeps[0] || a.track_id.localeCompare(b.track_id));
    this.later();
  }

  private later(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private get n(): number {
    return Math.max(this.session.scene?.n_sweeps ?? 1, 1);
  }

  private x(sweep: number): number {
    return LEFT + ((sweep + 0.5) / this.n) * (this.canvas.clientWidth - 2 * LEFT);
  }

  private sweepAt(event: MouseEvent): number {
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    const share = (x - LEFT) / Math.max(this.canvas.clientWidth - 2 * LEFT, 1);
    return Math.min(Math.max(Math.floor(share * this.n), 0), this.n - 1);
  }

  private selected(): Track | undefined {
    return this.session.selected ? this.session.tracks.get(this.session.selected) : undefined;
  }

  private sweepOf(timestamp: string): number {
    const known = this.session.sweepAt(timestamp);
    if (known >= 0) return known;
    const times = this.session.scene!.timestamps_ns, wanted = BigInt(timestamp);
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (BigInt(times[middle]) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private draw(): void {
    const {canvas, session} = this, ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const ctx = canvas.getContext('2d');
    if (!ctx || !session.scene) return;
    const isDay = isLight(), ink = isDay ? '#495057' : '#adb5bd';
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.fillStyle = isDay ? '#f8f9fa' : '#14181d';
    ctx.fillRect(0, 0, width, height);
    this.drawTracks(ctx, height);
    ctx.fillStyle = isDay ? '#e9ecef' : '#1c2128';
    ctx.fillRect(0, 0, width, HEAD + SELECTED);
    this.drawRuler(ctx, ink);
    this.drawSelected(ctx, ink);
    ctx.fillStyle = '#ff6b6b';
    ctx.fillRect(this.x(session.sweep) - 1, 0, 2, height);
  }

  private drawRuler(ctx: CanvasRenderingContext2D, ink: string): void {
    const times = this.session.scene!.timestamps_ns;
    const seconds = Number(BigInt(times[times.length - 1] ?? 0) - BigInt(times[0] ?? 0)) / 1e9;
    const step = MARKS_S.find((s) => (seconds / s) * 60 < this.canvas.clientWidth) ?? 600;
    ctx.fillStyle = ink;
    ctx.font = '10px sans-serif';
    for (let s = 0; s <= seconds + 1e-9; s += step) {
      const x = this.x((s / Math.max(seconds, 1e-9)) * (this.n - 1));
      ctx.fillRect(x, HEAD - 4, 1, 4);
      ctx.fillText(`${Number(s.toFixed(1))} s`, x + 3, HEAD - 6);
    }
  }

  private drawTracks(ctx: CanvasRenderingContext2D, height: number): void {
    const {session} = this;
    this.rows.forEach((track, k) => {
      const y = HEAD + SELECTED + k * ROW - this.scroll;
      if (y < HEAD + SELECTED - ROW || y > height) return;
      const first = this.x(track.sweeps[0] - 0.5), last = this.x(track.sweeps[track.sweeps.length - 1] + 0.5);
      ctx.globalAlpha = track.track_id === session.selected ? 1 : track.verdict === 'accept' || track.is_finalised ? 0.35 : 0.75;
      ctx.fillStyle = css(classColour(track.class_name));
      ctx.fillRect(first, y + 1, Math.max(last - first, 2), ROW - 2);
      ctx.fillStyle = '#ffffff';
      for (const key of track.keys) {
        if (key.source === 'human') ctx.fillRect(this.x(this.sweepOf(key.timestamp_ns)) - 1, y + 1, 2, ROW - 2);
      }
    });
    ctx.globalAlpha = 1;
  }

  /** The selected track's lane: who made its boxes, how good they are expected to be, its keyframes. */
  private drawSelected(ctx: CanvasRenderingContext2D, ink: string): void {
    const track = this.selected();
    if (!track?.sweeps.length) return;
    const wide = Math.max((this.canvas.clientWidth - 2 * LEFT) / this.n, 1), y = HEAD + 6;
    track.sweeps.forEach((sweep, k) => {
      const x = this.x(sweep - 0.5);
      ctx.fillStyle = css(sourceColour(track.sources[track.box_sources[k]] ?? ''));
      ctx.fillRect(x, y, wide + 0.5, 12);
      ctx.fillStyle = css(shareColour(track.expected_iou[k]));
      ctx.fillRect(x, y + 13, wide + 0.5, 8);
    });
    const [first, last] = this.ends(track);
    ctx.fillStyle = ink;
    ctx.fillRect(this.x(first - 0.5) - 2, y - 3, 3, 28);
    ctx.fillRect(this.x(last + 0.5), y - 3, 3, 28);
    ctx.fillStyle = 'rgba(255, 107, 107, 0.5)';
    for (const [a, b] of track.outside_ns) {
      const from = this.x(this.sweepOf(a) - 0.5);
      ctx.fillRect(from, y, this.x(this.sweepOf(b) + 0.5) - from, 21);
    }
    for (const sweep of this.keys(track)) {
      const x = this.x(this.drag?.kind === 'key' && this.drag.from === sweep ? this.drag.sweep : sweep);
      ctx.fillStyle = '#ffffff';
      ctx.strokeStyle = '#000000';
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(x + 5, y + 6);
      ctx.lineTo(x, y + 12);
      ctx.lineTo(x - 5, y + 6);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    }
    ctx.fillStyle = ink;
    ctx.font = '11px sans-serif';
    ctx.fillText(`${track.class_name}  ${track.track_id.slice(0, 12)}  ${this.keys(track).length} keyframes`, LEFT + 2, HEAD + SELECTED - 6);
  }

  private keys(track: Track): number[] {
    return track.keys.filter((key) => key.source === 'human').map((key) => this.sweepOf(key.timestamp_ns));
  }

  private ends(track: Track): [number, number] {
    const {drag} = this;
    let first = track.sweeps[0], last = track.sweeps[track.sweeps.length - 1];
    if (drag?.kind === 'first') first = Math.min(drag.sweep, last);
    if (drag?.kind === 'last') last = Math.max(drag.sweep, first);
    return [first, last];
  }

  private down(event: PointerEvent): void {
    this.canvas.focus({preventScroll: true});
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const on = this.canvas.getBoundingClientRect(), x = event.clientX - on.left, y = event.clientY - on.top;
    const track = this.selected();
    if (y > HEAD + SELECTED) {
      const row = this.rows[Math.floor((y - HEAD - SELECTED + this.scroll) / ROW)];
      if (row) {
        const sweep = this.sweepAt(event);
        this.session.select(row.track_id);
        this.session.show(Math.min(Math.max(sweep, row.sweeps[0]), row.sweeps[row.sweeps.length - 1]));
      }
      return;
    }
    if (track?.sweeps.length && y > HEAD) {
      const key = this.keys(track).find((sweep) => Math.abs(this.x(sweep) - x) <= GRAB_PX);
      if (key !== undefined) this.drag = {kind: 'key', from: key, sweep: key};
      else if (Math.abs(this.x(track.sweeps[0] - 0.5) - x) <= GRAB_PX) this.drag = {kind: 'first', sweep: track.sweeps[0]};
      else if (Math.abs(this.x(track.sweeps[track.sweeps.length - 1] + 0.5) - x) <= GRAB_PX) {
        this.drag = {kind: 'last', sweep: track.sweeps[track.sweeps.length - 1]};
      }
    }
    if (!this.drag) {
      this.drag = {kind: 'play'};
      this.session.show(this.sweepAt(event));
    }
  }

  private move(event: PointerEvent): void {
    const {drag} = this;
    if (!drag) return;
    const sweep = this.sweepAt(event);
    if (drag.kind === 'play') this.session.show(sweep);
    else drag.sweep = sweep;
    this.later();
  }

  private up(event: PointerEvent): void {
    const {drag, session} = this, track = this.selected(), times = session.scene?.timestamps_ns;
    this.drag = null;
    if (!drag || drag.kind === 'play' || !track || !times) return;
    const to = this.sweepAt(event);
    if (drag.kind === 'key') {
      if (to === drag.from) session.show(to);
      else this.moveKey(track, drag.from, to);
    } else {
      const first = drag.kind === 'first' ? to : track.sweeps[0];
      const last = drag.kind === 'last' ? to : track.sweeps[track.sweeps.length - 1];
      const isMoved = drag.kind === 'first' ? to !== track.sweeps[0] : to !== last || last !== track.sweeps[track.sweeps.length - 1];
      if (isMoved && first <= last) session.edit('set_lifespan', track.track_id, {first_ns: times[first], last_ns: times[last]});
    }
    this.later();
  }

  /** The same box, at another sweep: it was set at the wrong one. */
  private moveKey(track: Track, from: number, to: number): void {
    const {session} = this, key = track.keys.find((each) => each.source === 'human' && this.sweepOf(each.timestamp_ns) === from);
    if (!key) return;
    const [x, y, z, yaw] = key.pose;
    session.edit('remove_keyframe', track.track_id, {}, from);
    session.edit('set_keyframe', track.track_id, {
      center_m: [x, y, z], yaw_rad: yaw, ...(key.size_m ? {size_m: key.size_m} : {}),
    }, to);
    session.show(to);
  }

  /** Twice in the selected track's lane: a keyframe there, or the one that is there away. */
  private twice(event: MouseEvent): void {
    const y = event.clientY - this.canvas.getBoundingClientRect().top, track = this.selected();
    if (!track || y < HEAD || y > HEAD + SELECTED) return;
    const sweep = this.sweepAt(event), {session} = this;
    const key = this.keys(track).find((each) => Math.abs(this.x(each) - this.x(sweep)) <= GRAB_PX);
    if (key !== undefined) {
      session.edit('remove_keyframe', track.track_id, {}, key);
      return;
    }
    const box = session.boxAt(track.track_id, sweep);
    if (box) session.edit('set_keyframe', track.track_id, {center_m: box.center, yaw_rad: box.yaw}, sweep);
  }
}
