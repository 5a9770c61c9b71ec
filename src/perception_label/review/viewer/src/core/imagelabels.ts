import type {Session} from './session.ts';
import type {ImageLabel} from './types.ts';

const BLOCK = 32; // images whose labels come in one answer
const MOST_BLOCKS = 40;

type Block = {labels: ImageLabel[]; age: number; wants: number};

const keyOf = (label: {image: number; track_id: string; geometry: string}): string =>
  `${label.image}|${label.geometry}|${label.track_id}`;

/** The 2-D labels of one camera, read in blocks as they are wanted; edits show before the server has them. */
export class ImageLabels {
  private blocks = new Map<number, Block>();
  private mine = new Map<string, {label: ImageLabel; isGone: boolean; n: number}>();
  private age = 1;
  private n = 0;
  /** The selected track on all images, without shapes. */
  overview: ImageLabel[] = [];

  constructor(private session: Session, readonly camera: string, private onChange: () => void) {}

  /** The labels on an image, those of its block that came last. */
  at(image: number): ImageLabel[] {
    const block = this.blocks.get(Math.floor(image / BLOCK));
    const stored = (block?.labels ?? []).filter((label) => label.image === image && !this.mine.has(keyOf(label)));
    const drawn = [...this.mine.values()].filter((each) => each.label.image === image && !each.isGone);
    return [...stored, ...drawn.map((each) => each.label)];
  }

  /** Read what an image and its neighbours show, where it is not here yet or older than the last edit. */
  want(image: number): void {
    const block = Math.floor(image / BLOCK), side = image % BLOCK < BLOCK / 2 ? block - 1 : block + 1;
    for (const k of [block, side]) if (k >= 0) void this.load(k);
  }

  /** All that is here is old: read again when wanted. */
  renew(image: number): void {
    this.age += 1;
    this.want(image);
    void this.look();
  }

  put(label: ImageLabel): void {
    this.mine.set(keyOf(label), {label, isGone: false, n: ++this.n});
    this.onChange();
  }

  take(label: ImageLabel): void {
    this.mine.set(keyOf(label), {label, isGone: true, n: ++this.n});
    this.onChange();
  }

  /** Read where the selected track has labels, and how sure. */
  async look(): Promise<void> {
    const id = this.session.selected;
    if (!id) this.overview = [];
    else {
      const query = new URLSearchParams({track_id: id, with_shapes: 'false'});
      const found = await this.ask(query);
      if (found && this.session.selected === id) this.overview = found.labels;
    }
    this.onChange();
  }

  private async load(k: number): Promise<void> {
    const known = this.blocks.get(k) ?? {labels: [], age: 0, wants: 0}, age = this.age, n = this.n;
    if (known.age === age || known.wants === age) return;
    known.wants = age;
    this.blocks.delete(k);
    this.blocks.set(k, known);
    for (const old of this.blocks.keys()) {
      if (this.blocks.size <= MOST_BLOCKS) break;
      this.blocks.delete(old);
    }
    // What is on its way is not in the answer; it stays on the screen until an answer has it.
    const settled = [...this.mine].filter(([, each]) => Math.floor(each.label.image / BLOCK) === k
      && each.n <= n && !this.session.outbox.has(each.label.track_id));
    const query = new URLSearchParams({first: String(k * BLOCK), last: String(k * BLOCK + BLOCK - 1)});
    const found = await this.ask(query);
    if (!found) {
      known.wants = 0;
      return;
    }
    if (age < known.age) return;
    known.labels = found.labels;
    known.age = age;
    for (const [key, each] of settled) if (this.mine.get(key)?.n === each.n) this.mine.delete(key);
    this.onChange();
  }

  private async ask(query: URLSearchParams): Promise<{labels: ImageLabel[]} | null> {
    try {
      return await this.session.api.get(`/cameras/${encodeURIComponent(this.camera)}/labels?${query}`);
    } catch (error) {
      this.session.say((error as Error).message);
      return null;
    }
  }
}
