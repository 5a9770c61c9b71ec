import React, {useEffect, useRef} from 'react';
import {sessionOf} from '../core/session.ts';
import type {Track} from '../core/types.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
  /** One row for each track (read-only). */
  rows?: object[];
  /** The selected track (read-only). */
  selected?: string;
  /** Dash's way of hearing of changes. */
  setProps?: (props: Record<string, unknown>) => void;
};

const AFTER_MS = 300; // tracks change in rows: tables are filled when they pause

function rowOf(track: Track): Record<string, unknown> {
  const known = track.expected_iou.filter((value): value is number => value !== null);
  return {
    track_id: track.track_id, class_name: track.class_name, source: track.source, first: track.sweeps[0] ?? null,
    n: track.sweeps.length, keys: track.keys.filter((key) => key.source === 'human').length,
    score: track.score, worst: known.length ? Math.min(...known) : null,
    state: track.is_finalised ? 'done' : (track.verdict ?? ''), comments: track.comments.length,
  };
}

/** Tells Dash of the tracks, for tables; draws nothing. */
const Rows = (props: Props): React.ReactElement => {
  const {id, log, prefix = ''} = props;
  const report = useRef(props.setProps);
  report.current = props.setProps;
  useEffect(() => {
    const session = sessionOf(prefix, log);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const fill = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => report.current?.({rows: [...session.tracks.values()].map(rowOf)}), AFTER_MS);
    };
    const off = session.on((what) => {
      if (what === 'tracks') fill();
      if (what === 'select') report.current?.({selected: session.selected ?? ''});
    });
    fill();
    return () => {
      clearTimeout(timer);
      off();
    };
  }, [prefix, log]);
  return <span id={id} hidden />;
};

export default Rows;
