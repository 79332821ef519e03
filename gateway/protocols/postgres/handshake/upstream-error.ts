import { CountersignError } from '../../../contract/errors.ts';
import type { ErrorField } from '../codec/backend.ts';
import { summarizeError } from '../codec/backend.ts';

/** The target refused: its own words, with its SQLSTATE. Code PG_UPSTREAM_REFUSED. */
export class UpstreamRefusal extends CountersignError {
  readonly sqlstate: string;
  /** As the server sent them. */
  readonly fields: readonly ErrorField[];
  constructor(fields: readonly ErrorField[]) {
    const { sqlstate, message } = summarizeError(fields);
    super('PG_UPSTREAM_REFUSED', `the server answered: ${message.slice(0, 2000)} (SQLSTATE ${sqlstate})`);
    this.name = 'UpstreamRefusal';
    this.sqlstate = sqlstate;
    this.fields = fields;
  }
}
