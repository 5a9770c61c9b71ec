import type {Session} from './session.ts';
import type {QueueItem} from './types.ts';

export const REASONS = ['no object', 'wrong class', 'wrong place', 'labelled twice', 'too few points'];

const AFTER_EDIT_MS = 1500; // edits come in rows: the queue is asked for when they pause
const LONGEST_MS = 6000; // and meanwhile, too, since other people's never pause
const WAIT_S = 20;

/** The walk through what needs a person: one item after the other, the most urgent first. */
export class Queue {
  items: QueueItem[] = [];
  notes: string[] = [];
  /** The item at hand, by its id; null before the first step. */
  current: string | null = null;
  kind = '';
  reason = REASONS[0];
  isReady = false;
  isStale = true;
  private all: QueueItem[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;
  private waitingSince = 0;
  private isAsking = false;
  private wait = 0;
  private revision = -1;
  /** A candidate that is shown but not taken: it is not a track yet. */
  private candidate: string | null = null;

  constructor(private session: Session) {
    session.on((what) => {
      if (what === 'tracks' && session.revision !== this.revision) this.later(AFTER_EDIT_MS);
    });
    session.actions['next-item'] = () => void this.step(1);
    session.actions['previous-item'] = () => void this.step(-1);
    session.actions.accept = () => this.judge('accept');
    session.actions.reject = () => this.judge('reject');
    this.later(0);
  }

  get at(): number {
    return this.items.findIndex((item) => item.item_id === this.current);
  }

  filter(kind: string): void {
    this.kind = kind;
    this.sort();
  }

  /** Show an item: its sweep, its track, and fetch the next one's points. */
  async go(item: QueueItem): Promise<void> {
    const {session} = this;
    this.current = item.item_id;
    session.tell('queue');
    this.leave(item.track_id);
    session.camera = item.camera;
    session.show(item.sweep);
    if (!session.tracks.has(item.track_id)) {
      await session.fetch([item.track_id]);
      if (this.current !== item.item_id) return;
      if (session.tracks.get(item.track_id)?.revision === 0 && item.kind === 'missing') this.candidate = item.track_id;
    }
    session.select(item.track_id);
    session.tell('zoom');
    const next = this.items[this.at + 1];
    // The listener keeps the fetch from being given up when another sweep is shown.
    if (next) session.clouds.load(next.sweep, () => undefined).catch(() => undefined);
  }

  async step(by: number): Promise<void> {
    if (!this.items.length) return;
    const from = this.at, next = from < 0 ? 0 : Math.min(Math.max(from + by, 0), this.items.length - 1);
    await this.go(this.items[next]);
  }

  /** Accept or reject the selected track, else the item at hand; what it settles leaves the list. */
  judge(verdict: 'accept' | 'reject'): void {
    const {session} = this, item = this.items[this.at];
    const track = session.selected ?? item?.track_id;
    if (!track) return;
    session.edit('verdict', track, {verdict, reason: verdict === 'reject' ? this.reason : ''});
    if (this.candidate === track) this.candidate = null;
    const isAtHand = item && item.track_id === track, place = this.at;
    this.all = this.all.filter((each) => each.track_id !== track);
    this.sort();
    const next = isAtHand ? this.items[Math.min(place, this.items.length - 1)] : undefined;
    if (next) void this.go(next);
  }

  /** Show a candidate no longer that nobody took. */
  private leave(next: string): void {
    const {session, candidate} = this;
    if (!candidate || candidate === next) return;
    this.candidate = null;
    if (session.tracks.get(candidate)?.revision === 0 && !session.outbox.has(candidate)) session.forget(candidate);
  }

  private sort(): void {
    this.items = this.kind ? this.all.filter((item) => item.kind === this.kind) : this.all;
    this.session.tell('queue');
  }

  private later(ms: number): void {
    const now = performance.now();
    if (this.timer === undefined) this.waitingSince = now;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.ask();
    }, Math.min(ms, Math.max(0, this.waitingSince + LONGEST_MS - now)));
  }

  private async ask(): Promise<void> {
    if (this.isAsking) return this.later(AFTER_EDIT_MS);
    this.isAsking = true;
    try {
      this.revision = this.session.revision;
      const found = await this.session.api.queue(1000, this.wait);
      this.isReady = found.is_ready;
      this.isStale = found.is_stale;
      this.notes = found.notes;
      // What is on its way to the server is settled, though the server does not know yet.
      this.all = found.items.filter((item) => !this.session.outbox.has(item.track_id));
      this.sort();
      this.wait = found.is_stale ? WAIT_S : 0;
      if (found.is_stale) this.later(100);
    } catch (error) {
      this.notes = [(error as Error).message];
      this.session.tell('queue');
    } finally {
      this.isAsking = false;
    }
  }
}

const queues = new WeakMap<Session, Queue>();

/** The queue of a session; the first call asks the server for it. */
export function queueOf(session: Session): Queue {
  let queue = queues.get(session);
  if (!queue) queues.set(session, (queue = new Queue(session)));
  return queue;
}
