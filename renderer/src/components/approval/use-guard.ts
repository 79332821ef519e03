import { useEffect, useRef, useState } from 'react';
import { usePreferences } from '../../preferences.ts';

/** A card takes neither keys nor clicks that were meant for what was there before it. */
export function useGuard(): boolean {
  const [ready, setReady] = useState(false);
  const { guardMs } = usePreferences();
  useEffect(() => {
    const timer = setTimeout(() => setReady(true), guardMs);
    return () => clearTimeout(timer);
  }, [guardMs]);
  return ready;
}

interface Actions {
  approve(): void;
  deny(): void;
}

/**
 * Ctrl/⌘+Enter approves, Ctrl/⌘+Backspace denies; a held key counts once. Listens before everything
 * else, so that no focused button takes the same key for itself.
 */
export function useDecisionKeys(ready: boolean, actions: Actions, hasMod: (event: KeyboardEvent) => boolean): void {
  const current = useRef({ ready, actions });
  useEffect(() => {
    current.current = { ready, actions };
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!hasMod(event) || event.shiftKey || event.altKey) return;
      if (event.key !== 'Enter' && event.key !== 'Backspace') return;
      const field = event.target;
      const hasText = (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) && field.value !== '';
      // In a field with text in it, Ctrl+Backspace deletes a word.
      if (event.key === 'Backspace' && hasText) return;
      event.preventDefault();
      event.stopPropagation();
      if (event.repeat || !current.current.ready) return;
      if (event.key === 'Enter') current.current.actions.approve();
      else current.current.actions.deny();
    };
    document.addEventListener('keydown', onKey, { capture: true });
    return () => document.removeEventListener('keydown', onKey, { capture: true });
  }, [hasMod]);
}
