import type { ReportFinding } from './data.ts';

/** Of one severity, in the order of a report. */
export const NOTES: readonly { key: string; severity: ReportFinding['severity']; title: string; sentence: string }[] = [
  {
    key: 'unverified',
    severity: 'high',
    title: 'Sessions that do not verify',
    sentence:
      'A signature, hash or file of these recordings is not as it was signed. What they say must not be relied on; the sections below name each check that failed.',
  },
  {
    key: 'observed',
    severity: 'high',
    title: 'Statements that policy would have stopped',
    sentence:
      'The connection was in observe mode: these statements would have been denied or asked, and were forwarded.',
  },
  {
    key: 'severe-unasked',
    severity: 'medium',
    title: 'Destructive or privileged statements that policy allowed without asking',
    sentence:
      'Statements that destroy data, raise privileges, execute code or could not be understood ran without a person’s decision.',
  },
  {
    key: 'severe-approved',
    severity: 'info',
    title: 'Destructive or privileged statements that a person approved',
    sentence: 'Each was held until a person approved exactly this statement.',
  },
  {
    key: 'denied',
    severity: 'low',
    title: 'Statements that policy denied',
    sentence: 'They did not reach the database.',
  },
  {
    key: 'refused',
    severity: 'low',
    title: 'Statements that a person refused',
    sentence: 'They were held for a decision and denied; they did not reach the database.',
  },
  {
    key: 'expired',
    severity: 'low',
    title: 'Statements that nobody decided',
    sentence: 'They were held until their time ran out and then denied.',
  },
  {
    key: 'incomplete',
    severity: 'medium',
    title: 'Sessions that were not closed in order',
    sentence:
      'The gateway ended before it could close them. What it had recorded is there; the last moments rest on the device’s word.',
  },
  {
    key: 'open',
    severity: 'low',
    title: 'Sessions that were open',
    sentence: 'They had not ended when this report was made; what came later is not in it.',
  },
  {
    key: 'observe',
    severity: 'medium',
    title: 'Sessions in observe mode',
    sentence: 'Policy was evaluated and recorded, not enforced.',
  },
  {
    key: 'unprotected',
    severity: 'medium',
    title: 'Sessions in unprotected mode',
    sentence:
      'The gateway ran under the developer’s own account: a hostile program of the same account could have reached its keys and recordings.',
  },
  {
    key: 'unmasked',
    severity: 'low',
    title: 'Sessions without masking',
    sentence: 'Results reached the agent as the database sent them.',
  },
  {
    key: 'claimed',
    severity: 'low',
    title: 'Sessions of an identity that was not proven',
    sentence: 'The person is the one that the operating system named, without a sign-in.',
  },
  {
    key: 'redacted',
    severity: 'info',
    title: 'Sessions of which parts were taken out',
    sentence: 'Their hashes remain, so the rest verifies; what the parts held cannot be said.',
  },
];
