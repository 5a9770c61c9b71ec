import React, {useEffect, useRef, useState} from 'react';
import {sessionActions} from '../core/actions.ts';
import {Keys, keysOf, remapped, type Remap} from '../core/keys.ts';
import {sessionOf} from '../core/session.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log whose page this is. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
  /** Other keys than the shipped ones: action to its keys. */
  keymap?: object;
  /** The last command that the page has to carry out (read-only): {name, n}. */
  command?: object;
  /** Dash's way of hearing of changes. */
  setProps?: (props: Record<string, unknown>) => void;
};

/** The keys of the page, and the list of them that `?` shows. */
const Keyboard = (props: Props): React.ReactElement => {
  const {id, log, prefix = '', keymap} = props;
  const [isOpen, open] = useState(false);
  const close = useRef<HTMLButtonElement>(null), isShown = useRef(false);
  isShown.current = isOpen;
  const report = useRef(props.setProps);
  report.current = props.setProps;
  const {map, faults} = remapped((keymap as Remap | undefined) ?? {});
  useEffect(() => {
    const session = sessionOf(prefix, log), own = sessionActions(session);
    faults.forEach((fault) => session.say(fault));
    let n = 0;
    const pages = Object.keys(keysOf(map, '')).filter((name) => !own[name] && name !== 'help');
    const sends = Object.fromEntries(pages.map((name) => [name, () => report.current?.({command: {name, n: ++n}})]));
    const all: Record<string, (event: KeyboardEvent) => void> = {...sends, ...own, help: () => open((was) => !was), leave: (event) => {
      // The window goes first; the selection stays.
      if (isShown.current) open(false);
      else own.leave(event);
    }};
    // Panels come and go: whose key it is shows when it is pressed.
    const keys = new Keys(keysOf(map, ''), Object.fromEntries(Object.keys(keysOf(map, '')).map((name) => [name, (event: KeyboardEvent) => {
      (session.actions[name] ?? all[name])?.(event);
    }])));
    return () => keys.dispose();
  }, [prefix, log, keymap]);
  useEffect(() => {
    if (!isOpen) return undefined;
    const before = document.activeElement as HTMLElement | null;
    close.current?.focus();
    return () => before?.focus?.();
  }, [isOpen]);
  if (!isOpen) return <span id={id} hidden />;
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Escape' || event.key === '?') open(false);
  };
  return (
    <div id={id} role="dialog" aria-modal="true" aria-label="Keys" className="pl-keys" onKeyDown={onKeyDown} onClick={() => open(false)}>
      <div onClick={(event) => event.stopPropagation()}>
        <button ref={close} type="button" onClick={() => open(false)} aria-label="Close">×</button>
        <dl>
          {Object.entries(map).map(([name, {keys, does}]) => (
            <div key={name}><dt>{keys.map((key) => <kbd key={key}>{key}</kbd>)}</dt><dd>{does}</dd></div>
          ))}
        </dl>
      </div>
    </div>
  );
};

export default Keyboard;
