import { z } from 'zod';
import { readFileIfThere, writeFileAtomic } from '../config/atomic-file.ts';
import { Grant } from '../contract/decision.ts';
import type { Clock } from '../pipeline/ports.ts';

/** Standing grants, kept while the gateway is not there. */
export interface GrantFile {
  read(): Grant[];
  write(grants: readonly Grant[]): void;
}

export interface GrantFileDeps {
  file: string;
  clock: Clock;
  /** Of the policy in force: leave that was given under another one is gone. */
  policyHash: string;
  onProblem(sentence: string): void;
}

/** What ends while the gateway starts is not taken up: its end could be told to nobody yet. */
const LEAST_MS = 60_000;

const Stored = z.array(Grant).max(1000);

/** What cannot be read or written is not granted after the next start: less leave, never more. */
export function createGrantFile({ file, clock, policyHash, onProblem }: GrantFileDeps): GrantFile {
  return {
    read() {
      try {
        const text = readFileIfThere(file);
        const stored = text === null ? [] : Stored.parse(JSON.parse(text));
        const soon = clock.now() + LEAST_MS;
        return stored.filter(
          (grant) =>
            grant.standing &&
            grant.endedAt === null &&
            grant.policyHash === policyHash &&
            Date.parse(grant.expiresAt) > soon,
        );
      } catch {
        onProblem(`${file} cannot be read, so grants of earlier are gone: what they covered is asked again`);
        return [];
      }
    },
    write(grants) {
      try {
        writeFileAtomic(file, `${JSON.stringify(grants)}\n`);
      } catch (error) {
        onProblem(`${file} could not be written, so it does not say which grants are in force: ${String(error)}`);
      }
    },
  };
}
