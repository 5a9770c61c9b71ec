import Keyboard from './components/Keyboard.tsx';
import Panes from './components/Panes.tsx';
import Viewer from './components/Viewer.tsx';

export {Keyboard, Panes, Viewer};
