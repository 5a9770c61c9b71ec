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

/** Of the selected box and track, which has to stand out from points and background. */
export const selectedColour = (): number => (isLight() ? 0x111318 : 0xffffff);
