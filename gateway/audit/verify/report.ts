import type { Gap, Silence } from './log-story.ts';

export interface AuditCheck {
  name: string;
  status: 'ok' | 'failed' | 'not-checked';
  sentence: string;
}

export interface SessionReport {
  sid: string;
  device: string;
  /** Which session of the device it is by its log, from 1; null where the log does not name it. */
  ordinal: number | null;
  /** missing: the log names it and none of its objects came. */
  state: 'open' | 'closed' | 'incomplete' | 'missing' | 'kept-local' | 'removed' | 'unreadable';
  ok: boolean;
  checks: AuditCheck[];
  /** Exchanges that are damaged, [first, last]; the rest can be viewed. */
  brokenExchanges: [number, number][];
}

export interface DeviceReport {
  device: string;
  name: string | null;
  account: string | null;
  /** Entries of its log that are here, and the size of the newest head that counts. */
  entries: number;
  head: number | null;
  ok: boolean;
  checks: AuditCheck[];
  gaps: Gap[];
  silences: Silence[];
  sessions: SessionReport[];
}

export interface AuditReport {
  org: string;
  root: string;
  at: string;
  ok: boolean;
  /** Of the trust notes and of what was imported as a whole. */
  checks: AuditCheck[];
  devices: DeviceReport[];
  counts: { devices: number; sessions: number; verified: number; failed: number; missing: number };
}

export const MAX_TOLD = 5;

/** One check over a list of what is wrong: the first few are told. */
export function checkOf(name: string, problems: readonly string[], fine: string): AuditCheck {
  if (problems.length === 0) return { name, status: 'ok', sentence: fine };
  const more = problems.length > MAX_TOLD ? `; and ${problems.length - MAX_TOLD} more` : '';
  return { name, status: 'failed', sentence: sentenceOf(`${problems.slice(0, MAX_TOLD).join('; ')}${more}`) };
}

/** As a sentence: a capital letter and one full stop. */
export function sentenceOf(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

export const holds = (checks: readonly AuditCheck[]): boolean => checks.every(({ status }) => status !== 'failed');

export const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
