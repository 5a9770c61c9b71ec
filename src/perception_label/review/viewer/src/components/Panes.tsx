import React, {useEffect, useRef} from 'react';
import {Pane, type Side} from '../core/pane.ts';
import {sessionOf} from '../core/session.ts';

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
};

const SIDES: Side[] = ['top', 'side', 'rear'];

/** Three orthographic views of the selected box, to correct it in. */
const Panes = (props: Props): React.ReactElement => {
  const {id, log, prefix = '', style, className} = props;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const session = sessionOf(prefix, log);
    const canvases = [...element.current!.querySelectorAll('canvas')];
    const panes = canvases.map((canvas, k) => new Pane(canvas, session, SIDES[k]));
    Object.assign(element.current!, {panes, session});
    return () => panes.forEach((pane) => pane.dispose());
  }, [prefix, log]);
  return (
    <div id={id} className={className} ref={element} style={{display: 'flex', flexDirection: 'column', gap: 2, ...style}}>
      {SIDES.map((side) => <canvas key={side} style={{flex: 1, minHeight: 0, width: '100%', touchAction: 'none'}} />)}
    </div>
  );
};

export default Panes;
