import type {Api} from './api.ts';
import type {Session} from './session.ts';

/** Who is logged in: the author of this page's edits. */
export interface Me {name: string; role: string; login: string}
/** Where somebody else's page is. */
export interface Other {author: string; track_id: string | null; sweep: number}

const RENEW_MS = 3000;

/** Says where this page is, and hears where the others are. It never stops anybody's edit. */
export class People {
  me: Me | null = null;
  others: Other[] = [];
  private readonly clientId = crypto.randomUUID();

  constructor(private api: Api, private session: Session) {}

  /** Ask who is logged in; false if it is not who it was: what is unsaved is not theirs. */
  async ask(): Promise<boolean> {
    const me = await this.api.me(), isSame = !this.me || this.me.name === me.name;
    if (isSame) this.me = me;
    return isSame;
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      if (document.visibilityState === 'visible') await this.renew();
      await new Promise((wake) => setTimeout(wake, RENEW_MS));
    }
  }

  private async renew(): Promise<void> {
    const {selected, sweep} = this.session, was = JSON.stringify(this.others);
    try {
      const body = {client_id: this.clientId, track_id: selected, sweep};
      this.others = (await this.api.post<{others: Other[]}>('/leases', body)).others;
    } catch {
      this.others = []; // nothing is known while the server is away
    }
    if (JSON.stringify(this.others) !== was) this.session.tell('outbox');
  }
}
