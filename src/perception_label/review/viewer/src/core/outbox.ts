import {Fault, type Api} from './api.ts';
import type {Op, Result} from './types.ts';

const MOST_OPS = 100;
const RETRY_MS = [500, 1000, 2000, 4000, 8000];

/** An op that the server has not acknowledged yet, as it is kept across reloads. */
export interface Pending {op: Op; isSent: boolean}

export interface OutboxEvents {
  /** The number of unsaved ops, or why they cannot be sent, changed. */
  onState: () => void;
  /** The server answered; a conflict or an invalid op is out of the box. */
  onResult: (op: Op, result: Result, revision: number) => void;
}

/**
 * Edits on their way to the server. Nothing is lost: each op is in the browser's storage until it is
 * acknowledged, and sent again until then; its id makes that safe.
 *
 * One batch is with the server at a time, with at most one op of each track: the next one of a track builds on
 * the revision that the first one gets. Poses that were not sent yet are folded into one.
 */
export class Outbox {
  private pending: Pending[] = [];
  private isBusy = false;
  private failures = 0;
  /** Ops of a batch; fewer after one that the server could not take. */
  private most = MOST_OPS;
  private timer: ReturnType<typeof setTimeout> | undefined;
  /** Of each track the revision that its last op of this page got: the next one builds on it. */
  readonly revisions = new Map<string, number>();
  /** Whether what is unsaved would outlive this page: a browser stores only so much. */
  isKept = true;
  /** Why ops cannot be sent now: '' or a line for people. */
  trouble = '';

  private name = '';

  constructor(private api: Api, private storage: Storage, private events: OutboxEvents) {}

  /** Take up what this person left unsaved in this browser; called once, before the first `push`. */
  open(name: string): void {
    this.name = name;
    this.pending = this.read();
    this.events.onState();
    this.flush();
  }

  get size(): number {
    return this.pending.length;
  }

  has(trackId: string): boolean {
    return this.pending.some((each) => each.op.track_id === trackId);
  }

  /** Take an op in; true if it became part of the one before it. */
  push(op: Op): boolean {
    const last = this.pending[this.pending.length - 1];
    const isSame = last && !last.isSent && ['set_keyframe', 'set_shape'].includes(op.kind) && last.op.kind === op.kind
      && last.op.track_id === op.track_id && last.op.timestamp_ns === op.timestamp_ns && shapeOf(last.op) === shapeOf(op);
    if (isSame) {
      last.op = {...op, edit_id: last.op.edit_id, base_revision: last.op.base_revision, active_s: last.op.active_s + op.active_s};
    } else {
      this.pending.push({op, isSent: false});
    }
    this.keep();
    this.events.onState();
    this.flush();
    return Boolean(isSame);
  }

  /** Send what is there now; called again after a login, or when the network is back. */
  flush(): void {
    clearTimeout(this.timer);
    if (!this.isBusy && this.pending.length) void this.send();
  }

  /** Drop the ops of a track that were not sent, and return them: what they build on is gone. */
  drop(trackId: string): Op[] {
    const isDropped = (each: Pending): boolean => !each.isSent && each.op.track_id === trackId;
    const dropped = this.pending.filter(isDropped).map((each) => each.op);
    this.pending = this.pending.filter((each) => !isDropped(each));
    this.keep();
    this.events.onState();
    return dropped;
  }

  private async send(): Promise<void> {
    this.isBusy = true;
    const batch: Pending[] = [], taken = new Set<string>();
    for (const each of this.pending) {
      if (taken.has(each.op.track_id)) continue;
      // Ops of two tracks (merge, split) and undos wait until all before them are through.
      const isWide = ['merge', 'split', 'undo'].includes(each.op.kind);
      if (isWide && batch.length) break;
      taken.add(each.op.track_id);
      batch.push(each);
      if (isWide || batch.length === this.most) break;
    }
    for (const each of batch) {
      const known = this.revisions.get(each.op.track_id);
      // What was sent may be stored already: sent again it has to be the same.
      if (!each.isSent && known !== undefined && each.op.base_revision !== null) {
        each.op.base_revision = Math.max(known, each.op.base_revision);
      }
      each.isSent = true;
    }
    this.keep();
    try {
      const {revision, results} = await this.api.append(batch.map((each) => each.op));
      this.failures = 0;
      this.trouble = '';
      this.most = Math.min(MOST_OPS, 2 * this.most);
      const answers = new Map(results.map((result) => [result.edit_id, result]));
      this.pending = this.pending.filter((each) => !answers.has(each.op.edit_id));
      this.keep();
      for (const {op} of batch) {
        const result = answers.get(op.edit_id);
        if (!result) continue;
        if (result.revision !== null) this.revisions.set(op.track_id, result.revision);
        this.events.onResult(op, result, revision);
      }
    } catch (error) {
      this.failures += 1;
      const fault = error instanceof Fault ? error : new Fault(0, String(error));
      this.trouble = fault.status === 401 ? 'logged out: log in to save' : fault.message;
      // Too much at once, or a batch the server cannot read: fewer go together, until the bad one is told apart.
      const isRefused = [400, 413, 422].includes(fault.status);
      if (isRefused) this.most = Math.max(1, batch.length >> 1);
      if (isRefused && batch.length === 1) {
        this.trouble = '';
        this.pending = this.pending.filter((each) => each !== batch[0]);
        this.keep();
        this.events.onResult(batch[0].op, {
          edit_id: batch[0].op.edit_id, status: 'invalid', revision: null, error: fault.message, warnings: [],
        }, 0);
      }
      const wait = isRefused ? 0 : RETRY_MS[Math.min(this.failures, RETRY_MS.length) - 1];
      this.timer = setTimeout(() => this.flush(), wait);
    } finally {
      this.isBusy = false;
      this.events.onState();
    }
    if (!this.trouble) this.flush();
  }

  private keep(): void {
    try {
      this.storage.setItem(this.name, JSON.stringify(this.pending));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }

  private read(): Pending[] {
    try {
      return JSON.parse(this.storage.getItem(this.name) ?? '[]') as Pending[];
    } catch {
      return [];
    }
  }
}

/** On which camera a shape is, and of which kind: another kind is another keyframe. */
function shapeOf(op: Op): string {
  const {camera, shape} = op.after as {camera?: string; shape?: {kind: string}};
  return `${camera ?? ''}/${shape?.kind ?? ''}`;
}
