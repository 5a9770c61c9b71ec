const IDLE_S = 30; // longer without a key or a move, a person does something else

/** Counts the seconds in which a person works; pauses are left out. */
export class ActiveTime {
  private activeMs = 0;
  private lastSeenMs = performance.now();

  constructor(stop: AbortSignal) {
    for (const kind of ['pointermove', 'pointerdown', 'keydown', 'wheel'] as const) {
      window.addEventListener(kind, () => this.seen(), {passive: true, signal: stop});
    }
  }

  /** Seconds of work since this was asked last. */
  take(): number {
    this.seen();
    const seconds = this.activeMs / 1000;
    this.activeMs = 0;
    return Math.round(seconds * 1000) / 1000;
  }

  private seen(): void {
    const now = performance.now(), away = now - this.lastSeenMs;
    this.activeMs += away < IDLE_S * 1000 ? away : 0;
    this.lastSeenMs = now;
  }
}
