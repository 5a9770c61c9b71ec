import React, {useEffect, useRef} from 'react';
import {sessionOf} from '../core/session.ts';
import {Timeline as Lanes} from '../core/timeline.ts';

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

/** Tracks over time; the selected track's keyframes and lifespan are changed here. */
const Timeline = (props: Props): React.ReactElement => {
  const {id, log, prefix = '', style, className} = props;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const session = sessionOf(prefix, log), lanes = new Lanes(element.current!.querySelector('canvas')!, session);
    Object.assign(element.current!, {lanes, session});
    return () => lanes.dispose();
  }, [prefix, log]);
  return (
    <div id={id} className={className} ref={element} style={style as React.CSSProperties}>
      <canvas style={{width: '100%', height: '100%', display: 'block'}} />
    </div>
  );
};

export default Timeline;
