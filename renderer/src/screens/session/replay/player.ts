import { currentSpan, type Timeline } from './timeline.ts';

export const SPEEDS = [1, 2, 4, 8] as const;
export type Speed = (typeof SPEEDS)[number];

export interface PlayerState {
  /** Milliseconds on the timeline, 0 to its total. */
  position: number;
  playing: boolean;
  speed: Speed;
  /** Stays at the end as the session grows. */
  live: boolean;
}

export type PlayerEvent =
  | { type: 'toggled' }
  /** Time went by on the wall, in milliseconds. */
  | { type: 'ticked'; elapsed: number }
  | { type: 'sought'; position: number }
  | { type: 'skipped'; by: number }
  | { type: 'skippedShare'; by: number }
  | { type: 'stepped'; by: 1 | -1 }
  | { type: 'markerSought'; by: 1 | -1 }
  | { type: 'indexSought'; index: number }
  | { type: 'speedChosen'; speed: Speed }
  | { type: 'wentLive' }
  | { type: 'timelineChanged' };

const clamp = (position: number, timeline: Timeline) => Math.min(Math.max(0, position), timeline.total);

/** Every way of moving by hand leaves "live"; playing on is the person's choice. */
export function transition(state: PlayerState, event: PlayerEvent, timeline: Timeline): PlayerState {
  const seek = (position: number): PlayerState => ({ ...state, position: clamp(position, timeline), live: false });
  switch (event.type) {
    case 'toggled':
      if (state.playing) return { ...state, playing: false };
      // At the end, play starts over.
      return { ...state, playing: true, live: false, position: state.position >= timeline.total ? 0 : state.position };
    case 'ticked': {
      if (!state.playing) return state;
      const position = clamp(state.position + event.elapsed * state.speed, timeline);
      return { ...state, position, playing: position < timeline.total };
    }
    case 'sought':
      return seek(event.position);
    case 'skipped':
      return seek(state.position + event.by);
    case 'skippedShare':
      return seek(state.position + event.by * timeline.total);
    case 'stepped': {
      const next = timeline.spans[Math.max(0, currentSpan(timeline, state.position) + event.by)];
      if (next === undefined) return event.by === 1 ? { ...seek(timeline.total), playing: false } : seek(0);
      return { ...seek(next.start), playing: false };
    }
    case 'markerSought': {
      const next =
        event.by === 1
          ? timeline.markers.find((marker) => marker.at > state.position)
          : timeline.markers.findLast((marker) => marker.at < state.position);
      return next === undefined ? state : seek(next.at);
    }
    case 'indexSought': {
      const span = timeline.spans.find((candidate) => candidate.index === event.index);
      return span === undefined ? state : { ...seek(span.start), playing: false };
    }
    case 'speedChosen':
      return { ...state, speed: event.speed };
    case 'wentLive':
      return { ...state, position: timeline.total, playing: false, live: true };
    case 'timelineChanged':
      return { ...state, position: state.live ? timeline.total : clamp(state.position, timeline) };
  }
}
