// Masks of an image: rows of 0 and 1, and the run lengths that COCO writes. Pixel centres are at whole numbers.
export type Place = [number, number];

/** COCO's text of a mask: runs down the columns, first those outside; each from the third on less the one two before. */
export function encode(mask: Uint8Array, width: number, height: number): string {
  const runs: number[] = [];
  let inside = 0, length = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if (mask[y * width + x] === inside) length++;
      else {
        runs.push(length);
        inside = 1 - inside;
        length = 1;
      }
    }
  }
  runs.push(length);
  let text = '';
  for (let k = 0; k < runs.length; k++) {
    let value = k > 2 ? runs[k] - runs[k - 2] : runs[k], isMore = true;
    while (isMore) {
      const low = value & 31;
      value >>= 5;
      isMore = low & 16 ? value !== -1 : value !== 0;
      text += String.fromCharCode(low + (isMore ? 32 : 0) + 48);
    }
  }
  return text;
}

export function decode(text: string, width: number, height: number): Uint8Array {
  const mask = new Uint8Array(width * height), runs: number[] = [];
  let at = 0;
  for (let k = 0; k < text.length;) {
    let value = 0, shift = 0, low = 0;
    do {
      low = text.charCodeAt(k++) - 48;
      value |= (low & 31) << shift;
      shift += 5;
    } while (low & 32 && k < text.length);
    if (low & 16 && shift < 32) value |= -1 << shift;
    if (runs.length > 2) value += runs[runs.length - 2];
    runs.push(value);
    if (runs.length % 2 === 0) {
      for (let i = at; i < at + value; i++) mask[(i % height) * width + Math.floor(i / height)] = 1;
    }
    at += value;
  }
  return mask;
}

/** Set the pixels whose centres are within `radius` of the line from a to b. */
export function brush(mask: Uint8Array, width: number, height: number, a: Place, b: Place, radius: number, value: 0 | 1): void {
  const [ux, uy] = [b[0] - a[0], b[1] - a[1]], whole = ux * ux + uy * uy;
  const x0 = Math.max(Math.ceil(Math.min(a[0], b[0]) - radius), 0), x1 = Math.min(Math.floor(Math.max(a[0], b[0]) + radius), width - 1);
  const y0 = Math.max(Math.ceil(Math.min(a[1], b[1]) - radius), 0), y1 = Math.min(Math.floor(Math.max(a[1], b[1]) + radius), height - 1);
  for (let y = y0; y <= y1; y++) {
    for (let x = x0; x <= x1; x++) {
      const t = whole ? Math.min(Math.max(((x - a[0]) * ux + (y - a[1]) * uy) / whole, 0), 1) : 0;
      const dx = x - a[0] - t * ux, dy = y - a[1] - t * uy;
      if (dx * dx + dy * dy <= radius * radius) mask[y * width + x] = value;
    }
  }
}

/** Set the pixels whose centres are inside a polygon. */
export function fill(mask: Uint8Array, width: number, height: number, corners: number[][], value: 0 | 1): void {
  for (let y = 0; y < height; y++) {
    const cuts: number[] = [];
    corners.forEach(([x0, y0], k) => {
      const [x1, y1] = corners[(k + 1) % corners.length];
      if ((y0 <= y) !== (y1 <= y)) cuts.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    });
    cuts.sort((p, q) => p - q);
    for (let k = 0; k + 1 < cuts.length; k += 2) {
      for (let x = Math.max(Math.ceil(cuts[k]), 0); x <= Math.min(Math.floor(cuts[k + 1]), width - 1); x++) mask[y * width + x] = value;
    }
  }
}
