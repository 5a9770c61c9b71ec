import React, {useEffect, useRef} from 'react';
import {CameraStrip} from '../core/camerastrip.ts';
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

/** The cameras' pictures with the boxes on them. */
const Cameras = (props: Props): React.ReactElement => {
  const {id, log, prefix = '', style, className} = props;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const session = sessionOf(prefix, log), strip = new CameraStrip(element.current!, session);
    Object.assign(element.current!, {strip, session});
    return () => strip.dispose();
  }, [prefix, log]);
  return <div id={id} className={className} ref={element} style={{display: 'none', ...style}} />;
};

export default Cameras;
