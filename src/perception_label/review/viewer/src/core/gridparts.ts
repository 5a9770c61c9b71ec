// What both grids are made of.

/** A button with a word on it. */
export function button(text: string, act: () => void, title = ''): HTMLButtonElement {
  const found = document.createElement('button');
  found.type = 'button';
  found.textContent = text;
  found.title = title;
  found.addEventListener('click', act);
  found.style.cssText = 'padding:.3rem .7rem;border:1px solid #868e96;border-radius:4px;background:transparent;color:inherit;font:inherit;cursor:pointer';
  return found;
}

export function row(): HTMLElement {
  const found = document.createElement('div');
  found.style.cssText = 'display:flex;gap:.4rem;align-items:center;flex-wrap:wrap';
  return found;
}

export function text(words = ''): HTMLElement {
  const found = document.createElement('span');
  found.textContent = words;
  found.style.cssText = 'margin-right:auto';
  return found;
}

/** A box of equal cells that fills what is left. */
export function cells(least: string): HTMLElement {
  const found = document.createElement('div');
  found.style.cssText = `flex:1;min-height:0;overflow:auto;display:grid;gap:6px;grid-template-columns:repeat(auto-fill,minmax(${least},1fr));`
    + 'grid-auto-rows:minmax(11rem,1fr)';
  return found;
}

/** Arrow keys go from one to the next of an element's buttons marked `data-cell`. */
export function walk(element: HTMLElement, event: KeyboardEvent): void {
  const all = [...element.querySelectorAll<HTMLElement>('[data-cell]')], k = all.indexOf(document.activeElement as HTMLElement);
  if (k < 0) return;
  const across = all.filter((cell) => cell.getBoundingClientRect().top === all[0].getBoundingClientRect().top).length;
  const by: Record<string, number> = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across};
  const next = by[event.key] ? all[k + by[event.key]] : undefined;
  if (!next) return;
  event.preventDefault();
  next.focus();
}
