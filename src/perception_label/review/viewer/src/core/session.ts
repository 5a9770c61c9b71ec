import {ActiveTime} from './activetime.ts';
import {Api} from './api.ts';
import {Clouds} from './clouds.ts';
import {Outbox} from './outbox.ts';
import {People} from './people.ts';
import type {Box, Op, Result, Scene, Track} from './types.ts';
import {Undo} from './undo.ts';

/**
 * What changed. `scene`: opened; `sweep`: another sweep is shown; `tracks`: boxes changed; `select`; `live`: the
 * selected box is being dragged; `view`: colours, sizes, what is hidden; `zoom`: go to the selected box; `tool`: what
 * the next click does; `outbox`: unsaved ops; `told`: a message; `queue`: its items, or the one at hand; `merge`: two
 * tracks are asked about; `grid`: another grid is open, or none; `images`: open the
 * camera's images.
 */
export type What = 'scene' | 'sweep' | 'tracks' | 'select' | 'live' | 'view' | 'zoom' | 'tool' | 'outbox' | 'told' | 'queue' | 'merge'
  | 'grid' | 'images';

/** What the next click in the main view does: pick (''), make a track of what is there, join with the selected one. */
export type Tool = '' | 'new' | 'merge';

/** The grid over the page: one track over many sweeps, or many look-alike tracks. */
export type Grid = '' | 'batch' | 'review';

export interface View {
  colour: 'height' | 'intensity' | 'class' | 'track' | 'source' | 'time'; pointSize: number; isBirdsEye: boolean; isFocused: boolean;
  around: number; hidesOthers: boolean; showsTrajectory: boolean;
}

/** One log open in one page: all components that name it share it. */
export class Session {
  readonly api: Api;
  readonly clouds: Clouds;
  readonly outbox: Outbox;
  readonly people: People;
  scene: Scene | null = null;
  /** The log's, as long as its scene is not here. */
  fingerprint = '';
  tracks = new Map<string, Track>();
  revision = 0;
  sweep = 0;
  selected: string | null = null;
  /** The selected track's box while it is dragged: nothing is sent yet. */
  live: Box | null = null;
  /** Where mine was when the server had another one. */
  ghosts = new Map<string, Box>();
  /** Of each track my ops that met somebody else's, and those that built on them. */
  conflicts = new Map<string, Op[]>();
  /** Whether the server does not know this browser any more. */
  isOut = false;
  told = '';
  /** The camera whose images are opened next, '' for the best. */
  camera = '';
  tool: Tool = '';
  grid: Grid = '';
  view: View = {
    colour: 'height', pointSize: 2, isBirdsEye: false, isFocused: false, around: 0, hidesOthers: false, showsTrajectory: false,
  };
  /** What panels of the page do at keys; they come before the session's own. */
  readonly actions: Record<string, (event: KeyboardEvent) => void> = {};
  /** The track that the selected one may be joined with, until somebody said yes or no. */
  mergeWith: string | null = null;
  private numbers = new Map<string, number>();
  private listeners = new Set<(what: What) => void>();
  private stop = new AbortController();
  private past = new Undo((editId) => this.edit('undo', '', {edit_id: editId}));
  private active = new ActiveTime(this.stop.signal);
  private waiting: ReturnType<typeof setTimeout> | undefined;
  /** Whether `live` is still being moved; else it is an edit that the server has not answered. */
  private isHeld = false;

  constructor(prefix: string, readonly logId: string) {
    this.api = new Api(prefix, logId);
    this.clouds = new Clouds((sweep) => this.api.pointsUrl(sweep, this.scene?.fingerprint ?? this.fingerprint));
    this.outbox = new Outbox(this.api, window.localStorage, {
      onState: () => this.tell('outbox'),
      onResult: (op, result) => void this.answered(op, result),
    });
    this.people = new People(this.api, this);
    this.api.onLost = () => {
      this.isOut = true;
      this.tell('outbox');
    };
    window.addEventListener('pagehide', () => this.commitNow(), {signal: this.stop.signal});
    window.addEventListener('online', () => this.outbox.flush(), {signal: this.stop.signal});
  }

