// The container of points, `PLS1`; review/container.py describes its bytes.
export interface Header {
  n: number; origin: number[]; scale: number[]; z_range: number[]; has_intensity: boolean;
}

export const POINT_BYTES = 8;

/** Points as they arrive: `rows` of `header.n` are there, uint16 x, y, z, intensity each. */
export class Arriving {
  header: Header | null = null;
  rows = 0;
  private bytes = new Uint8Array(1 << 16);
  private length = 0;
  private start = 0;

  /** Take in the next bytes; true once there is a header. */
  push(part: Uint8Array): boolean {
    if (this.length + part.length > this.bytes.length) this.grow(this.length + part.length);
    this.bytes.set(part, this.length);
    this.length += part.length;
    if (!this.header) this.readHeader();
    if (this.header) this.rows = Math.min(this.header.n, Math.floor((this.length - this.start) / POINT_BYTES));
    return this.header !== null;
  }

  /** All points' values, those that have not arrived yet zero; the same memory from the header on. */
  get values(): Uint16Array {
    return new Uint16Array(this.bytes.buffer, this.start, (this.header?.n ?? 0) * 4);
  }

  get isWhole(): boolean {
    return this.header !== null && this.rows === this.header.n;
  }

  private readHeader(): void {
    if (this.length < 8) return;
    const view = new DataView(this.bytes.buffer);
    if (view.getUint32(0, true) !== 0x31534c50) throw new Error('points: expected a PLS1 container');
    const size = view.getUint32(4, true);
    if (this.length < 8 + size) return;
    this.header = JSON.parse(new TextDecoder().decode(this.bytes.subarray(8, 8 + size))) as Header;
    this.start = 8 + size;
    this.grow(this.start + this.header.n * POINT_BYTES);
  }

  private grow(least: number): void {
    // Once the header is known this is the final size: the buffer moves no more.
    const size = this.header ? Math.max(least, this.start + this.header.n * POINT_BYTES) : Math.max(least, 2 * this.length);
    if (size <= this.bytes.length && !this.header) return;
    const bytes = new Uint8Array(size);
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
  }
}
