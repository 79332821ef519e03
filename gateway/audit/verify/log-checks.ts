import type { Trust } from '../../evidence/trust/verify-trust.ts';
import { type FoundHead, headOver } from './checkpoints.ts';
import type { ReadLog } from './log-reader.ts';
import type { LogStory } from './log-story.ts';
import { type AuditCheck, checkOf, plural } from './report.ts';

export function coverageCheck(read: ReadLog, covered: number): AuditCheck {
  const name = 'log coverage';
  if (read.size === 0) {
    return {
      name,
      status: 'not-checked',
      sentence: 'Only single entries of the log came with bundles, so which sessions are missing cannot be said.',
    };
  }
  if (covered >= read.size) return { name, status: 'ok', sentence: 'The newest head that counts covers every entry.' };
  const sentence = `${plural(read.size - covered, 'entry').replace('entrys', 'entries')} at the end of the log ${covered === 0 ? 'are under no head that counts' : `come after the newest head that counts (${covered})`}.`;
  return { name, status: 'failed', sentence };
}

export function witnessCheck(heads: readonly FoundHead[], trust: Trust): AuditCheck {
  const name = 'witnesses';
  const quorum = trust.note?.quorum ?? 0;
  const problems = heads.flatMap(({ witnessed }) => witnessed.problems);
  if (problems.length > 0) return checkOf(name, problems, '');
  const newest = heads.findLast(({ witnessed }) => witnessed.by.length > 0 && witnessed.enough);
  if (newest === undefined) {
    const sentence =
      quorum === 0
        ? 'The trust note asks for no witness, so that the device shows everybody one history rests on what was seen here before.'
        : `The trust note asks for ${plural(quorum, 'witness').replace('witnesss', 'witnesses')}, and no head has as many cosignatures that count.`;
    return { name, status: quorum === 0 ? 'not-checked' : 'failed', sentence };
  }
  const { size } = newest.checkpoint;
  const who = newest.witnessed.by.map(({ name: by, at }) => `${by} (${at})`).join(', ');
  const after = (heads.at(-1)?.checkpoint.size ?? size) - size;
  const rest = after === 0 ? '' : ` ${after} entries after it have no witness yet.`;
  return { name, status: 'ok', sentence: `The log's first ${size} entries were witnessed by ${who}.${rest}` };
}

export function stampCheck(heads: readonly FoundHead[]): AuditCheck[] {
  const stamps = heads.flatMap((head) => head.stamps);
  if (stamps.length === 0) return [];
  const wrong = stamps.filter(({ ok }) => !ok).map(({ sentence }) => sentence.replace(/\.$/, ''));
  return [checkOf('time stamps', wrong, `${plural(stamps.length, 'time stamp')} of a trusted authority hold.`)];
}

const CLOCK_SLACK_MS = 10 * 60_000;

/** The device's clock proves nothing; but nothing existed later than when somebody else saw it. */
export function timesCheck(story: LogStory, heads: readonly FoundHead[]): AuditCheck {
  const name = 'times';
  const last = heads.findLast(({ evidence }) => evidence !== null);
  if (last === undefined || story.last === null) {
    return { name, status: 'not-checked', sentence: 'Nobody but the device says when its entries were made.' };
  }
  const ahead = story.times.find(({ index, at }) => {
    const evidence = headOver(heads, index)?.evidence ?? null;
    return evidence !== null && at - Date.parse(evidence) > CLOCK_SLACK_MS;
  });
  if (ahead !== undefined) {
    const sentence = `Entry ${ahead.index} gives ${new Date(ahead.at).toISOString()} as its time, and was seen before that: the device's clock was wrong.`;
    return { name, status: 'failed', sentence };
  }
  return {
    name,
    status: 'ok',
    sentence: `The first ${last.checkpoint.size} entries existed by ${last.evidence}; when before that is the device's word.`,
  };
}
