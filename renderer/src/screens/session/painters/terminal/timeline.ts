import type { TerminalEvent } from '../../../../../../gateway/contract/terminal.ts';

/** Silence is cut to this, so that nobody watches a program wait. */
export const LONGEST_SILENCE_MS = 1500;

export interface Frame {
  /** Milliseconds on the replay's own clock. */
  at: number;
  event: TerminalEvent;
}

/** What happened, on a clock that does not stand still for long. Times never go back. */
export function framesOf(events: readonly TerminalEvent[]): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  let last = events[0]?.at ?? 0;
  for (const event of events) {
    at += Math.min(Math.max(0, event.at - last), LONGEST_SILENCE_MS);
    last = Math.max(last, event.at);
    frames.push({ at, event });
  }
  return frames;
}

/** How many frames have happened at a time. */
export function framesUntil(frames: readonly Frame[], position: number): number {
  let low = 0;
  let high = frames.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((frames[middle]?.at ?? 0) <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
