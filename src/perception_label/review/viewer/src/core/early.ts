// The points are fetched and drawn before Dash has made the page: its own parts take their time.
import {MainView} from './mainview.ts';
import {sessionOf, type Session} from './session.ts';
import {chooseEarly} from './theme.ts';

const PLACE = 'pl-early'; // an element of the page's HTML, where the view will be

let early: {view: MainView; session: Session} | null = null;

/** Open the log that the page's HTML names and draw its points. */
export function beginEarly(): void {
  const place = document.getElementById(PLACE), log = place?.dataset.log;
  if (!place || !log) return;
  chooseEarly();
  const session = sessionOf('', log), sweep = Number(new URLSearchParams(window.location.search).get('sweep'));
  if (Number.isInteger(sweep) && sweep >= 0) session.sweep = sweep;
  session.fingerprint = place.dataset.fingerprint ?? '';
  session.clouds.load(session.sweep).catch(() => undefined); // whoever shows it is told
  try {
    early = {view: new MainView(place, session), session};
  } catch {
    place.remove(); // the component says why
  }
}

/** The view that is there already, put into an element; null if there is none of this session. */
export function takeEarly(element: HTMLElement, session: Session): MainView | null {
  if (!early) return null;
  const {view, session: its} = early;
  early = null;
  if (its === session) view.moveTo(element);
  else view.dispose();
  document.getElementById(PLACE)?.remove();
  return its === session ? view : null;
}

/** The view before it is in its place, for who measures. */
export const earlyView = (): MainView | null => early?.view ?? null;
