import React, {useEffect, useRef, useState} from 'react';
import {BatchGrid} from '../core/batchgrid.ts';
import {ReviewGrid} from '../core/reviewgrid.ts';
import {sessionOf, type Grid} from '../core/session.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
};

const OVER: React.CSSProperties = {
  position: 'fixed', inset: '1.5rem', zIndex: 250, display: 'flex', flexDirection: 'column', gap: '.5rem', padding: '.75rem',
  background: 'var(--mantine-color-body, #1a1b1e)', color: 'var(--mantine-color-text, #c9c9c9)', border: '1px solid #868e96', borderRadius: 6,
};

/** The grids over the page: one track over many sweeps, or many look-alike tracks. */
const Grids = (props: Props): React.ReactElement => {
  const {id, log, prefix = ''} = props;
  const [kind, show] = useState<Grid>('');
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const session = sessionOf(prefix, log);
    return session.on((what) => {
      if (what === 'grid') show(session.grid);
    });
  }, [prefix, log]);
  useEffect(() => {
    if (!kind) return undefined;
    const session = sessionOf(prefix, log), before = document.activeElement as HTMLElement | null, held = element.current!;
    const grid = kind === 'batch' ? new BatchGrid(held, session) : new ReviewGrid(held, session);
    Object.assign(held, {grid, session});
    held.focus();
    return () => {
      grid.dispose();
      before?.focus?.();
    };
  }, [prefix, log, kind]);
  if (!kind) return <span id={id} hidden />;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Escape') sessionOf(prefix, log).openGrid('');
  };
  const label = kind === 'batch' ? 'One track over many sweeps' : 'Many look-alike tracks';
  return <div id={id} role="dialog" aria-label={label} tabIndex={-1} ref={element} style={OVER} onKeyDown={onKeyDown} />;
};

export default Grids;