  on(listener: (what: What) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(what: What): void {
    for (const listener of [...this.listeners]) listener(what);
  }

  say(line: string): void {
    this.told = line;
    this.tell('told');
  }

  async open(): Promise<void> {
    // What a person looks for first are the points: all else comes beside them.
    const asked = this.people.ask(), [scene, tracks] = [this.api.scene(), this.api.tracks()];
    tracks.catch(() => undefined); // it is waited for below
    this.scene = await scene;
    this.sweep = Math.min(Math.max(this.sweep, 0), Math.max(this.scene.n_sweeps - 1, 0));
    this.tell('scene');
    await asked;
    this.api.user = this.people.me!.name;
    const all = await tracks;
    this.take(all.tracks, all.gone, all.revision);
    this.outbox.open(`perception-label/outbox/${this.logId}/${this.people.me!.name}`);
    void this.listen();
    void this.people.run(this.stop.signal);
  }

  /** Log in where one is; somebody else gets a page of their own. */
  async logIn(name: string, password: string): Promise<void> {
    await this.api.logIn(name, password);
    await this.resume();
  }

  /** Go on after a login: send what is unsaved. */
  async resume(): Promise<void> {
    if (!(await this.people.ask())) return window.location.reload();
    this.isOut = false;
    this.tell('outbox');
    this.outbox.flush();
  }

  /** Make my edits again, on top of somebody else's. */
  reapply(trackId: string): void {
    const ops = this.tracks.has(trackId) ? this.conflicts.get(trackId) : undefined;
    this.giveUp(trackId);
    for (const op of ops ?? []) this.edit(op.kind, trackId, op.after, undefined, op.timestamp_ns ?? undefined);
  }

  giveUp(trackId: string): void {
    this.conflicts.delete(trackId);
    this.ghosts.delete(trackId);
    this.tell('outbox');
    this.tell('tracks');
  }

  close(): void {
    this.stop.abort();
    this.listeners.clear();
  }

  /** Read everything again, after a job of the server's. */
  async reload(): Promise<void> {
    const all = await this.api.tracks();
    const known = new Set(all.tracks.map((track) => track.track_id));
    this.take(all.tracks, [...this.tracks.keys()].filter((id) => !known.has(id)), all.revision);
  }

  /** Read tracks that are asked for by name, candidates too. */
  async fetch(ids: string[]): Promise<void> {
    await this.refresh(ids);
  }

  /** Show a track no longer: a candidate that nobody took. */
  forget(trackId: string): void {
    this.take([], [trackId], this.revision);
  }

  askToMerge(other: string | null): void {
    this.mergeWith = other;
    this.tell('merge');
  }

  show(sweep: number): void {
    const n = this.scene?.n_sweeps ?? 0;
    const next = Math.min(Math.max(sweep, 0), Math.max(n - 1, 0));
    if (next === this.sweep) return;
    this.commitNow();
    this.sweep = next;
    this.live = null;
    this.tell('sweep');
  }

  select(trackId: string | null): void {
    if (trackId === this.selected) return;
    this.commitNow();
    this.selected = trackId;
    this.live = null;
    this.tell('select');
  }

  /** The sweep at this time, -1 if there is none. */
  sweepAt(timestamp: string): number {
    if (this.scene && this.numbers.size !== this.scene.timestamps_ns.length) {
      this.numbers = new Map(this.scene.timestamps_ns.map((at, k) => [at, k]));
    }
    return this.numbers.get(timestamp) ?? -1;
  }

  set(view: Partial<View>): void {
    this.view = {...this.view, ...view};
    this.tell('view');
  }

  /** A track's box at a sweep; while it is dragged, where the drag is. */
  boxAt(trackId: string, sweep: number): Box | null {
    if (this.live && trackId === this.selected && sweep === this.sweep) return this.live;
    const track = this.tracks.get(trackId);
    const k = track ? rowAt(track.sweeps, sweep) : -1;
    if (!track || k < 0 || !track.size_m) return null;
    const [x, y, z, yaw] = track.poses.slice(4 * k, 4 * k + 4);
    return {center: [x, y, z], size: [...track.size_m], yaw};
  }

  openGrid(grid: Grid): void {
    this.grid = grid;
    this.tell('grid');
  }

  takeUp(tool: Tool): void {
    this.tool = tool;
    this.tell('tool');
  }

  /** Make a track of what stands at a place, world frame: the engine fits it and carries it over the log. */
  async click(place: number[], className?: string): Promise<void> {
    await this.make('/clicks', {point_m: place, class_name: className ?? null});
  }

  /** Make a track of what stands in a rectangle on the ground. */
  async rectangle(box: Box, className?: string): Promise<void> {
    const {center, size, yaw} = box;
    await this.make('/rectangles', {center_m: center.slice(0, 2), size_m: size.slice(0, 2), yaw_rad: yaw, class_name: className ?? null});
  }

  private async make(route: string, body: Record<string, unknown>): Promise<void> {
    try {
      const made = await this.api.post<{track_id: string}>(route, {track_id: crypto.randomUUID(), sweep: this.sweep, ...body});
      await this.refresh([made.track_id]);
      this.select(made.track_id);
    } catch (error) {
      this.say((error as Error).message);
    }
  }

  drag(box: Box): void {
    this.live = box;
    this.isHeld = true;
    this.tell('live');
  }

  /** Commit after a pause of the keys; going elsewhere commits at once. */
  commitLater(afterMs: number): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.commitNow(), afterMs);
  }

  private commitNow(): void {
    if (this.waiting === undefined) return;
    clearTimeout(this.waiting);
    this.waiting = undefined;
    this.commitDrag();
  }

  /** Set a keyframe of the selected track where its box was dragged to. */
  commitDrag(): void {
    this.isHeld = false;
    if (!this.live || !this.selected) return;
    const {center, size, yaw} = this.live;
    const changed = this.tracks.get(this.selected)?.size_m?.some((v, k) => Math.abs(v - size[k]) > 1e-4);
    this.edit('set_keyframe', this.selected, {center_m: center, yaw_rad: yaw, ...(changed ? {size_m: size} : {})}, this.sweep);
  }

  /** Send an edit of a track; `sweep` is the one it is about, or `at` the time of an image. */
  edit(kind: string, trackId: string, after: Record<string, unknown> = {}, sweep?: number, at?: string): Op {
    const op: Op = {
      edit_id: crypto.randomUUID(), kind, track_id: trackId, after,
      timestamp_ns: sweep === undefined ? (at ?? null) : this.scene!.timestamps_ns[sweep],
      base_revision: kind === 'create_track' || kind === 'undo' ? null : (this.tracks.get(trackId)?.revision ?? null),
      active_s: this.active.take(), client_time_ns: `${Date.now()}000000`,
    };
    const isFolded = this.outbox.push(op);
    if (kind !== 'undo') this.past.made(op, isFolded);
    return op;
  }

  /** Take the last edit of this page back; it may have been of another sweep or track. */
  undo(): void {
    this.commitNow();
    this.past.back();
  }

  /** Take any edit back, such as one of another day. */
  takeBack(editId: string): void {
    this.past.one(editId);
  }

  redo(): void {
    this.past.forth();
  }

  private async answered(op: Op, result: Result): Promise<void> {
    if (result.status === 'conflict' || result.status === 'invalid' || result.status === 'denied') {
      const after = op.after as {center_m?: number[]; yaw_rad?: number; size_m?: number[]};
      const size = after.size_m ?? this.tracks.get(op.track_id)?.size_m;
      if (result.status === 'conflict') {
        this.conflicts.set(op.track_id, [...(this.conflicts.get(op.track_id) ?? []), op, ...this.outbox.drop(op.track_id)]);
      }
      if (result.status === 'conflict' && after.center_m && size) {
        this.ghosts.set(op.track_id, {center: after.center_m, size, yaw: after.yaw_rad ?? 0});
      }
      this.say(result.status === 'conflict' ? `${op.track_id}: somebody else changed it meanwhile` : (result.error ?? result.status));
    }
    const target = this.past.targetOf(op.edit_id);
    // The next edit of those tracks builds on the undo, not on what it took away.
    if (target && result.revision !== null) for (const id of touched(target)) this.outbox.revisions.set(id, result.revision);
    for (const warning of result.warnings ?? []) this.say(warning);
    await this.refresh(op.kind === 'undo' ? null : touched(op));
  }

  /** Read tracks again; null: all that changed since the last reading. */
  private async refresh(ids: string[] | null): Promise<void> {
    const known = this.revision;
    try {
      const found = await this.api.tracks(ids ? {ids} : {since: known});
      this.take(found.tracks, found.gone, ids ? known : found.revision);
    } catch {
      this.say('the server does not answer; tracks may be old');
    }
  }

  private take(tracks: Track[], gone: string[], revision: number): void {
    for (const track of tracks) {
      this.tracks.set(track.track_id, track);
    }
    for (const id of gone) {
      this.tracks.delete(id);
      if (this.selected === id) this.select(null);
    }
    this.revision = Math.max(this.revision, revision);
    // What is still being moved is no edit yet: an answer to the one before must not take it away.
    if (this.live && !this.isHeld && this.selected && !this.outbox.has(this.selected)) this.live = null;
    this.tell('tracks');
  }

  /** Hear of others' edits, and of our own that another page made. */
  private async listen(): Promise<void> {
    while (!this.stop.signal.aborted) {
      try {
        const {revision, changes} = await this.api.changes(this.revision, this.stop.signal);
        const ids = new Set(changes.flatMap((c) => (c.other_id ? [c.track_id, c.other_id] : [c.track_id])).filter(Boolean));
        if (changes.some((c) => c.kind === 'undo')) await this.refresh(null);
        else if (ids.size) await this.refresh([...ids]);
        this.revision = Math.max(this.revision, revision);
      } catch (error) {
        if ((error as Error).name === 'AbortError') return;
        await new Promise((wake) => setTimeout(wake, 2000));
      }
    }
  }
}

/** The row of a sweep in a track's ascending sweeps, -1 if it has none there. */
export function rowAt(sweeps: number[], sweep: number): number {
  let low = 0, high = sweeps.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (sweeps[middle] === sweep) return middle;
    if (sweeps[middle] < sweep) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

function touched(op: Op): string[] {
  const {other_id, new_id} = op.after as {other_id?: string; new_id?: string};
  return [op.track_id, other_id, new_id].filter((id): id is string => Boolean(id));
}

const sessions = new Map<string, Session>();

/** The page's session of a log; the first call opens it. */
export function sessionOf(prefix: string, logId: string): Session {
  const name = `${prefix}|${logId}`;
  let session = sessions.get(name);
  if (!session) {
    session = new Session(prefix, logId);
    sessions.set(name, session);
    session.open().catch((error: Error) => session!.say(error.message));
  }
  return session;
}
