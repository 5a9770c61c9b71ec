import type {Session} from './session.ts';

const MOST = 64; // pictures that are kept

/** The pictures of one camera; those ahead are fetched before they are asked for. */
export class Pictures {
  private kept = new Map<number, HTMLImageElement>();

  constructor(private session: Session, readonly camera: string, private n: number, private onLoad: (image: number) => void) {}

  /** The picture of an image if it is here; asked for else. */
  get(image: number): HTMLImageElement | null {
    const picture = this.fetch(image);
    return picture.complete && picture.naturalWidth ? picture : null;
  }

  /** Fetch the next ones on the way that somebody goes. */
  ahead(image: number, way: number, count = 8): void {
    for (let k = 1; k <= count; k++) {
      const next = image + k * (way < 0 ? -1 : 1);
      if (next >= 0 && next < this.n) this.fetch(next);
    }
  }

  private fetch(image: number): HTMLImageElement {
    let picture = this.kept.get(image);
    this.kept.delete(image);
    if (!picture) {
      picture = new Image();
      picture.onload = () => this.onLoad(image);
      picture.onerror = () => {
        this.kept.delete(image);
        this.session.say(`${this.camera}: image ${image} cannot be read`);
      };
      picture.src = this.session.api.imageUrl(this.camera, image);
    }
    this.kept.set(image, picture);
    for (const [old, held] of this.kept) {
      if (this.kept.size <= MOST) break;
      held.onload = held.onerror = null;
      this.kept.delete(old);
    }
    return picture;
  }
}
