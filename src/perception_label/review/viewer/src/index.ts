import Panes from './components/Panes.tsx';
import Viewer from './components/Viewer.tsx';

export {Panes, Viewer};
