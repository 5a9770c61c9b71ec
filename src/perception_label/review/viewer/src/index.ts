import Cameras from './components/Cameras.tsx';
import Details from './components/Details.tsx';
import Jobs from './components/Jobs.tsx';
import Keyboard from './components/Keyboard.tsx';
import Panes from './components/Panes.tsx';
import Queue from './components/Queue.tsx';
import Rows from './components/Rows.tsx';
import Status from './components/Status.tsx';
import Timeline from './components/Timeline.tsx';
import Viewer from './components/Viewer.tsx';
import {sessionOf as session} from './core/session.ts';

export {Cameras, Details, Jobs, Keyboard, Panes, Queue, Rows, Status, Timeline, Viewer, session};
