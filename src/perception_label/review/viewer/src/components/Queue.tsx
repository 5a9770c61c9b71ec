import React, {useEffect, useRef} from 'react';
import {queueOf, REASONS} from '../core/queue.ts';
import {useSession} from './useSession.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
};

const KINDS = [
  'track', 'span', 'keyframe', 'missing', 'birth', 'death', 'size_jump', 'motion', 'camera', 'image', 'disagreement',
];
const SHOWN = 200;

/** The review queue: walked with the keyboard, or by clicks. */
const Queue = ({id, log, prefix = ''}: Props): React.ReactElement => {
  const session = useSession(prefix, log, ['queue', 'select']), queue = queueOf(session);
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.querySelector('[aria-current]')?.scrollIntoView({block: 'nearest'});
  }, [queue.current]);
  const at = queue.at;
  const first = Math.max(0, Math.min(at - SHOWN / 2, queue.items.length - SHOWN));
  const told = !queue.isReady ? 'the queue is being made …' : `${queue.items.length} items${queue.isStale ? ', being renewed …' : ''}`;
  return (
    <section id={id} className="pl-queue" aria-label="Review queue">
      <div className="pl-row">
        <select aria-label="Kind of item" value={queue.kind} onChange={(e) => { queue.filter(e.target.value); e.target.blur(); }}>
          <option value="">every kind</option>
          {KINDS.map((kind) => <option key={kind} value={kind}>{kind.replace('_', ' ')}</option>)}
        </select>
        <span role="status">{told}</span>
      </div>
      <div className="pl-row">
        <button type="button" title="Enter" onClick={() => queue.judge('accept')}>accept</button>
        <button type="button" title="Backspace" onClick={() => queue.judge('reject')}>reject</button>
        <input
          aria-label="Reason to reject" list="pl-reasons" defaultValue={queue.reason} maxLength={200}
          onChange={(e) => { queue.reason = e.target.value || REASONS[0]; }}
          onKeyDown={(e) => { if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur(); }}
        />
        <datalist id="pl-reasons">{REASONS.map((reason) => <option key={reason} value={reason} />)}</datalist>
        <button type="button" title="," onClick={() => void queue.step(-1)}>back</button>
        <button type="button" title="." onClick={() => void queue.step(1)}>skip</button>
      </div>
      <ol ref={list} start={first + 1}>
        {queue.items.slice(first, first + SHOWN).map((item) => (
          <li key={item.item_id} aria-current={item.item_id === queue.current || undefined} data-item={item.item_id}
            onClick={() => void queue.go(item)}>
            <b>{item.kind.replace('_', ' ')}</b> {item.class_name}{' '}
            <small>{item.track_id} · sweep {item.sweep}{item.camera && ` · ${item.camera}`}</small>
            <span>{item.reason}</span>
          </li>
        ))}
      </ol>
      {queue.notes.map((note) => <p key={note}>{note}</p>)}
    </section>
  );
};

export default Queue;
