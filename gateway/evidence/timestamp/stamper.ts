import { createHash } from 'node:crypto';
import { isCountersignError } from '../../contract/errors.ts';
import type { LogCheckpoint } from '../device/ports.ts';
import { checkpointBytes, parseCheckpoint } from '../format/checkpoint.ts';
import type { TsaEntry } from '../format/documents.ts';
import { requestToken } from './request.ts';
import type { SendQuery } from './send.ts';

export interface StamperOptions {
  /** As the newest trust note has them; those that count now are asked. */
  tsas(): readonly TsaEntry[];
  send: SendQuery;
  random(bytes: number): Uint8Array;
  now(): number;
  onProblem(sentence: string): void;
}

/** Later checkpoints cover earlier ones, so a time now and then is enough, and a TSA serves many laptops. */
const EVERY_MS = 5 * 60 * 1000;

/**
 * Has checkpoints of the device's log stamped by the organisation's TSAs. One that cannot or will not is
 * told of, and holds up nothing.
 *
 * @returns for each one that did, its answer, and what its object's name ends with.
 */
export function createStamper(
  options: StamperOptions,
): (checkpoint: LogCheckpoint) => Promise<{ suffix: string; bytes: Uint8Array }[]> {
  const { now } = options;
  const lastAsked = new Map<string, number>();
  return async ({ note }) => {
    const digest = createHash('sha256')
      .update(checkpointBytes(parseCheckpoint(note)))
      .digest();
    const asked = options.tsas().map(async (tsa, i) => {
      const since = now() - (lastAsked.get(tsa.url) ?? Number.NEGATIVE_INFINITY);
      if (!counts(tsa, now()) || (since >= 0 && since < EVERY_MS)) return [];
      try {
        const bytes = await requestToken(digest, tsa, options.send, options.random, new AbortController().signal);
        lastAsked.set(tsa.url, now());
        return [{ suffix: `${i + 1}.tsr`, bytes }];
      } catch (error) {
        if (!isCountersignError(error)) throw error;
        options.onProblem(`${tsa.name} did not stamp the device's log: ${error.message}`);
        return [];
      }
    });
    return (await Promise.all(asked)).flat();
  };
}

function counts({ from, until, revoked }: TsaEntry, now: number): boolean {
  return revoked === null && now >= Date.parse(from) && now < Date.parse(until);
}
