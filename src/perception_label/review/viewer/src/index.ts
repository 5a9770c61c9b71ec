import Cameras from './components/Cameras.tsx';
import Keyboard from './components/Keyboard.tsx';
import Panes from './components/Panes.tsx';
import Timeline from './components/Timeline.tsx';
import Viewer from './components/Viewer.tsx';

export {Cameras, Keyboard, Panes, Timeline, Viewer};
