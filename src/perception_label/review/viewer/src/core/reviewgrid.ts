import {near} from './crop.ts';
import {button, cells, row, text, walk} from './gridparts.ts';
import {DARK, LIGHT, PLANES, REACH_M, paint, scaleOf, type Side} from './pane.ts';
import type {Session} from './session.ts';
import {isLight} from './theme.ts';
import type {QueueItem} from './types.ts';

const N_TILES = 24;
const SIDES: Side[] = ['top', 'side'];
const AT_ONCE = 2; // sweeps that are fetched together

interface Tile {item: QueueItem; element: HTMLButtonElement; views: HTMLCanvasElement[]; label: HTMLElement}

/** Many look-alike tracks, one tile each: only the bad ones are clicked, all others accepted in one go. */
export class ReviewGrid {
  private title = text('reading the queue …');
  private choice = document.createElement('select');
  private body = cells('11rem');
  private acceptButton: HTMLButtonElement;
  private rejectButton: HTMLButtonElement;
  private strata = new Map<string, QueueItem[]>();
  private tiles: Tile[] = [];
  private bad = new Set<string>();
  private isGone = false;

  constructor(private element: HTMLElement, private session: Session) {
    const head = row();
    this.choice.setAttribute('aria-label', 'tracks that look alike');
    this.choice.addEventListener('change', () => this.build());
    this.acceptButton = button('Accept', () => this.accept(), 'All that are not marked are right');
    this.rejectButton = button('Reject', () => this.reject(), 'The marked ones are no objects');
    head.append(this.title, this.choice, this.acceptButton, this.rejectButton, button('Close', () => session.openGrid('')));
    element.replaceChildren(head, this.body);
    element.addEventListener('keydown', this.pressed);
    void this.read();
  }

  dispose(): void {
    this.isGone = true;
    this.element.removeEventListener('keydown', this.pressed);
    this.element.replaceChildren();
  }

  private pressed = (event: KeyboardEvent): void => walk(this.body, event);

  private async read(): Promise<void> {
    try {
      const {items} = await this.session.api.queue(10_000);
      for (const item of items) {
        if (item.kind !== 'track' || !this.isOpen(item)) continue;
        this.strata.set(item.stratum, [...(this.strata.get(item.stratum) ?? []), item]);
      }
    } catch (error) {
      this.title.textContent = (error as Error).message;
      return;
    }
    if (!this.isGone) this.list();
  }

  private isOpen(item: QueueItem): boolean {
    const track = this.session.tracks.get(item.track_id);
    return track !== undefined && track.verdict === null && !track.is_finalised && track.sweeps.includes(item.sweep);
  }

  /** Offer the strata that have tracks left, the largest first. */
  private list(): void {
    const was = this.choice.value;
    const left = [...this.strata].filter(([, items]) => items.length).sort((a, b) => b[1].length - a[1].length);
    this.choice.replaceChildren(...left.map(([name, items]) => new Option(`${name} (${items.length})`, name, false, name === was)));
    this.build();
  }

  private build(): void {
    this.bad.clear();
    const items = (this.strata.get(this.choice.value) ?? []).slice(0, N_TILES);
    this.tiles = items.map((item) => this.tile(item));
    this.body.replaceChildren(...this.tiles.map((tile) => tile.element));
    this.mark();
    void this.draw(this.tiles);
    this.tiles[0]?.element.focus();
  }

  private tile(item: QueueItem): Tile {
    const element = button('', () => {
      if (!this.bad.delete(item.track_id)) this.bad.add(item.track_id);
      this.mark();
    }, 'Click: it is bad. Twice: go there.');
    element.dataset.cell = item.track_id;
    element.style.cssText += ';display:flex;flex-direction:column;gap:2px;min-height:0;padding:3px';
    element.addEventListener('dblclick', () => {
      this.session.openGrid('');
      this.session.show(item.sweep);
      this.session.select(item.track_id);
      this.session.tell('zoom');
    });
    const label = document.createElement('span');
    const views = SIDES.map(() => document.createElement('canvas'));
    for (const canvas of views) canvas.style.cssText = 'flex:1;min-height:0;width:100%';
    element.append(...views, label);
    return {item, element, views, label};
  }

  private mark(): void {
    for (const {item, element, label} of this.tiles) {
      const isBad = this.bad.has(item.track_id);
      element.setAttribute('aria-pressed', String(isBad));
      element.style.borderColor = isBad ? '#ff6b6b' : '#868e96';
      element.style.opacity = isBad ? '0.55' : '1';
      label.textContent = `${isBad ? '✗ ' : ''}${item.class_name}  ${item.score.toFixed(2)}`;
    }
    const n = this.tiles.length - this.bad.size;
    this.title.textContent = this.tiles.length ? 'click the bad ones, then accept the others' : 'nothing is left to look at';
    this.acceptButton.textContent = `Accept ${n}`;
    this.rejectButton.textContent = `Reject ${this.bad.size}`;
    this.acceptButton.disabled = !n;
    this.rejectButton.disabled = !this.bad.size;
  }

  private async draw(tiles: Tile[]): Promise<void> {
    const left = [...tiles];
    const next = async (): Promise<void> => {
      const tile = left.shift();
      if (!tile || this.isGone || this.tiles !== tiles) return;
      const {item} = tile, box = this.session.boxAt(item.track_id, item.sweep), pose = this.session.scene?.world_from_sensor?.[item.sweep];
      const cloud = await this.session.clouds.load(item.sweep).catch(() => null);
      if (box && pose && cloud) {
        const points = near(cloud, pose, box, REACH_M);
        tile.views.forEach((canvas, k) => {
          const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight, plane = PLANES[SIDES[k]];
          [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
          const ctx = canvas.getContext('2d');
          if (!ctx) return;
          ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
          paint(ctx, width, height, points, box, box, plane, scaleOf(box, plane, width, height), isLight() ? LIGHT : DARK);
        });
        tile.element.dataset.drawn = String(points.length / 3);
      }
      return next();
    };
    await Promise.all(Array.from({length: AT_ONCE}, next));
  }

  private accept(): void {
    const good = this.tiles.map((tile) => tile.item.track_id).filter((id) => !this.bad.has(id));
    for (const id of good) this.session.edit('verdict', id, {verdict: 'accept', reason: ''});
    // The bad ones stay in the queue, but are not shown here again.
    this.done(this.tiles.map((tile) => tile.item.track_id));
  }

  private reject(): void {
    for (const id of this.bad) this.session.edit('verdict', id, {verdict: 'reject', reason: 'no object'});
    this.done([...this.bad]);
  }

  private done(ids: string[]): void {
    const gone = new Set(ids), name = this.choice.value;
    this.strata.set(name, (this.strata.get(name) ?? []).filter((item) => !gone.has(item.track_id)));
    this.list();
  }
}
