import React, {useEffect, useRef} from 'react';
import Attributes from './Attributes.tsx';
import Past from './Past.tsx';
import Values from './Values.tsx';
import {useSession} from './useSession.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
};

/** Everything about the selected track that is not a matter of pointing at it. */
const Details = ({id, log, prefix = ''}: Props): React.ReactElement => {
  const session = useSession(prefix, log, ['scene', 'tracks', 'select', 'sweep', 'live', 'merge']);
  const classes = useRef<HTMLSelectElement>(null);
  useEffect(() => {
    session.actions.class = () => classes.current?.focus();
    return () => {
      delete session.actions.class;
    };
  }, [session]);
  const {scene, selected, sweep} = session, track = selected ? session.tracks.get(selected) : undefined;
  if (!scene || !track || !selected) return <section id={id} className="pl-details"><p>No track is selected.</p></section>;
  const now = scene.timestamps_ns[sweep], [first, last] = [track.sweeps[0] ?? 0, track.sweeps[track.sweeps.length - 1] ?? 0];
  const holds = (intervals: string[][], at: string): boolean =>
    intervals.some(([a, b]) => BigInt(a) <= BigInt(at) && BigInt(at) <= BigInt(b));
  const edit = (kind: string, after: Record<string, unknown> = {}): void => {
    session.edit(kind, selected, after);
  };
  const live = (from: number, to: number): void => {
    const [a, b] = [from, to].map((s) => scene.timestamps_ns[Math.min(Math.max(s, 0), scene.n_sweeps - 1)]);
    if (from <= to) edit('set_lifespan', {first_ns: a, last_ns: b});
    else session.say('a track has to begin before it ends');
  };
  const isStatic = holds(track.static_ns, scene.timestamps_ns[first]), isOutside = holds(track.outside_ns, now);
  const state = [track.verdict, track.is_finalised && 'done', track.is_static && 'stands'].filter(Boolean).join(', ');
  return (
    <section id={id} className="pl-details" aria-label="Selected track">
      <h2>{selected}</h2>
      <p>{track.source}{track.score !== null && ` · ${(100 * track.score).toFixed(0)} %`}{state && ` · ${state}`}</p>
      {session.mergeWith && <Merge session={session} />}
      <label>class <select ref={classes} aria-label="Class" value={track.class_name}
        onChange={(e) => { edit('set_class', {class_name: e.target.value}); e.target.blur(); }}
        onKeyDown={(e) => { if (e.key === 'Escape') e.currentTarget.blur(); }}>
        {[...new Set([track.class_name, ...Object.keys(scene.ontology.classes)])].map((name) => <option key={name}>{name}</option>)}
      </select></label>
      <Attributes session={session} track={track} />
      <Values session={session} />
      <div className="pl-row">
        <label>from <Whole name="First sweep" value={first} set={(s) => live(s, last)} /></label>
        <label>to <Whole name="Last sweep" value={last} set={(s) => live(first, s)} /></label>
      </div>
      <div className="pl-row">
        <label><input type="checkbox" checked={isStatic} onChange={() => edit('set_static', {
          first_ns: scene.timestamps_ns[first], last_ns: scene.timestamps_ns[last], is_static: !isStatic})} /> stands still</label>
        <label><input type="checkbox" checked={isOutside} onChange={() => edit('set_outside', {
          first_ns: now, last_ns: now, is_outside: !isOutside})} /> not at this sweep</label>
      </div>
      <div className="pl-row">
        <button type="button" onClick={() => edit('finalise')}>done</button>
        <button type="button" onClick={() => edit('verdict', {verdict: 'accept', reason: ''})}>accept</button>
        <button type="button" onClick={() => edit('delete')}>delete</button>
        <button type="button" onClick={() => void session.api.startJob('propagate', selected).then(
          () => session.say(`${selected}: propagated anew`), (error: Error) => session.say(error.message))}>propagate anew</button>
      </div>
      <Past session={session} track={track} />
    </section>
  );
};

/** A whole number that is sent when it is finished. */
const Whole = ({name, value, set}: {name: string; value: number; set: (value: number) => void}): React.ReactElement => (
  <input key={value} type="number" aria-label={name} defaultValue={value}
    onBlur={(e) => { if (e.target.value !== '' && Number(e.target.value) !== value) set(Math.round(Number(e.target.value))); }}
    onKeyDown={(e) => { if (e.key === 'Enter') e.currentTarget.blur(); }} />
);

/** What joining two tracks would make, before anybody decides. */
const Merge = ({session}: {session: ReturnType<typeof useSession>}): React.ReactElement | null => {
  const yes = useRef<HTMLButtonElement>(null);
  useEffect(() => yes.current?.focus(), []);
  const mine = session.tracks.get(session.selected!), other = session.tracks.get(session.mergeWith!);
  if (!mine || !other) return null;
  const both = mine.sweeps.filter((s) => other.sweeps.includes(s)).length, all = mine.sweeps.length + other.sweeps.length - both;
  const leap = leapBetween(session, mine.track_id, other.track_id);
  const most = session.scene?.ontology.classes[mine.class_name]?.max_speed_mps;
  const answer = (isYes: boolean): void => {
    if (isYes) session.edit('merge', mine.track_id, {other_id: other.track_id});
    session.askToMerge(null);
  };
  return (
    <div role="dialog" aria-label="Join two tracks" className="pl-merge"
      onKeyDown={(e) => { if (e.key === 'Escape') { e.stopPropagation(); answer(false); } }}>
      <p><b>{mine.track_id}</b> takes in <b>{other.track_id}</b>: {all} boxes, {both} sweeps have both,
        {other.class_name === mine.class_name ? ' ' : ` ${other.class_name} becomes ${mine.class_name}, `}
        {leap && `between them ${leap.m.toFixed(1)} m in ${leap.s.toFixed(1)} s`}
        {leap && most !== undefined && leap.m > most * leap.s + 3 && ': too fast for one object'}</p>
      <button ref={yes} type="button" onClick={() => answer(true)}>join</button>
      <button type="button" onClick={() => answer(false)}>no</button>
    </div>
  );
};

/** How far apart two tracks are where they come nearest in time. */
function leapBetween(session: ReturnType<typeof useSession>, a: string, b: string): {m: number; s: number} | null {
  const mine = session.tracks.get(a)?.sweeps ?? [], theirs = session.tracks.get(b)?.sweeps ?? [], times = session.scene!.timestamps_ns;
  let best: [number, number] | null = null;
  for (const s of [mine[0], mine[mine.length - 1]]) {
    for (const t of [theirs[0], theirs[theirs.length - 1], ...(theirs.includes(s) ? [s] : [])]) {
      if (s !== undefined && t !== undefined && (!best || Math.abs(s - t) < Math.abs(best[0] - best[1]))) best = [s, t];
    }
  }
  const from = best && session.boxAt(a, best[0]), to = best && session.boxAt(b, best[1]);
  if (!best || !from || !to) return null;
  const seconds = Math.abs(Number(BigInt(times[best[1]]) - BigInt(times[best[0]]))) / 1e9;
  return {m: Math.hypot(from.center[0] - to.center[0], from.center[1] - to.center[1]), s: seconds};
}

export default Details;
