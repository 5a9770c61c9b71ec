import React, {useEffect, useRef, useState} from 'react';
import type {Session} from '../core/session.ts';

/** Log in where one is: nothing on the page is lost, and what is unsaved is sent. */
const Login = ({session, prefix}: {session: Session; prefix: string}): React.ReactElement => {
  const {me} = session.people;
  const [name, setName] = useState(me?.name ?? ''), [password, setPassword] = useState(''), [error, setError] = useState('');
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const isLocal = !me || me.login === 'local';
  const enter = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    setError('');
    try {
      await session.logIn(name, password);
    } catch (fault) {
      setError((fault as Error).message);
    }
  };
  return (
    <form className="pl-login" role="dialog" aria-label="Log in" onSubmit={(e) => void enter(e)}>
      <p>You were logged out. Log in to go on; what is unsaved is kept.</p>
      {isLocal && <input aria-label="Name" autoComplete="username" value={name} onChange={(e) => setName(e.target.value)} />}
      {isLocal && (
        <input
          aria-label="Password" type="password" autoComplete="current-password" ref={first}
          value={password} onChange={(e) => setPassword(e.target.value)}
        />
      )}
      {isLocal && <button type="submit">log in</button>}
      {!isLocal && <a href={`${prefix}/api/v1/login`} target="_blank" rel="noreferrer">log in</a>}
      {!isLocal && <button type="button" onClick={() => void session.resume()}>I have logged in</button>}
      {error && <span role="alert">{error}</span>}
    </form>
  );
};

/** What is between this page and the others: who is where, edits in conflict, a lost login. */
const Saving = ({session, prefix}: {session: Session; prefix: string}): React.ReactElement => (
  <>
    {session.people.others.length > 0 && (
      <span className="pl-others" aria-label="Others here">
        {session.people.others.map((each) => `${each.author}${each.track_id ? ` at ${each.track_id.slice(0, 8)}` : ''}`).join(', ')}
      </span>
    )}
    {[...session.conflicts.keys()].map((id) => (
      <span key={id} role="alert" className="pl-conflict">
        {`${id.slice(0, 8)}: changed by somebody else; yours is red `}
        <button type="button" onClick={() => session.reapply(id)}>apply mine again</button>
        <button type="button" onClick={() => session.giveUp(id)}>keep theirs</button>
      </span>
    ))}
    {session.isOut && <Login session={session} prefix={prefix} />}
  </>
);

export default Saving;
