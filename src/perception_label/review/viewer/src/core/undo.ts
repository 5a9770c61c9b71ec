import type {Op} from './types.ts';

/** What this page did and took back, in order, over all sweeps and tracks. */
export class Undo {
  private done: Op[] = [];
  private undone: string[] = [];
  /** What an undo or redo of this page is about, by its id. */
  private targets = new Map<string, Op>();

  /** `send` sends an undo of the edit of this id. */
  constructor(private send: (editId: string) => Op) {}

  /** An edit was made; what was folded into the one before is undone with it. */
  made(op: Op, isFolded: boolean): void {
    if (!isFolded) this.done.push(op);
    this.undone = [];
  }

  back(): void {
    const last = this.done.pop();
    if (!last) return;
    const op = this.send(last.edit_id);
    this.undone.push(op.edit_id);
    this.targets.set(op.edit_id, last);
  }

  /** Take any edit back, such as one of another day. */
  one(editId: string): void {
    this.done = this.done.filter((op) => op.edit_id !== editId);
    this.undone.push(this.send(editId).edit_id);
  }

  forth(): void {
    const last = this.undone.pop(), target = last && this.targets.get(last);
    if (!last) return;
    const op = this.send(last);
    if (!target) return;
    this.targets.set(op.edit_id, target);
    this.done.push({...target, edit_id: op.edit_id});
  }

  /** The edit that an undo or redo is about. */
  targetOf(editId: string): Op | undefined {
    return this.targets.get(editId);
  }
}
