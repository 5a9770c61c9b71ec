import Cameras from './components/Cameras.tsx';
import Details from './components/Details.tsx';
import Images2d from './components/Images2d.tsx';
import Jobs from './components/Jobs.tsx';
import Grids from './components/Grids.tsx';
import Keyboard from './components/Keyboard.tsx';
import Panes from './components/Panes.tsx';
import Queue from './components/Queue.tsx';
import Rows from './components/Rows.tsx';
import Status from './components/Status.tsx';
import Timeline from './components/Timeline.tsx';
import Viewer from './components/Viewer.tsx';
import {beginEarly, earlyView} from './core/early.ts';
import {sessionOf as session} from './core/session.ts';

export {Cameras, Details, Grids, Images2d, Jobs, Keyboard, Panes, Queue, Rows, Status, Timeline, Viewer, earlyView, session};

// The maths is held against Python's by the tests, which find it here.
export * as boxmath from './core/boxmath.ts';
export * as container from './core/container.ts';
export * as crop from './core/crop.ts';
export * as owners from './core/owners.ts';
export * as paint from './core/paint.ts';
export * as project from './core/project.ts';
export * as colours from './core/colours.ts';
export * as rectangle from './core/rectangle.ts';
export * as theme from './core/theme.ts';

beginEarly();
