import React, {useEffect, useReducer, useRef} from 'react';
import {ImageView} from '../core/imageview.ts';
import {Keys, keysOf, remapped, type Remap} from '../core/keys.ts';
import {sessionOf} from '../core/session.ts';
import type {DrawTool} from '../core/shapetools.ts';
import type {Geometry} from '../core/types.ts';

type Props = {
  /** The ID of this component in Dash callbacks. */
  id?: string;
  /** The log that is shown. */
  log: string;
  /** What the routes of the server begin with. */
  prefix?: string;
  /** Other keys than the shipped ones: action to its keys. */
  keymap?: object;
  /** Inline CSS of the container. */
  style?: object;
  /** CSS class of the container. */
  className?: string;
};

const TOOLS: DrawTool[] = ['select', 'box', 'polygon', 'mask', 'fill', 'keypoints', 'polyline'];
const PANEL: React.CSSProperties = {
  position: 'fixed', inset: '1.5rem', zIndex: 150, flexDirection: 'column', gap: 6, padding: 10, borderRadius: 8,
  background: 'var(--mantine-color-body, #1a1b1e)', color: 'var(--mantine-color-text, #c1c2c5)',
  border: '1px solid var(--mantine-color-default-border, #444)', boxShadow: '0 8px 40px #000a', outline: 'none',
};
const ROW: React.CSSProperties = {display: 'flex', gap: 6, alignItems: 'center', flexWrap: 'wrap'};

const kindOf = (tool: DrawTool): Geometry | null => (tool === 'select' ? null : tool === 'fill' ? 'mask' : tool);

/** The actions of the panel's keys. */
function actionsOf(view: ImageView): Record<string, (event: KeyboardEvent) => void> {
  const {tools, session} = view;
  const take = (tool: DrawTool) => (): void => tools.takeUp(tool);
  return {
    next: () => view.go(view.image + 1), previous: () => view.go(view.image - 1),
    'on-ten': () => view.go(view.image + 10), 'back-ten': () => view.go(view.image - 10),
    'next-key': () => view.goToKey(1), 'previous-key': () => view.goToKey(-1), doubt: () => view.goToDoubt(),
    ...Object.fromEntries(TOOLS.map((tool) => [tool, take(tool)])),
    erase: () => {
      tools.isErasing = !tools.isErasing;
      view.later();
    },
    thinner: () => tools.size(1 / 1.25), thicker: () => tools.size(1.25),
    new: () => session.select(null),
    accept: (event) => (tools.draft.length ? tools.finish(event.shiftKey) : view.accept()),
    back: () => void tools.backOne(),
    remove: () => {
      const kinds = [kindOf(tools.tool) ?? (['box', 'polygon', 'mask', 'keypoints', 'polyline'] as Geometry[])].flat();
      kinds.forEach((kind) => view.remove(kind));
    },
    gone: () => view.gone(true), again: () => view.gone(false),
    propagate: () => void view.propagate(), play: () => view.play(), fit: () => view.fit(),
    leave: () => {
      if (tools.leave()) view.later();
      else if (tools.tool !== 'select') tools.takeUp('select');
      else view.close();
    },
  };
}

