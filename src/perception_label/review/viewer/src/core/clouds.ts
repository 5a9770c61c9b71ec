import {Fault} from './api.ts';
import {Arriving} from './container.ts';

type OnPoints = (cloud: Arriving) => void;

/** Sweeps' points, fetched once, the least recently used forgotten when they take too many bytes. */
export class Clouds {
  private held = new Map<number, Arriving>();
  private coming = new Map<number, {cloud: Arriving; listeners: Set<OnPoints>; done: Promise<Arriving>; stop: AbortController}>();

  constructor(private url: (sweep: number) => string, private mostBytes = 512 * 2 ** 20) {}

  /** The points of a sweep if they are all there. */
  peek(sweep: number): Arriving | undefined {
    const cloud = this.held.get(sweep);
    if (cloud) {
      this.held.delete(sweep);
      this.held.set(sweep, cloud); // the newest is last
    }
    return cloud;
  }

  /** Fetch a sweep; `onPoints` is called as its points arrive. */
  async load(sweep: number, onPoints?: OnPoints): Promise<Arriving> {
    const held = this.peek(sweep);
    if (held) {
      onPoints?.(held);
      return held;
    }
    let coming = this.coming.get(sweep);
    if (!coming) {
      const cloud = new Arriving(), listeners = new Set<OnPoints>(), stop = new AbortController();
      coming = {cloud, listeners, stop, done: this.fetch(sweep, cloud, listeners, stop)};
      this.coming.set(sweep, coming);
    }
    if (onPoints) {
      coming.listeners.add(onPoints);
      if (coming.cloud.rows) onPoints(coming.cloud);
    }
    return coming.done;
  }

  /** Fetch the sweeps around one, nearest first, two at a time; what is far is no longer fetched. */
  prefetch(sweep: number, n: number, around: number): void {
    const near = Array.from({length: 2 * around}, (_, k) => sweep + (k % 2 ? -1 : 1) * (1 + (k >> 1)))
      .filter((s) => s >= 0 && s < n);
    for (const [s, coming] of this.coming) {
      if (Math.abs(s - sweep) > around && !coming.listeners.size) coming.stop.abort();
    }
    const wanted = near.filter((s) => !this.held.has(s) && !this.coming.has(s));
    const next = async (): Promise<void> => {
      const s = wanted.shift();
      if (s === undefined) return;
      await this.load(s).catch(() => undefined);
      return next();
    };
    void next();
    void next();
  }

  get bytes(): number {
    let sum = 0;
    for (const cloud of this.held.values()) sum += cloud.values.byteLength;
    return sum;
  }

  private async fetch(sweep: number, cloud: Arriving, listeners: Set<OnPoints>, stop: AbortController): Promise<Arriving> {
    try {
      const answer = await fetch(this.url(sweep), {credentials: 'same-origin', signal: stop.signal}).catch((error: Error) => {
        throw error.name === 'AbortError' ? error : new Fault(0, `sweep ${sweep}: the server does not answer`);
      });
      if (!answer.ok || !answer.body) {
        const told = (await answer.json().catch(() => ({}))) as {error?: string};
        throw new Fault(answer.status, `sweep ${sweep}: ${told.error ?? answer.status}`);
      }
      const reader = answer.body.getReader();
      for (;;) {
        const {done, value} = await reader.read();
        if (done) break;
        if (cloud.push(value)) for (const listener of listeners) listener(cloud);
      }
      if (!cloud.isWhole) throw new Fault(0, `sweep ${sweep}: the points broke off`);
      this.held.set(sweep, cloud);
      for (const old of this.held.keys()) {
        if (this.bytes <= this.mostBytes || old === sweep) break;
        this.held.delete(old);
      }
      return cloud;
    } finally {
      this.coming.delete(sweep);
    }
  }
}
