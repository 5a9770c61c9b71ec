import React, {useEffect, useRef} from 'react';
import {takeEarly} from '../core/early.ts';
import {MainView} from '../core/mainview.ts';
import {sessionOf} from '../core/session.ts';
import {onTheme} from '../core/theme.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
  /** Inline CSS of the container. */
  style?: object;
  /** CSS class of the container. */
  className?: string;
  /** The selected track (read-only). */
  selected?: string;
  /** The sweep that is shown (read-only). */
  sweep?: number;
  /** How long the last sweep took (read-only). */
  timings?: object;
  /** Dash's way of hearing of changes. */
  setProps?: (props: Record<string, unknown>) => void;
};

const NO_WEBGL = 'The 3-D view needs WebGL 2, which this browser does not offer. Turn hardware acceleration on, or use another browser.';

/** The points and boxes of one sweep, to look at and to correct. */
const Viewer = (props: Props): React.ReactElement => {
  const {id, log, prefix = '', style, className} = props;
  const element = useRef<HTMLDivElement>(null);
  const report = useRef(props.setProps);
  report.current = props.setProps;
  useEffect(() => {
    const session = sessionOf(prefix, log), held = element.current!;
    let view: MainView;
    try {
      view = takeEarly(held, session) ?? new MainView(held, session);
    } catch (error) {
      // An error that leaves an effect takes the whole page down.
      const told = document.createElement('div');
      told.setAttribute('role', 'alert');
      told.style.padding = '1rem';
      told.textContent = NO_WEBGL;
      held.replaceChildren(told);
      Object.assign(held, {session});
      return undefined;
    }
    Object.assign(held, {view, session});
    view.onTimings = (timings) => report.current?.({timings});
    const off = session.on((what) => {
      if (what === 'select') report.current?.({selected: session.selected});
      if (what === 'sweep') report.current?.({sweep: session.sweep});
    });
    const offTheme = onTheme(() => {
      view.theme();
      session.tell('view');
    });
    return () => {
      off();
      offTheme();
      view.dispose();
    };
  }, [prefix, log]);
  return <div id={id} className={className} ref={element} style={{position: 'relative', overflow: 'hidden', ...style}} />;
};

export default Viewer;