/** The images of a camera, over the page: looked through, and labelled in two dimensions. */
const Images2d = (props: Props): React.ReactElement => {
  const {id, log, prefix = '', keymap, style, className} = props;
  const element = useRef<HTMLDivElement>(null), canvas = useRef<HTMLCanvasElement>(null), strip = useRef<HTMLCanvasElement>(null);
  const held = useRef<ImageView | null>(null), wasOpen = useRef(false);
  const [, tick] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const session = sessionOf(prefix, log), view = new ImageView(canvas.current!, strip.current!, session);
    held.current = view;
    view.onChange = tick;
    const {map} = remapped((keymap as Remap | undefined) ?? {});
    const keys = new Keys(keysOf(map, 'image'), actionsOf(view), element.current!);
    const off = session.on((what) => {
      if (what === 'told' || what === 'images' || what === 'outbox') tick();
    });
    Object.assign(element.current!, {view, session});
    return () => {
      off();
      keys.dispose();
      view.dispose();
      held.current = null;
    };
  }, [prefix, log, keymap]);
  const view = held.current, isOpen = Boolean(view?.isOpen);
  useEffect(() => {
    // The keys are this panel's as long as it is open.
    if (isOpen && !wasOpen.current) element.current?.focus();
    wasOpen.current = isOpen;
    if (isOpen) view?.later();
  }, [isOpen]);
  const back = (): void => element.current?.focus();
  const classes = Object.keys(view?.session.scene?.ontology.classes ?? {});
  const job = view?.job, unsaved = view?.session.outbox.size ?? 0;
  return (
    <div
      id={id} className={className} ref={element} tabIndex={-1} role="dialog" aria-label="Labels on images" data-own-keys="image"
      style={{...PANEL, ...style, display: isOpen ? 'flex' : 'none'}}
    >
      <div style={ROW}>
        <select aria-label="camera" value={view?.camera ?? ''} onChange={(event) => { view?.choose(event.target.value); back(); }}>
          {(view?.cameras ?? []).map((name) => <option key={name}>{name}</option>)}
        </select>
        <select
          aria-label="class" value={view?.drawnClass ?? ''} disabled={Boolean(view?.session.selected)}
          onChange={(event) => { view!.className = event.target.value; tick(); back(); }}
        >
          {classes.map((name) => <option key={name}>{name}</option>)}
        </select>
        {TOOLS.map((tool) => {
          const kind = kindOf(tool);
          return (
            <button
              key={tool} type="button" data-tool={tool} aria-pressed={view?.tools.tool === tool} disabled={Boolean(kind && !view?.may(kind))}
              style={view?.tools.tool === tool ? {background: '#339af0', color: '#fff'} : undefined}
              onClick={() => { view?.tools.takeUp(tool); back(); }}
            >{tool}</button>
          );
        })}
        <button type="button" aria-pressed={view?.tools.isErasing} onClick={() => { if (view) view.tools.isErasing = !view.tools.isErasing; tick(); back(); }}>
          {view?.tools.isErasing ? 'erasing' : 'adding'}
        </button>
        <button type="button" onClick={() => { view?.session.select(null); back(); }}>new object</button>
        <span style={{flex: 1}} />
        {job ? <progress value={job.done} max={job.of || 1} aria-label="propagation" /> : null}
        {job
          ? <button type="button" onClick={() => void view?.cancel()}>stop</button>
          : <button type="button" data-act="propagate" onClick={() => { void view?.propagate(); back(); }}>propagate</button>}
        <button type="button" aria-label="Close" onClick={() => view?.close()}>×</button>
      </div>
      <canvas ref={canvas} style={{flex: 1, minHeight: 0, width: '100%', touchAction: 'none', cursor: 'crosshair'}} onPointerDown={back} />
      <canvas ref={strip} style={{width: '100%', height: 18}} />
      <div style={ROW}>
        <button type="button" aria-label={view?.isPlaying ? 'stop playing' : 'play'} onClick={() => { view?.play(); back(); }}>
          {view?.isPlaying ? '⏸' : '▶'}
        </button>
        <input
          type="range" aria-label="image" min={0} max={Math.max((view?.n ?? 1) - 1, 0)} value={view?.image ?? 0} style={{flex: 1}}
          onChange={(event) => view?.go(Number(event.target.value))} onPointerUp={back}
          onKeyDown={(event) => { if (event.key === 'Escape') view?.close(); }}
        />
        <span style={{minWidth: '9rem', textAlign: 'right'}}>image {(view?.image ?? 0) + 1} of {view?.n ?? 0}</span>
      </div>
      <div style={{...ROW, fontSize: 12, height: '1.6em', flexWrap: 'nowrap', overflow: 'hidden', whiteSpace: 'nowrap'}} role="status">
        <span>{view?.session.told ?? ''}</span>
        <span style={{flex: 1}} />
        <span>{unsaved ? `unsaved (${unsaved})` : ''}</span>
      </div>
    </div>
  );
};

export default Images2d;
