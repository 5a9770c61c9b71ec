// One dispatcher for all keys; what they do is in keymap.json, which a page may replace.
import shipped from './keymap.json';

export type Keymap = Record<string, {keys: string[]; does: string}>;

export const KEYMAP: Keymap = shipped;

/** The keys of a part of the page: actions that begin with its name, which is left out; '' for those of none. */
export function keysOf(keymap: Keymap, part: string): Keymap {
  const chosen = Object.entries(keymap).filter(([name]) => (part ? name.startsWith(`${part}:`) : !name.includes(':')));
  return Object.fromEntries(chosen.map(([name, key]) => [name.slice(part ? part.length + 1 : 0), key]));
}

/** Keys of a person's own: action to its keys. */
export type Remap = Record<string, string[]>;

/** The shipped keys with a person's own in their place, and what is wrong with those, a line each. */
export function remapped(own: Remap): {map: Keymap; faults: string[]} {
  const map: Keymap = {...KEYMAP}, faults: string[] = [];
  for (const [action, keys] of Object.entries(own)) {
    if (!KEYMAP[action]) faults.push(`keymap: expected one of the actions that ? shows, got ${action}`);
    else map[action] = {...KEYMAP[action], keys: keys.map((key) => key.toLowerCase())};
  }
  for (const part of ['', 'image']) {
    const taken = new Map<string, string>();
    for (const [action, {keys}] of Object.entries(keysOf(map, part))) {
      for (const key of keys) {
        if (taken.has(key)) faults.push(`keymap: ${key} is ${taken.get(key)} and ${action}`);
        taken.set(key, action);
      }
    }
  }
  return {map, faults};
}

/** The name of a key press, such as `ctrl+shift+z`; Shift is left out where it only makes the character. */
export function nameOf(event: KeyboardEvent): string {
  const key = event.key === ' ' ? 'space' : event.key.toLowerCase();
  const isLetter = /^[a-z]$/.test(key) || key.length > 1;
  const parts = [event.ctrlKey || event.metaKey ? 'ctrl' : '', event.altKey ? 'alt' : '', event.shiftKey && isLetter ? 'shift' : ''];
  return [...parts.filter(Boolean), key].join('+');
}

const TYPES_IN = 'input, textarea, select, [contenteditable="true"], [role="textbox"], [role="combobox"]';
// What the page's keys do in a part that has keys of its own too.
const EVERYWHERE = new Set(['undo', 'redo', 'help']);
// Keys that a button or a list needs itself while it has the focus.
const OF_CONTROLS = new Set(['enter', 'space', 'arrowleft', 'arrowright', 'arrowup', 'arrowdown', 'escape']);
const CONTROLS = 'button, a, [role="dialog"], [role="menu"], [role="listbox"], [role="tab"], .ag-root';

/** Calls an action's function when one of its keys is pressed; never while somebody types. */
export class Keys {
  private names = new Map<string, string>();
  private stop = new AbortController();

  constructor(readonly keymap: Keymap, private actions: Record<string, (event: KeyboardEvent) => void>,
    private scope: HTMLElement | Window = window) {
    for (const [action, {keys}] of Object.entries(keymap)) for (const key of keys) this.names.set(key, action);
    scope.addEventListener('keydown', (event) => this.pressed(event as KeyboardEvent), {signal: this.stop.signal});
  }

  dispose(): void {
    this.stop.abort();
  }

  private pressed(event: KeyboardEvent): void {
    const target = event.target as HTMLElement | null, name = nameOf(event);
    if (event.defaultPrevented || target?.closest?.(TYPES_IN)) return;
    const control = OF_CONTROLS.has(name) ? target?.closest?.(CONTROLS) : null;
    if (control && control !== this.scope) return;
    const action = this.names.get(name);
    const act = action ? this.actions[action] : undefined, part = target?.closest?.('[data-own-keys]');
    if (!act || (part && part !== this.scope && !EVERYWHERE.has(action!))) return;
    event.preventDefault();
    act(event);
  }
}
