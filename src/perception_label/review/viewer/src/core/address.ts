// What the page's address remembers: log, sweep, track and filters, so that a link shows the same.
import {queueOf} from './queue.ts';
import type {Session} from './session.ts';

const AFTER_MS = 300;

/** Show what the address says, then keep it up to date. */
export function followAddress(session: Session): () => void {
  const said = new URLSearchParams(window.location.search), queue = queueOf(session);
  let timer: ReturnType<typeof setTimeout> | undefined, isShown = false;
  queue.filter(said.get('kind') ?? '');
  const show = (): void => {
    if (isShown || !session.scene || !session.tracks.size) return;
    isShown = true;
    const sweep = Number(said.get('sweep')), track = said.get('track');
    if (said.has('sweep') && Number.isInteger(sweep)) session.show(sweep);
    if (track && session.tracks.has(track)) {
      session.select(track);
      session.tell('zoom');
    }
  };
  const write = (): void => {
    const now = new URLSearchParams(window.location.search);
    now.set('sweep', String(session.sweep));
    for (const [name, value] of [['track', session.selected], ['kind', queue.kind]] as const) {
      if (value) now.set(name, value);
      else now.delete(name);
    }
    window.history.replaceState(window.history.state, '', `${window.location.pathname}?${now}${window.location.hash}`);
  };
  const off = session.on((what) => {
    if (what === 'tracks' || what === 'scene') show();
    if (!isShown || !['sweep', 'select', 'queue'].includes(what)) return;
    clearTimeout(timer);
    timer = setTimeout(write, AFTER_MS);
  });
  show();
  return () => {
    clearTimeout(timer);
    off();
  };
}
