import { visibleText } from '../../cli/visible-text.ts';
import type { ReportData, ReportFigure, ReportReference, ReportStatement } from './data.ts';

/** Words that HTML and PDF share. */

/** Text from outside on one line: nothing of it is hidden or reorders what stands beside it. */
export const shown = (text: string): string =>
  visibleText(text.replaceAll(/\r\n?|\u2028|\u2029/g, '\n'))
    .replaceAll(/\s*\n\s*/g, ' ⏎ ')
    .replaceAll('\t', ' ');

/** "2026-01-02 03:04:05 UTC" */
export const time = (iso: string): string => `${iso.slice(0, 19).replace('T', ' ')} UTC`;

export const number = (value: number): string => value.toLocaleString('en-US').replaceAll(',', '\u202f');

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let scaled = value;
  let unit = 0;
  while (scaled >= 1000 && unit < units.length - 1) {
    scaled /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? scaled : scaled.toFixed(1)} ${units[unit]}`;
}

export const figureValue = ({ value, unit }: ReportFigure): string => (unit === 'bytes' ? bytes(value) : number(value));

const VERDICTS: Readonly<Record<ReportStatement['verdict'], string>> = {
  allowed: 'allowed',
  'asked-approved': 'asked, approved',
  'asked-denied': 'asked, refused',
  'asked-expired': 'asked, nobody answered',
  denied: 'denied',
  observed: 'observed only',
};

export const verdict = (statement: Pick<ReportStatement, 'verdict' | 'decidedBy'>): string =>
  `${VERDICTS[statement.verdict]}${statement.decidedBy === null ? '' : ` by ${statement.decidedBy}`}`;

export const referenceText = ({ session, seq, statement }: ReportReference): string =>
  `${session}${seq === null ? '' : `, event ${seq}`}${statement === null ? '' : ` (#${statement})`}`;

/** The last characters tell sessions apart; the first are the time. */
export const shortId = (id: string): string => (id.length > 12 ? `…${id.slice(-8)}` : id);

export const anchorOfSession = (id: string): string => `session-${id.replaceAll(/[^\w-]/g, '_')}`;
export const anchorOfStatement = (session: string, index: number): string => `${anchorOfSession(session)}-${index}`;

/** Where a reference leads: the statement where it is listed, else its session. */
export function anchors(data: ReportData): (reference: ReportReference) => string | null {
  const statements = new Set(data.statements.map(({ session, index }) => anchorOfStatement(session, index)));
  const sessions = new Set(data.sessions.map(({ id }) => id));
  return ({ session, statement }) => {
    const exact = statement === null ? '' : anchorOfStatement(session, statement);
    if (statements.has(exact)) return exact;
    return sessions.has(session) ? anchorOfSession(session) : null;
  };
}

export const COMPLETENESS = { complete: 'Complete', incomplete: 'Incomplete', 'not-checked': 'Not checked' } as const;

export function groups(figures: readonly ReportFigure[]): [name: string, figures: ReportFigure[]][] {
  const out = new Map<string, ReportFigure[]>();
  for (const figure of figures) out.set(figure.group, [...(out.get(figure.group) ?? []), figure]);
  return [...out];
}
