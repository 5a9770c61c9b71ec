import React from 'react';
import type {Session} from '../core/session.ts';
import type {AttributeRule, Track} from '../core/types.ts';

/** What the ontology asks of a track of its class, for all its life or from this sweep on. */
const Attributes = ({session, track}: {session: Session; track: Track}): React.ReactElement => {
  const scene = session.scene!, rules = Object.entries(scene.ontology.attributes);
  const mine = rules.filter(([, rule]) => !rule.classes || rule.classes.includes(track.class_name));
  const set = (name: string, rule: AttributeRule, value: unknown): void => {
    session.edit('set_attribute', track.track_id, {name, value}, rule.per === 'sweep' ? session.sweep : undefined);
  };
  return (
    <div className="pl-attributes">
      {mine.map(([name, rule]) => (
        <label key={name}>{name.replace(/_/g, ' ')}{rule.per === 'sweep' && <small title="holds from this sweep on"> ⇥</small>}
          <Field rule={rule} name={name} value={valueAt(session, track, name, rule)} set={(value) => set(name, rule, value)} />
        </label>
      ))}
    </div>
  );
};

/** The value that holds at this sweep: the last one set before. */
function valueAt(session: Session, track: Track, name: string, rule: AttributeRule): unknown {
  if (rule.per === 'track') return track.attributes[name];
  const now = BigInt(session.scene!.timestamps_ns[session.sweep]), values = track.sweep_attributes[name] ?? {};
  const before = Object.keys(values).filter((at) => BigInt(at) <= now).sort((a, b) => Number(BigInt(a) - BigInt(b)));
  return before.length ? values[before[before.length - 1]] : undefined;
}

type FieldProps = {rule: AttributeRule; name: string; value: unknown; set: (value: unknown) => void};

const Field = ({rule, name, value, set}: FieldProps): React.ReactElement => {
  const label = name.replace(/_/g, ' ');
  if (rule.type === 'bool' || rule.type === 'choice') {
    const values = rule.type === 'bool' ? ['yes', 'no'] : rule.values;
    const shown = value === undefined ? '' : rule.type === 'bool' ? (value ? 'yes' : 'no') : String(value);
    return (
      <select aria-label={label} value={shown} onChange={(e) => {
        if (e.target.value) set(rule.type === 'bool' ? e.target.value === 'yes' : e.target.value);
        e.target.blur();
      }}>
        <option value="" />
        {values.map((each) => <option key={each}>{each}</option>)}
      </select>
    );
  }
  const isNumber = rule.type !== 'text';
  return (
    <input key={String(value)} aria-label={label} type={isNumber ? 'number' : 'text'} step={rule.type === 'float' ? 'any' : 1}
      maxLength={1000} defaultValue={value === undefined ? '' : String(value)}
      onBlur={(e) => { if (e.target.value !== String(value ?? '')) set(isNumber ? Number(e.target.value) : e.target.value); }}
      onKeyDown={(e) => { if (e.key === 'Enter' || e.key === 'Escape') e.currentTarget.blur(); }} />
  );
};

export default Attributes;
