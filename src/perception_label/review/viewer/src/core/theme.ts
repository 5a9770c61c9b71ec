// Dark or light: Mantine says which on the page's root.
const ATTRIBUTE = 'data-mantine-color-scheme';
const STORED = 'mantine-color-scheme-value'; // where Mantine keeps what a person chose

export const isLight = (): boolean => document.documentElement.getAttribute(ATTRIBUTE) === 'light';

/** What the page will be once Mantine is there: so it is from the start. */
export function chooseEarly(): void {
  const root = document.documentElement;
  if (!root.hasAttribute(ATTRIBUTE)) root.setAttribute(ATTRIBUTE, window.localStorage.getItem(STORED) === 'light' ? 'light' : 'dark');
}

/** Hear when it changes. */
export function onTheme(listener: () => void): () => void {
  const watch = new MutationObserver(listener);
  watch.observe(document.documentElement, {attributes: true, attributeFilter: [ATTRIBUTE]});
  return () => watch.disconnect();
}

const DARKER = 0.62; // of colours chosen for a dark background: three to one on the light one

export const background = (): number => (isLight() ? 0xe9ecef : 0x0f1216);

/** A colour as it is drawn on the page's background, so that it stands out there. */
export function onBackground(colour: number): number {
  if (!isLight()) return colour;
  return [16, 8, 0].reduce((sum, k) => sum | (Math.round(DARKER * ((colour >> k) & 255)) << k), 0);
}

/** Of the selected box and track, which has to stand out from points and background. */
export const selectedColour = (): number => (isLight() ? 0x111318 : 0xffffff);
