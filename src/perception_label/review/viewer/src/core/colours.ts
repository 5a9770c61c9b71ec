// Colours of classes, tracks and sources; the same in every view. Chosen to be told apart by colour-blind people too.
const CLASSES: Record<string, number> = {
  car: 0x56b4e9, truck: 0x0072b2, bus: 0x5e60ce, trailer: 0x4895a8, motorcycle: 0xcc79a7, bicycle: 0xf0a6ca,
  cyclist: 0xe0529c, pedestrian: 0xe69f00, construction_vehicle: 0xd55e00, other: 0xb0b0b0,
};
const SOURCES: [string, number][] = [['human', 0x2ecc71], ['solver', 0x56b4e9], ['static', 0x8d99ae], ['model', 0xe69f00], ['imported', 0xcc79a7]];

export const classColour = (name: string): number => CLASSES[name] ?? 0xb0b0b0;

export const sourceColour = (name: string): number => SOURCES.find(([head]) => name.startsWith(head))?.[1] ?? 0xb0b0b0;

/** One colour per track, spread over the hues. */
export function trackColour(name: string): number {
  let hash = 2166136261;
  for (let k = 0; k < name.length; k++) hash = Math.imul(hash ^ name.charCodeAt(k), 16777619) >>> 0;
  return hsl((hash % 360) / 360, 0.65, 0.6);
}

/** From red (0: likely wrong) over yellow to green (1: likely right); grey where nobody knows. */
export function shareColour(share: number | null): number {
  if (share === null) return 0x6c757d;
  return hsl((Math.min(Math.max((share - 0.3) / 0.6, 0), 1) * 120) / 360, 0.7, 0.5);
}

export const css = (colour: number): string => `#${colour.toString(16).padStart(6, '0')}`;

function hsl(h: number, s: number, l: number): number {
  const part = (n: number): number => {
    const k = (n + h * 12) % 12;
    return Math.round(255 * (l - s * Math.min(l, 1 - l) * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return (part(0) << 16) | (part(8) << 8) | part(4);
}
