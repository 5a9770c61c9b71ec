import React, {useEffect, useState} from 'react';
import type {Job} from '../core/types.ts';
import {useSession} from './useSession.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
};

const RUNNING_MS = 500, IDLE_MS = 10_000;
const isOver = (job: Job): boolean => !['waiting', 'running'].includes(job.status);

/** Long work of the server: started, watched, stopped. */
const Jobs = ({id, log, prefix = ''}: Props): React.ReactElement => {
  const session = useSession(prefix, log, []);
  const [jobs, take] = useState<Job[]>([]);
  const [n, again] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined, isGone = false, running = new Set<string>();
    const look = async (): Promise<void> => {
      const found = await session.api.jobs().then((answer) => answer.jobs, () => null);
      if (isGone) return;
      if (found) {
        take(found);
        if (found.some((job) => running.has(job.job_id) && job.status === 'done')) void session.reload();
        running = new Set(found.filter((job) => !isOver(job)).map((job) => job.job_id));
      }
      timer = setTimeout(() => void look(), running.size ? RUNNING_MS : IDLE_MS);
    };
    void look();
    return () => {
      isGone = true;
      clearTimeout(timer);
    };
  }, [session, n]);
  const start = (kind: string): void => {
    session.api.startJob(kind).then((job) => {
      take((was) => [job, ...was.filter((each) => each.job_id !== job.job_id)]);
      again((k) => k + 1);
    }, (error: Error) => session.say(error.message));
  };
  const stop = (job: Job): void => {
    session.api.cancelJob(job.job_id).then(() => again((k) => k + 1), (error: Error) => session.say(error.message));
  };
  return (
    <section id={id} className="pl-jobs" aria-label="Jobs">
      <div className="pl-row">
        <button type="button" onClick={() => start('solve')}>solve all tracks</button>
        <button type="button" onClick={() => start('propose')}>propose anew</button>
      </div>
      <ul>
        {jobs.map((job) => (
          <li key={job.job_id}>
            <b>{job.kind}</b> {job.track_id} <span>{job.status}</span> {job.message}
            {!isOver(job) && <progress value={job.of ? job.done / job.of : undefined} aria-label={`${job.kind}: progress`} />}
            {!isOver(job) && <button type="button" onClick={() => stop(job)}>cancel</button>}
          </li>
        ))}
      </ul>
    </section>
  );
};

export default Jobs;
