import { useEffect, useReducer, useRef } from 'react';
import { isTyping } from '../../../components/keys.tsx';
import { type PlayerEvent, type PlayerState, transition } from './player.ts';
import type { Timeline } from './timeline.ts';

const STEP_MS = 5000;

/** Runs the player on the page's frames; `start` is where it stands first. */
export function usePlayer(timeline: Timeline, start: { index: number | null; live: boolean }) {
  const current = useRef(timeline);
  current.current = timeline;
  const [state, send] = useReducer(
    (before: PlayerState, event: PlayerEvent) => transition(before, event, current.current),
    { position: 0, playing: false, speed: 1, live: start.live } satisfies PlayerState,
  );

  // Statements come in pages: the wanted one may be in a later page than the first.
  const wanted = useRef(start.index);
  useEffect(() => {
    send({ type: 'timelineChanged' });
    const index = wanted.current;
    if (index !== null && timeline.spans.some((span) => span.index === index)) {
      wanted.current = null;
      send({ type: 'indexSought', index });
    }
  }, [timeline]);

  const { playing } = state;
  useEffect(() => {
    if (!playing) return;
    let last = performance.now();
    let frame = requestAnimationFrame(function tick(now) {
      send({ type: 'ticked', elapsed: now - last });
      last = now;
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing]);
  return { state, send };
}

function eventOfKey(event: KeyboardEvent, timeline: Timeline): PlayerEvent | null {
  switch (event.key) {
    case ' ':
      return { type: 'toggled' };
    case 'ArrowLeft':
    case 'ArrowRight': {
      const sign = event.key === 'ArrowLeft' ? -1 : 1;
      return event.shiftKey ? { type: 'skippedShare', by: sign * 0.1 } : { type: 'skipped', by: sign * STEP_MS };
    }
    case '[':
      return { type: 'markerSought', by: -1 };
    case ']':
      return { type: 'markerSought', by: 1 };
    case ',':
      return { type: 'stepped', by: -1 };
    case '.':
      return { type: 'stepped', by: 1 };
    default:
      return /^\d$/.test(event.key) ? { type: 'sought', position: (Number(event.key) / 10) * timeline.total } : null;
  }
}

/** The replay's keys, anywhere on the page but in fields; a focused button keeps Space for itself. */
export function usePlayerKeys(timeline: Timeline, send: (event: PlayerEvent) => void, fullScreen: () => void): void {
  const current = useRef({ timeline, fullScreen });
  useEffect(() => {
    current.current = { timeline, fullScreen };
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const { target } = event;
      if (isTyping(target) || event.ctrlKey || event.metaKey || event.altKey) return;
      if (target instanceof HTMLElement && target.closest('[role="dialog"], [role="menu"], [role="listbox"]')) return;
      const isRadio = target instanceof HTMLInputElement && target.type === 'radio';
      if (isRadio && event.key.startsWith('Arrow')) return;
      if (event.key === ' ' && target instanceof HTMLElement && target.closest('button, a, input[type="checkbox"]'))
        return;
      if (event.key === 'f') {
        current.current.fullScreen();
        return;
      }
      const command = eventOfKey(event, current.current.timeline);
      if (command === null) return;
      event.preventDefault();
      send(command);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [send]);
}
