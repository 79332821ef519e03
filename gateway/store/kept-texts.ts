import type { DerivedStatement } from '../pipeline/derive.ts';

/** What an index keeps of one text or of one statement's parameters; the recording has all of it. */
const MAX_TEXT = 64 * 1024;
const MAX_PARAMETER = 4 * 1024;
const MAX_PARAMETERS = 64 * 1024;
/** Year 2112; a later time is forged, and ids stay whole numbers in JavaScript. */
const MAX_TIME_US = 2 ** 52;

export interface KeptStatement {
  startedUs: number;
  text: string;
  /** JSON. */
  parameters: string | null;
  message: string | null;
}

export function keptOf({ startedUs, text, parameters, error }: DerivedStatement): KeptStatement {
  return {
    startedUs: Math.min(Math.max(0, startedUs), MAX_TIME_US),
    text: cut(text, MAX_TEXT),
    parameters: parameters.length === 0 ? null : keptParameters(parameters),
    message: error === null ? null : cut(error.message, MAX_PARAMETER),
  };
}

function cut(text: string, limit: number): string {
  return text.length <= limit
    ? text
    : `${text.slice(0, limit)}… (${text.length - limit} more characters in the recording)`;
}

function keptParameters(parameters: readonly (string | null)[]): string {
  const kept: (string | null)[] = [];
  let left = MAX_PARAMETERS;
  for (const value of parameters) {
    if (left <= 0) {
      kept.push(`… (${parameters.length - kept.length} more parameters in the recording)`);
      break;
    }
    const shown = value === null ? null : cut(value, Math.min(MAX_PARAMETER, left));
    left -= shown?.length ?? 0;
    left -= 4;
    kept.push(shown);
  }
  return JSON.stringify(kept);
}
