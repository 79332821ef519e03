export interface Timers {
  /** Runs once after so many milliseconds; returns what cancels it. Keeps no process alive. */
  schedule(milliseconds: number, run: () => void): () => void;
  /** Runs again and again; returns what stops it. Keeps no process alive. */
  every(milliseconds: number, run: () => void): () => void;
}

/** Node counts milliseconds in 31 bits; what is further away is called early, and looks at the clock. */
const LONGEST_MS = 86_400_000;

export const timers: Timers = {
  schedule(milliseconds, run) {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(milliseconds, run) {
    const timer = setInterval(run, milliseconds);
    timer.unref();
    return () => clearInterval(timer);
  },
};
