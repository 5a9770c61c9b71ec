import type {Me} from './people.ts';
import type {Change, Job, Op, Past, QueueAnswer, Result, Scene, Tracks} from './types.ts';

/** Why a request failed: `status` 0 means that no answer came. */
export class Fault extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

const cookie = (name: string): string =>
  document.cookie.split('; ').find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';

/** The server's API for one log. */
export class Api {
  readonly root: string;
  /** Who this page believes to be: another's login does not sign its edits. */
  user = '';
  /** Called when the server does not know this browser any more. */
  onLost: () => void = () => {};

  constructor(readonly prefix: string, readonly logId: string) {
    this.root = `${prefix}/api/v1/logs/${encodeURIComponent(logId)}`;
  }

  pointsUrl(sweep: number, fingerprint: string): string {
    return `${this.root}/sweeps/${sweep}/points?v=${fingerprint.slice(0, 12)}`;
  }

  imageUrl(camera: string, image: number): string {
    return `${this.root}/cameras/${encodeURIComponent(camera)}/images/${image}`;
  }

  me(): Promise<Me> {
    return this.send('/me', {}, `${this.prefix}/api/v1`);
  }

  logIn(name: string, password: string): Promise<unknown> {
    const init = {method: 'POST', headers: this.headers(), body: JSON.stringify({name, password})};
    return this.send('/login', init, `${this.prefix}/api/v1`);
  }

  scene(): Promise<Scene> {
    return this.get('/scene');
  }

  tracks(query: {ids?: string[]; since?: number} = {}): Promise<Tracks> {
    const said = new URLSearchParams();
    for (const id of query.ids ?? []) said.append('track_id', id);
    if (query.since !== undefined) said.set('since', String(query.since));
    return this.get(`/tracks?${said}`);
  }

  changes(since: number, signal: AbortSignal): Promise<{revision: number; changes: Change[]}> {
    return this.get(`/changes?since=${since}&wait_s=20`, signal);
  }

  queue(limit = 500, wait = 25): Promise<QueueAnswer> {
    return this.get(`/queue?limit=${limit}&wait_s=${wait}`);
  }

  history(trackId: string): Promise<{edits: Past[]}> {
    return this.get(`/history?track_id=${encodeURIComponent(trackId)}`);
  }

  jobs(): Promise<{jobs: Job[]}> {
    return this.get('/jobs');
  }

  startJob(kind: string, trackId = ''): Promise<Job> {
    return this.post('/jobs', {kind, track_id: trackId});
  }

  cancelJob(jobId: string): Promise<Job> {
    return this.send(`/jobs/${encodeURIComponent(jobId)}`, {method: 'DELETE', headers: {'X-CSRFToken': cookie('_csrf_token')}});
  }

  append(ops: Op[]): Promise<{revision: number; results: Result[]}> {
    return this.post('/edits', {ops});
  }

  get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.send(path, {signal});
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.send(path, {method: 'POST', headers: this.headers(), body: JSON.stringify(body)});
  }

  private headers(): Record<string, string> {
    const found: Record<string, string> = {'Content-Type': 'application/json', 'X-CSRFToken': cookie('_csrf_token')};
    if (this.user) found['X-Perception-Label-User'] = encodeURIComponent(this.user);
    return found;
  }

  private async send<T>(path: string, init: RequestInit, root = this.root): Promise<T> {
    let answer: Response;
    try {
      answer = await fetch(root + path, {credentials: 'same-origin', ...init});
    } catch (error) {
      if ((error as Error).name === 'AbortError') throw error;
      throw new Fault(0, 'the server does not answer');
    }
    if (!answer.ok) {
      const told = await answer.json().catch(() => ({}));
      if (answer.status === 401 && path !== '/login') this.onLost();
      throw new Fault(answer.status, told.error ?? `${answer.status} ${answer.statusText}`);
    }
    return answer.json() as Promise<T>;
  }
}
