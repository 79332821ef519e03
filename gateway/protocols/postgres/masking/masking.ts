import type { Connection } from '../../../contract/connection.ts';
import { createMaskActions } from '../../../masking/actions.ts';
import { createScanner, type Scanner } from '../../../masking/detectors/scanner.ts';
import type { Masking } from '../ports.ts';
import { createCopyMasker } from './copy-masker.ts';
import { createErrorText } from './error-text.ts';
import { planCopy, planResult } from './plan.ts';
import { createRowMasker } from './row-masker.ts';
import { createTokens, type TokenOptions } from './tokens/tokens.ts';
import { ValueMasker } from './value-masker.ts';

/** Where tokens are good for, and what they need beside the connection. */
export type TokenScope = Omit<TokenOptions, 'tags' | 'key'>;

/**
 * Masking for the sessions of one connection.
 * @param key the connection's salt, 32 bytes: hashes and stand-ins depend on it, and equal values stay equal under it.
 * @param sending null: nobody sends tokens back, so none are shown.
 */
export function createMasking(connection: Connection, key: Uint8Array, sending: TokenScope | null = null): Masking {
  const on = connection.masking === 'on';
  const actions = createMaskActions(key);
  const { enabled, entities, scoreThreshold } = connection.detectors;
  const names = Object.keys(entities) as (keyof typeof entities)[];
  const scanner: Scanner | null = on && enabled && names.length > 0 ? createScanner(names, scoreThreshold) : null;
  const values = () => new ValueMasker(actions, scanner, entities);
  const tokens =
    on && sending !== null && connection.columns.some(({ action }) => action === 'token')
      ? createTokens({ ...sending, tags: connection.columns, key })
      : null;
  return {
    tokens,
    forResult(fields, taint, catalog) {
      const plan = on ? planResult(fields, taint, catalog, scanner !== null, tokens?.of ?? null) : null;
      return plan === null ? null : createRowMasker(plan, values());
    },
    forCopyOut(shape, taint) {
      if (!on) return null;
      const plan = planCopy(shape, taint);
      return scanner === null && !plan.some ? null : createCopyMasker(shape, plan, values());
    },
    text: on ? createErrorText(scanner, values) : (text) => ({ text, counts: {} }),
  };
}
