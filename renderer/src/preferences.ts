import { useSyncExternalStore } from 'react';
import { z } from 'zod';

/** What a person set for this browser (or the app) alone; nothing here gives leave. */
const Preferences = z.object({
  /** A request that is shown asks for more time by itself. */
  moreTime: z.boolean().catch(false),
  /** How long a new card takes neither keys nor clicks. */
  guardMs: z.union([z.literal(500), z.literal(1000), z.literal(2000)]).catch(500),
});
export type Preferences = z.infer<typeof Preferences>;

const KEY = 'countersign.preferences';
const listeners = new Set<() => void>();
let kept: Preferences | null = null;

function read(): Preferences {
  if (kept !== null) return kept;
  let stored: unknown = null;
  try {
    stored = JSON.parse(localStorage.getItem(KEY) ?? 'null');
  } catch {
    // Not ours any more: begin anew.
  }
  const parsed = Preferences.safeParse(stored);
  kept = parsed.success ? parsed.data : { moreTime: false, guardMs: 500 };
  return kept;
}

export function setPreference(part: Partial<Preferences>): void {
  kept = { ...read(), ...part };
  localStorage.setItem(KEY, JSON.stringify(kept));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  // The popup is another page of the same origin.
  const elsewhere = ({ key }: StorageEvent) => {
    if (key !== KEY) return;
    kept = null;
    listener();
  };
  listeners.add(listener);
  addEventListener('storage', elsewhere);
  return () => {
    listeners.delete(listener);
    removeEventListener('storage', elsewhere);
  };
}

export const usePreferences = (): Preferences => useSyncExternalStore(subscribe, read);
