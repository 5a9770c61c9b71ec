import React, {useEffect, useRef} from 'react';
import type {Session} from '../core/session.ts';
import {setValue, spread, VALUES, valueOf, type Value} from '../core/values.ts';

const STEPS: Partial<Record<Value, number>> = {yaw: 1};

/** A number that is set when it is left; what somebody types in it stays, whatever the box does meanwhile. */
const Field = ({id, shown, step, onSet}: {id: string; shown: string; step: number; onSet: (to: number) => void}): React.ReactElement => {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (field.current && document.activeElement !== field.current) field.current.value = shown;
  }, [shown]);
  return (
    <input id={id} ref={field} type="number" step={step} defaultValue={shown}
      onBlur={(e) => {
        if (e.target.value !== '' && e.target.value !== shown) onSet(Number(e.target.value));
        else e.target.value = shown;
      }}
      onKeyDown={(e) => {
        if (e.key === 'Escape') e.currentTarget.value = shown;
        if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur();
      }} />
  );
};

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
            <Field key={`${session.selected} ${session.sweep}`} id={`pl-${value}`} shown={shown} step={STEPS[value] ?? 0.05}
              onSet={(to) => setValue(session, value, to)} />
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
