// Builds the two bundles that the package ships: three.js, and ours. The same sources give the same bytes.
import {build} from 'esbuild';

const out = '../assets';
const common = {
  bundle: true, minify: true, format: 'iife', target: ['es2021'], legalComments: 'inline', charset: 'utf8', logLevel: 'warning',
  define: {'process.env.NODE_ENV': '"production"'},
};
// What the page has already (React from Dash, three.js from the first bundle) is taken from it.
const globals = (names) => ({
  name: 'globals',
  setup(hook) {
    for (const [filter, global] of names) {
      hook.onResolve({filter}, (found) => (found.importer ? {path: found.path, namespace: global} : null));
      hook.onLoad({filter: /.*/, namespace: global}, () => ({contents: `module.exports = ${global};`, loader: 'js'}));
    }
  },
});
await build({...common, entryPoints: ['src/three.ts'], globalName: 'PerceptionLabelThree', outfile: `${out}/three.js`});
await build({
  ...common, entryPoints: ['src/index.ts'], globalName: 'perception_label', outfile: `${out}/perception_label.js`,
  plugins: [globals([[/^react$/, 'window.React'], [/^react-dom$/, 'window.ReactDOM'], [/\/three\.ts$/, 'window.PerceptionLabelThree']])],
});
