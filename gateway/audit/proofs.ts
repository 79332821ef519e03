import * as fs from 'node:fs';
import { parseProof } from '../evidence/format/tlog-proof.ts';
import { FormatError } from '../recording/format/primitives.ts';

/** Where what a bundle brought of a session lies among what was kept: no object of a store has such a name. */
export const proofName = (org: string, device: string, sid: string, file: string): string =>
  `${org}/${device}/proofs/${sid}/${file}`;

const ORIGIN = /^countersign\/device\/([0-9A-HJKMNP-TV-Z]{26})$/;

/** The device that a proof says it is of; null when there is no readable one. Nothing is verified. */
export function deviceOfProof(file: string): string | null {
  if (!fs.existsSync(file)) return null;
  try {
    return ORIGIN.exec(parseProof(fs.readFileSync(file)).checkpoint.origin)?.[1] ?? null;
  } catch (error) {
    if (error instanceof FormatError) return null;
    throw error;
  }
}
