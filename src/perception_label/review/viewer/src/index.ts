import Viewer from './components/Viewer.tsx';

export {Viewer};
