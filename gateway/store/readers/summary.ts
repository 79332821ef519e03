import type { Statement } from '../../contract/session.ts';
import type { DaySummary } from '../../contract/summary.ts';
import type { Db } from '../migrations/migration.ts';
import { OF_SUBJECT } from '../query.ts';
import type { SharedFacts } from '../rows.ts';

/** A statement's id is the microsecond it began at, so these are the latest: about 50 ms of reading. */
const LOOKED_AT = 200_000;

const KEYS: Readonly<Record<Statement['verdict'], keyof DaySummary['verdicts']>> = {
  allowed: 'allowed',
  'asked-approved': 'approved',
  'asked-denied': 'deniedByPerson',
  'asked-expired': 'expired',
  denied: 'deniedByPolicy',
  observed: 'observed',
};

interface Group {
  facts: string;
  n: number;
  errors: number;
  masked: number;
}

/** @param since ISO 8601. @param subject whose alone; absent: everybody's. */
export function summarise(db: Db, since: string, subject: string | null = null): DaySummary {
  const verdicts = { allowed: 0, approved: 0, deniedByPerson: 0, expired: 0, deniedByPolicy: 0, observed: 0 };
  const groups = db
    .prepare<unknown[], Group>(
      `SELECT f.value AS facts, count(*) AS n, count(s.sqlstate) AS errors, count(s.masked) AS masked
       FROM (SELECT facts, sqlstate, masked FROM statements WHERE id >= ? AND ${OF_SUBJECT('session')} ORDER BY id DESC LIMIT ?) s
       JOIN strings f ON f.id = s.facts GROUP BY s.facts`,
    )
    .all(BigInt(Date.parse(since)) * 1000n, subject, subject, LOOKED_AT);
  const summary = { verdicts, operations: 0, errors: 0, masked: 0 };
  for (const { facts, n, errors, masked } of groups) {
    verdicts[KEYS[(JSON.parse(facts) as SharedFacts).verdict]] += n;
    summary.operations += n;
    summary.errors += errors;
    summary.masked += masked;
  }
  const sessions = db
    .prepare(`SELECT count(*) FROM sessions WHERE opened_at >= ? AND ${OF_SUBJECT('seq')}`)
    .pluck()
    .get(new Date(since).toISOString(), subject, subject) as number;
  return { ...summary, sessions, more: summary.operations >= LOOKED_AT };
}
