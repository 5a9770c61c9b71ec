import React, {useEffect, useRef, useState} from 'react';
import type {Session} from '../core/session.ts';
import type {Past as Edit, Track} from '../core/types.ts';

/** Comments on a track, each with its sweep, and everything that was done to it. */
const Past = ({session, track}: {session: Session; track: Track}): React.ReactElement => {
  const [edits, take] = useState<Edit[]>([]);
  const field = useRef<HTMLInputElement>(null);
  const n = track.comments.length;
  useEffect(() => {
    let isGone = false;
    session.api.history(track.track_id).then((found) => { if (!isGone) take(found.edits); }, () => undefined);
    return () => {
      isGone = true;
    };
  }, [track.track_id, track.revision, n]);
  useEffect(() => {
    session.actions.comment = () => field.current?.focus();
    return () => {
      delete session.actions.comment;
    };
  }, [session]);
  const send = (): void => {
    const text = field.current!.value.trim();
    if (!text) return;
    session.edit('comment', track.track_id, {text}, session.sweep);
    field.current!.value = '';
  };
  const jump = (sweep: number | null): React.ReactNode => sweep !== null
    && <button type="button" onClick={() => session.show(sweep)} aria-label={`go to sweep ${sweep}`}>{sweep}</button>;
  return (
    <>
      <h3>Comments</h3>
      <ul className="pl-comments">
        {edits.filter((each) => each.kind === 'comment' && !each.is_undone).map((each) => (
          <li key={each.edit_id}>{jump(each.sweep)} <b>{each.author}</b> {each.text}</li>
        ))}
      </ul>
      <div className="pl-row">
        <input ref={field} aria-label="Comment" placeholder={`comment at sweep ${session.sweep}`} maxLength={2000}
          onKeyDown={(e) => {
            if (e.key === 'Enter') send();
            if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur();
          }} />
        <button type="button" onClick={send}>send</button>
      </div>
      <details>
        <summary>History ({edits.length})</summary>
        <ol className="pl-past" reversed>
          {edits.map((each) => (
            <li key={each.edit_id} className={each.is_undone ? 'pl-undone' : undefined}>
              {jump(each.sweep)} {each.kind.replace(/_/g, ' ')} {each.text} <small>{each.author === 'local' ? '' : each.author} {each.source}</small>
              {each.kind !== 'undo' && !each.is_undone && <button type="button" onClick={() => session.takeBack(each.edit_id)}>undo</button>}
            </li>
          ))}
        </ol>
      </details>
    </>
  );
};

export default Past;
