import React, {useEffect, useRef, useState} from 'react';
import {followAddress} from '../core/address.ts';
import {isLight, onTheme} from '../core/theme.ts';
import Saving from './Saving.tsx';
import {useSession} from './useSession.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
};

const TOLD_MS = 7000;

/** Which sweep is shown, what is not saved yet, and what the page has to say. */
const Status = ({id, log, prefix = ''}: Props): React.ReactElement => {
  const session = useSession(prefix, log, ['scene', 'sweep', 'outbox']);
  const [told, tell] = useState<{n: number; line: string}[]>([]);
  const n = useRef(0);
  useEffect(() => {
    const off = followAddress(session);
    const offTold = session.on((what) => {
      if (what !== 'told' || !session.told) return;
      const mine = {n: ++n.current, line: session.told};
      tell((was) => [...was.filter((each) => each.line !== mine.line).slice(-3), mine]);
      setTimeout(() => tell((was) => was.filter((each) => each.n !== mine.n)), TOLD_MS);
    });
    // The table of tracks takes its colours from this attribute.
    const scheme = (): void => {
      document.body.dataset.agThemeMode = isLight() ? 'light' : 'dark';
    };
    const offTheme = onTheme(scheme);
    scheme();
    return () => {
      off();
      offTold();
      offTheme();
    };
  }, [session]);
  const {scene, sweep, outbox} = session, last = Math.max((scene?.n_sweeps ?? 1) - 1, 0);
  const seconds = scene ? Number(BigInt(scene.timestamps_ns[sweep] ?? 0) - BigInt(scene.timestamps_ns[0] ?? 0)) / 1e9 : 0;
  return (
    <div id={id} className="pl-status">
      <input
        type="range" aria-label="Sweep" min={0} max={last} value={sweep}
        onChange={(e) => session.show(Number(e.target.value))} onPointerUp={(e) => e.currentTarget.blur()}
      />
      <input
        type="number" aria-label="Number of the sweep" min={0} max={last} value={sweep}
        onChange={(e) => session.show(Number(e.target.value))}
        onKeyDown={(e) => { if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur(); }}
      />
      <span className="pl-time">{`/ ${last} · ${seconds.toFixed(1)} s`}</span>
      <span role="status" className={outbox.size ? 'pl-unsaved' : 'pl-saved'}>
        {outbox.size ? `unsaved (${outbox.size})` : 'saved'}
      </span>
      {!outbox.isKept && <span role="alert" className="pl-trouble">the browser stores no more: do not close this page</span>}
      {outbox.trouble && <span role="alert" className="pl-trouble">{outbox.trouble}</span>}
      {Boolean(outbox.size && outbox.trouble) && <button type="button" onClick={() => outbox.flush()}>try again</button>}
      <Saving session={session} prefix={prefix} />
      <div className="pl-told" role="log" aria-label="Messages">{told.map((each) => <p key={each.n}>{each.line}</p>)}</div>
    </div>
  );
};

export default Status;
