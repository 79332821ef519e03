import type { CommandPreview } from '../../../../contract/preview.ts';
import type { Wish } from '../wish.ts';
import {
  type Look,
  lookAtFind,
  lookAtMention,
  lookAtMode,
  lookAtRemoval,
  lookAtTransfer,
  lookAtWrite,
} from './files.ts';
import { lookAtGit } from './git-look.ts';
import { LIMITS } from './limits.ts';
import { isSpent } from './paths.ts';
import { forecastOf, Losses, part } from './report.ts';
import { Tracking } from './tracked.ts';

export interface Looked {
  preview: CommandPreview;
  losses: Losses;
  /** Files to keep a copy of before they are gone, and those that Git has. */
  keep: string[];
  git: string[];
}

const MAX_PARTS = 39;

/**
 * Looks at what a command would touch, and changes nothing: the command is not run, nor any program of the
 * repository. Never rejects. @param told called with what is known by then.
 */
export async function lookAt(
  wishes: readonly Wish[],
  signal: AbortSignal,
  told: (preview: CommandPreview) => void = () => {},
  milliseconds: number = LIMITS.milliseconds,
): Promise<Looked> {
  const budget = { entries: LIMITS.entries, until: performance.now() + milliseconds, signal };
  const look: Look = { budget, losses: new Losses(), tracking: new Tracking(budget) };
  const preview: CommandPreview = { kind: 'command', state: 'loading', parts: [], undo: null };
  for (const wish of wishes) {
    try {
      const parts = await lookAtOne(wish, look);
      // What Git did not say in time is not there for that reason alone.
      const late = wish.kind === 'git' && isSpent(budget);
      preview.parts.push(
        ...(late ? [part('unknown', `What git ${wish.command} would touch was not found in time`)] : parts),
      );
    } catch {
      preview.parts.push(part('unknown', `What is there for ${wish.kind} could not be looked at`));
    }
    preview.parts.splice(MAX_PARTS);
    told({ ...preview, parts: [...preview.parts] });
  }
  if (isSpent(budget))
    preview.parts.push(part('unknown', 'There is more than could be looked at in the time and size given'));
  if (preview.parts.some(({ tone }) => tone === 'unknown') || isSpent(budget))
    look.losses.cannot('what is known only when it runs');
  const { undo, keep, git } = forecastOf(look.losses);
  return { preview: { ...preview, state: 'done', undo }, losses: look.losses, keep, git };
}

async function lookAtOne(wish: Wish, look: Look) {
  switch (wish.kind) {
    case 'remove':
      return lookAtRemoval(wish, look);
    case 'find':
      return lookAtFind(wish, look);
    case 'write':
      return lookAtWrite(wish, look);
    case 'transfer':
      return lookAtTransfer(wish, look);
    case 'mode':
      return lookAtMode(wish, look);
    case 'git':
      return lookAtGit(wish, look);
    case 'mention':
      return lookAtMention(wish, look);
    case 'unknown':
      return [part('unknown', wish.sentence)];
  }
}
