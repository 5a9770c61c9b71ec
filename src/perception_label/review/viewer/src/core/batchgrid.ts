import {button, cells, row, text, walk} from './gridparts.ts';
import {Pane, type Side} from './pane.ts';
import {rowAt, type Session} from './session.ts';
import type {Track} from './types.ts';

const N_CELLS = 12;
const STEPS = [1, 2, 5, 10];
const SIDES: Side[] = ['top', 'side', 'rear'];

interface Cell {sweep: number; element: HTMLElement; name: HTMLButtonElement; panes: Pane[]}

/** One track over many sweeps: three views in each cell, corrected in place. */
export class BatchGrid {
  private title = text();
  private body = cells('15rem');
  private acceptButton: HTMLButtonElement;
  private againButton: HTMLButtonElement;
  private found: Cell[] = [];
  private chosen = new Set<number>();
  private step = 0; // sweeps between cells; 0: spread over the whole life
  private page = 0;
  private off: () => void;

  constructor(private element: HTMLElement, private session: Session) {
    const head = row();
    this.acceptButton = button('', () => this.accept(), 'The boxes of these cells are right: keyframes there');
    this.againButton = button('', () => this.again(), 'Take the keyframes of these cells away: they are worked out from the others');
    head.append(
      this.title, ...[0, ...STEPS].map((step) => button(step ? `every ${step}` : 'whole life', () => this.every(step))),
      button('earlier', () => this.turn(-1)), button('later', () => this.turn(1)), this.acceptButton, this.againButton,
      button('Close', () => session.openGrid('')),
    );
    element.replaceChildren(head, this.body);
    element.addEventListener('keydown', this.pressed);
    this.off = session.on((what) => {
      if (what === 'select') this.build();
      if (what === 'tracks' || what === 'sweep') this.mark();
    });
    this.build();
  }

  dispose(): void {
    this.off();
    this.element.removeEventListener('keydown', this.pressed);
    for (const {panes} of this.found) panes.forEach((pane) => pane.dispose());
    this.element.replaceChildren();
  }

  /** The sweeps of the cells. */
  get sweeps(): number[] {
    return this.found.map((cell) => cell.sweep);
  }

  /** A cell's views: where in them a place is, tests ask. */
  panes(sweep: number): Pane[] {
    return this.found.find((cell) => cell.sweep === sweep)?.panes ?? [];
  }

  private pressed = (event: KeyboardEvent): void => walk(this.body, event);

  private track(): Track | undefined {
    return this.session.selected ? this.session.tracks.get(this.session.selected) : undefined;
  }

  private every(step: number): void {
    [this.step, this.page] = [step, 0];
    this.build();
  }

  private turn(by: number): void {
    if (!this.step) this.step = STEPS[0];
    this.page += by;
    this.build();
  }

  private wanted(): number[] {
    const sweeps = this.track()?.sweeps ?? [];
    if (!this.step) {
      const n = Math.min(N_CELLS, sweeps.length);
      return Array.from({length: n}, (_, k) => sweeps[Math.round((k * (sweeps.length - 1)) / Math.max(n - 1, 1))]);
    }
    // The first page holds the sweep that is shown.
    const here = sweeps.findIndex((sweep) => sweep >= this.session.sweep), span = N_CELLS * this.step;
    const from = Math.floor(Math.max(here, 0) / span) * span + this.page * span;
    return sweeps.filter((_, k) => k >= from && k < from + span && (k - from) % this.step === 0);
  }

  private build(): void {
    for (const {panes} of this.found) panes.forEach((pane) => pane.dispose());
    this.chosen.clear();
    this.found = this.wanted().map((sweep) => this.cell(sweep));
    this.body.replaceChildren(...this.found.map((cell) => cell.element));
    if (!this.found.length) this.body.append(text(this.track() ? 'no sweeps there' : 'no track is selected'));
    this.mark();
  }

  private cell(sweep: number): Cell {
    const element = document.createElement('div'), views = document.createElement('div');
    element.style.cssText = 'display:flex;flex-direction:column;min-height:0;border:2px solid transparent;border-radius:4px';
    views.style.cssText = 'flex:1;min-height:0;display:grid;gap:2px;grid-template-columns:1fr 1fr;grid-template-rows:1fr 1fr';
    const name = button('', () => {
      if (!this.chosen.delete(sweep)) this.chosen.add(sweep);
      this.mark();
    });
    name.dataset.cell = String(sweep);
    name.addEventListener('focus', () => this.session.show(sweep));
    const panes = SIDES.map((side) => {
      const canvas = document.createElement('canvas');
      canvas.style.cssText = `width:100%;height:100%;min-height:0;touch-action:none;${side === 'top' ? 'grid-row:1 / 3' : ''}`;
      views.append(canvas);
      return new Pane(canvas, this.session, side, sweep);
    });
    element.append(name, views);
    return {sweep, element, name, panes};
  }

  /** Write on each cell what is known of it now. */
  private mark(): void {
    const track = this.track(), times = this.session.scene?.timestamps_ns ?? [];
    const keys = new Set((track?.keys ?? []).filter((key) => key.source === 'human').map((key) => key.timestamp_ns));
    for (const {sweep, element, name} of this.found) {
      const k = track ? rowAt(track.sweeps, sweep) : -1, share = k < 0 ? null : track!.expected_iou[k];
      const isChosen = this.chosen.has(sweep);
      name.textContent = `${isChosen ? '☑' : '☐'} sweep ${sweep}${keys.has(times[sweep]) ? ' ◆' : ''}${share === null ? '' : `  IoU ${share.toFixed(2)}`}`;
      name.setAttribute('aria-pressed', String(isChosen));
      element.style.borderColor = isChosen ? '#ffd43b' : sweep === this.session.sweep ? '#74c0fc' : 'transparent';
    }
    const many = this.chosen.size ? `${this.chosen.size}` : 'all';
    this.acceptButton.textContent = `Accept ${many}`;
    this.againButton.textContent = `Run ${many} again`;
    this.title.textContent = track ? `${track.class_name}  ${track.track_id}` : '';
  }

  private targets(): number[] {
    return this.chosen.size ? this.sweeps.filter((sweep) => this.chosen.has(sweep)) : this.sweeps;
  }

  private accept(): void {
    const track = this.track();
    // Where the boxes are now: the edits that follow move them.
    const boxes = this.targets().map((sweep) => ({sweep, box: track ? this.session.boxAt(track.track_id, sweep) : null}));
    for (const {sweep, box} of boxes) {
      if (track && box) this.session.edit('set_keyframe', track.track_id, {center_m: box.center, yaw_rad: box.yaw}, sweep);
    }
    this.chosen.clear();
    this.mark();
  }

  private again(): void {
    const track = this.track(), times = this.session.scene?.timestamps_ns ?? [];
    const keys = new Set((track?.keys ?? []).filter((key) => key.source === 'human').map((key) => key.timestamp_ns));
    for (const sweep of this.targets()) if (track && keys.has(times[sweep])) this.session.edit('remove_keyframe', track.track_id, {}, sweep);
    this.chosen.clear();
    this.mark();
  }
}
