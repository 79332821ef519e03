import { isCountersignError } from '../../../contract/errors.ts';
import type { LeftFile } from '../../../contract/undo.ts';
import type { HookCall } from '../events.ts';
import type { AgentDeps } from '../ports.ts';
import type { Understood } from '../understand.ts';

/** The contract's limit for one look. */
const MAX_LOOKED_AT = 400;
const MAX_TEXT = 2000;

/**
 * Keeps what an allowed action is about to remove or replace. @param promised the person was told that all of it
 * can be undone. @returns a sentence where that is not so any more: then it must not happen.
 */
export async function keepAction(
  deps: Pick<AgentDeps, 'undo' | 'clock' | 'log'>,
  { wishes, operation, harmless }: Understood,
  place: { sessionId: string; exchange: number },
  call: HookCall,
  promised: boolean,
): Promise<string | null> {
  const wanted = harmless ? [] : (wishes?.() ?? []).filter((wish) => !isIdle(wish));
  if (wanted.length === 0) return null;
  let can = 'none';
  try {
    const kept = await call.look({ wishes: wanted, how: 'keep', told: () => {} });
    if (kept !== null && kept.files.length + kept.pushes.length > 0) {
      const at = new Date(deps.clock.now()).toISOString();
      const text = operation.text.slice(0, MAX_TEXT);
      deps.undo.keep(place.sessionId, place.exchange, { at, text, kept, left: {} });
    }
    can = kept?.undo.can ?? 'none';
  } catch (error) {
    if (!isCountersignError(error)) deps.log.error({ err: error }, 'what an action removes could not be kept');
  }
  return promised && can !== 'all'
    ? 'it could be undone when it was asked, and cannot any more, so it was denied; ask for it again'
    : null;
}

const isIdle = (wish: object): boolean => 'kind' in wish && (wish.kind === 'mention' || wish.kind === 'unknown');

/** How the action left the files that were kept. */
export async function lookAfterwards(
  deps: Pick<AgentDeps, 'undo' | 'log'>,
  place: { sessionId: string; exchange: number },
  call: HookCall,
): Promise<void> {
  try {
    if (!deps.undo.has(place.sessionId, place.exchange)) return;
    const { kept } = deps.undo.get(place.sessionId, place.exchange);
    const wishes = kept.files.slice(0, MAX_LOOKED_AT).map(({ path }) => ({ path, want: 'digest' as const }));
    if (wishes.length === 0) return;
    const left: Record<string, LeftFile> = {};
    for (const { path, state, sha256 } of await call.files(wishes)) left[path] = { state, sha256 };
    deps.undo.left(place.sessionId, place.exchange, left);
  } catch (error) {
    // Undoing asks then, since it cannot tell what came later.
    if (!isCountersignError(error)) deps.log.error({ err: error }, 'how an action left its files could not be kept');
  }
}
