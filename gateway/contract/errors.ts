/**
 * An outcome that breaks an operation and has to be told to somebody.
 * `code` is stable (SCREAMING_SNAKE), `message` says what to do, `cause` keeps the origin.
 * The message never contains a secret: it is shown to the agent, logged and recorded.
 */
export class CountersignError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'CountersignError';
    this.code = code;
  }
}

export function isCountersignError(error: unknown, code?: string): error is CountersignError {
  return error instanceof CountersignError && (code === undefined || error.code === code);
}

/** Exhaustiveness check for discriminated unions. */
export function assertNever(value: never): never {
  throw new CountersignError('UNREACHABLE', `unexpected value ${JSON.stringify(value)}`);
}
