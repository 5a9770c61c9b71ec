import {useEffect, useReducer} from 'react';
import {sessionOf, type Session, type What} from '../core/session.ts';

/** The page's session of a log; the component is drawn again when one of these changes. */
export function useSession(prefix: string, log: string, whats: readonly What[]): Session {
  const session = sessionOf(prefix, log);
  const [, again] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    again();
    return session.on((what) => {
      if (whats.includes(what)) again();
    });
  }, [session]);
  return session;
}
