import Keyboard from './components/Keyboard.tsx';
import Panes from './components/Panes.tsx';
import Timeline from './components/Timeline.tsx';
import Viewer from './components/Viewer.tsx';

export {Keyboard, Panes, Timeline, Viewer};
