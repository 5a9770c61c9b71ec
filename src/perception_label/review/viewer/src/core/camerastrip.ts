import {classColour, css} from './colours.ts';
import {imageAt, seen} from './project.ts';
import {rowAt, type Session} from './session.ts';
import type {Box, Camera, Track} from './types.ts';

const LATE_NS = 500_000_000n; // an image so far from the sweep shows something else
const SMALL_PX = 320; // width of a picture in the row

/** A track's box at any instant: straight between its sweeps. */
export function boxAtTime(session: Session, track: Track, timestamp: bigint): Box | null {
  const times = session.scene!.timestamps_ns, near = session.boxAt(track.track_id, session.sweep);
  const gap = timestamp - BigInt(times[session.sweep]), next = session.sweep + (gap >= 0n ? 1 : -1);
  const k = rowAt(track.sweeps, next);
  if (!near || k < 0 || gap === 0n) return near;
  // While it is dragged the way it moves is still the track's own.
  const here = rowAt(track.sweeps, session.sweep), whole = BigInt(times[next]) - BigInt(times[session.sweep]);
  const share = Number(gap) / Number(whole);
  const step = [0, 1, 2].map((d) => track.poses[4 * k + d] - track.poses[4 * here + d]);
  return {...near, center: near.center.map((v, d) => v + share * step[d])};
}

/** The cameras: the one that sees the selected box best is large, boxes are drawn on it while they are dragged. */
export class CameraStrip {
  /** The large camera, if a person chose it. */
  chosen = '';
  shown = '';
  private large: HTMLElement;
  private row: HTMLElement;
  private frame = 0;
  private off: () => void;
  private resizes: ResizeObserver;

  constructor(private element: HTMLElement, private session: Session) {
    this.large = document.createElement('div');
    this.large.style.cssText = 'position:relative;flex:1;min-width:0';
    this.row = document.createElement('div');
    this.row.style.cssText = 'display:flex;flex-direction:column;gap:2px;overflow:auto;width:8rem';
    this.large.title = 'double-click: label on this camera';
    this.large.addEventListener('dblclick', () => {
      session.camera = this.shown;
      session.tell('images');
    });
    element.replaceChildren(this.large, this.row);
    this.off = session.on((what) => {
      if (what === 'scene') this.build();
      else if (what !== 'outbox' && what !== 'told') this.later();
    });
    this.resizes = new ResizeObserver(() => this.later());
    this.resizes.observe(element);
    if (session.scene) this.build();
  }

  dispose(): void {
    this.off();
    this.resizes.disconnect();
    cancelAnimationFrame(this.frame);
    this.element.replaceChildren();
  }

  private build(): void {
    // Calibration alone, without pictures, is nothing to look at.
    const names = Object.entries(this.session.scene?.cameras ?? {})
      .filter(([, camera]) => camera.image_timestamps_ns.length).map(([name]) => name);
    this.element.style.display = names.length ? 'flex' : 'none';
    this.row.style.display = names.length > 1 ? 'flex' : 'none';
    this.row.replaceChildren(...names.map((name) => {
      const button = document.createElement('button');
      button.type = 'button';
      button.title = name;
      button.setAttribute('aria-label', `camera ${name}`);
      button.style.cssText = 'padding:0;border:1px solid transparent;background:none;cursor:pointer;position:relative';
      button.append(this.picture(), this.overlay());
      button.dataset.camera = name;
      button.addEventListener('click', () => {
        this.chosen = this.chosen === name ? '' : name;
        this.later();
      });
      return button;
    }));
    this.large.replaceChildren(this.picture(), this.overlay());
    this.later();
  }

  private picture(): HTMLImageElement {
    const picture = document.createElement('img');
    picture.alt = '';
    picture.style.cssText = 'width:100%;height:100%;object-fit:contain;display:block';
    return picture;
  }

  private overlay(): HTMLCanvasElement {
    const canvas = document.createElement('canvas');
    canvas.style.cssText = 'position:absolute;inset:0;width:100%;height:100%;pointer-events:none';
    return canvas;
  }

  private later(): void {
    cancelAnimationFrame(this.frame);
    this.frame = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    const {session} = this, cameras = session.scene?.cameras ?? {};
    const best = this.chosen || this.best() || this.shown || Object.keys(cameras)[0];
    if (!best) return;
    this.shown = best;
    this.show(this.large, best, null);
    for (const button of this.row.querySelectorAll('button')) {
      const name = button.dataset.camera!;
      button.style.borderColor = name === best ? 'currentColor' : 'transparent';
      this.show(button, name, SMALL_PX);
    }
  }

  /** The camera that shows most of the selected box, the nearest of several. */
  private best(): string {
    const {session} = this, track = session.selected ? session.tracks.get(session.selected) : undefined;
    let most = 0, found = '';
    for (const [name, camera] of Object.entries(session.scene?.cameras ?? {})) {
      const at = this.imageOf(camera), box = track && at ? boxAtTime(session, track, at.time) : null;
      const sight = box && at ? seen(camera, at.pose, box) : null;
      const worth = sight ? sight.share + 1 / (1 + sight.depth) : 0;
      if (worth > most) [most, found] = [worth, name];
    }
    return found;
  }

  private imageOf(camera: Camera): {image: number; time: bigint; pose: number[]} | null {
    const now = this.session.scene!.timestamps_ns[this.session.sweep], image = imageAt(camera, now);
    if (image < 0 || !camera.world_from_camera) return null;
    const time = BigInt(camera.image_timestamps_ns[image]), gap = time - BigInt(now);
    if (gap > LATE_NS || gap < -LATE_NS) return null;
    return {image, time, pose: camera.world_from_camera[image]};
  }

  private show(holder: HTMLElement, name: string, width: number | null): void {
    const {session} = this, camera = session.scene!.cameras[name], at = this.imageOf(camera);
    const picture = holder.querySelector('img')!, canvas = holder.querySelector('canvas')!;
    picture.style.visibility = at ? 'visible' : 'hidden';
    const ctx = canvas.getContext('2d')!, ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    if (!at) return;
    const url = session.api.imageUrl(name, at.image) + (width ? `?width_px=${width}` : '');
    if (picture.getAttribute('src') !== url) picture.src = url;
    const scale = Math.min(canvas.width / camera.width_px, canvas.height / camera.height_px);
    const x0 = (canvas.width - scale * camera.width_px) / 2, y0 = (canvas.height - scale * camera.height_px) / 2;
    for (const track of session.tracks.values()) {
      const isSelected = track.track_id === session.selected;
      if (session.view.hidesOthers && !isSelected) continue;
      const box = boxAtTime(session, track, at.time), sight = box ? seen(camera, at.pose, box) : null;
      if (!sight) continue;
      ctx.strokeStyle = isSelected ? '#ffffff' : css(classColour(track.class_name));
      ctx.lineWidth = (isSelected ? 2 : 1) * ratio;
      ctx.beginPath();
      for (const line of sight.lines) {
        // Half a pixel: a pixel's centre is a whole number, a picture's edge is not.
        line.forEach(([x, y], k) => {
          const p: [number, number] = [x0 + (x + 0.5) * scale, y0 + (y + 0.5) * scale];
          if (k) ctx.lineTo(...p);
          else ctx.moveTo(...p);
        });
      }
      ctx.stroke();
    }
  }
}
