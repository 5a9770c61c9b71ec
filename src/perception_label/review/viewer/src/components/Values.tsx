import React from 'react';
import type {Session} from '../core/session.ts';
import {setValue, spread, VALUES, valueOf, type Value} from '../core/values.ts';

const STEPS: Partial<Record<Value, number>> = {yaw: 1};

/** The numbers of the selected box; each may be carried to the keyframes before or after. */
const Values = ({session}: {session: Session}): React.ReactElement => {
  const box = session.selected ? session.boxAt(session.selected, session.sweep) : null;
  if (!box) return <p>The track has no box at this sweep.</p>;
  return (
    <div className="pl-values">
      {VALUES.map((value) => {
        const shown = valueOf(box, value).toFixed(value === 'yaw' ? 1 : 2);
        return (
          <React.Fragment key={value}>
            <label htmlFor={`pl-${value}`}>{value}{value === 'yaw' ? ' °' : ' m'}</label>
            <input id={`pl-${value}`} key={`${session.selected} ${session.sweep} ${shown}`} type="number" step={STEPS[value] ?? 0.05}
              defaultValue={shown}
              onBlur={(e) => { if (e.target.value !== '' && e.target.value !== shown) setValue(session, value, Number(e.target.value)); }}
              onKeyDown={(e) => {
                if (e.key === 'Escape') e.currentTarget.value = shown;
                if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur();
              }} />
            <button type="button" title="to the keyframes before" aria-label={`${value} to earlier`}
              onClick={() => spread(session, value, -1)}>←</button>
            <button type="button" title="to the keyframes after" aria-label={`${value} to later`}
              onClick={() => spread(session, value, 1)}>→</button>
          </React.Fragment>
        );
      })}
    </div>
  );
};

export default Values;
