import { rmSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Alert } from '../contract/alert.ts';
import * as reader from '../recording/reader.ts';
import { createRecorder } from '../recording/recorder.ts';
import { allFolders, sessionId, sessionInfo, statement, temporaryFolder } from '../recording/test-support.ts';
import { openAlertBook } from './book.ts';
import { alertsOf } from './replay.ts';
import { tapRecorder } from './tap.ts';
import { destructive, happened, rulesOf } from './test-alerts.ts';
import { type AlertWatch, createAlertWatch } from './watch.ts';

const root = temporaryFolder('alert-watch');
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('the watch', () => {
  it('drops what comes too fast, counts it, and says so', async () => {
    const problems: string[] = [];
    const alerts: Alert[] = [];
    const watch = createAlertWatch({
      rules: rulesOf({ quietMinutes: 0 }),
      book: openAlertBook(':memory:'),
      onAlert: (alert) => alerts.push(alert),
      onProblem: (sentence) => problems.push(sentence),
      maxWaiting: 1000,
    });
    for (let i = 0; i < 1500; i += 1) watch.happened(happened(i));
    expect(alerts).toEqual([]);
    await expect.poll(() => alerts.length).toBe(1000);
    expect(watch.missed).toBe(500);
    expect(problems).toEqual(['500 statements came too fast for the alert rules, and were not looked at']);
    watch.happened(happened(9999));
    watch.close();
    expect(alerts).toHaveLength(1001);
  });

  it('says the same of a recording as it said while it was made', async () => {
    const dir = `${root}/recordings`;
    let now = Date.parse('2026-03-04T05:06:07.000Z');
    const rules = rulesOf(
      { when: "event.class == 'destructive' && event.denied", count: { over: 3, minutes: 10, by: ['person'] } },
      { when: 'true', first: { of: 'object', by: ['agent'] } },
      { when: 'event.rows > 90 && event.maskedValues > 0', quietMinutes: 2 },
      { when: "'output-tagged' in event.flags && event.error == ''", quietMinutes: 0 },
      { when: "event.kind == 'session-opened'" },
    );
    const live: Alert[] = [];
    const book = openAlertBook(':memory:');
    const onProblem = (sentence: string) => expect.fail(sentence);
    const watch: AlertWatch = createAlertWatch({ rules, book, onAlert: (alert) => live.push(alert), onProblem });
    const recorder = createRecorder({ dir, clock: { now: () => now } });
    const tapped = tapRecorder(recorder, {
      opened: (session) =>
        watch.happened({
          kind: 'session-opened',
          at: Date.parse(session.openedAt) * 1000,
          session,
          exchange: null,
          statement: null,
        }),
      statement: (session, { exchange, startedAt }, summary) =>
        watch.happened({
          kind: 'statement',
          at: startedAt + summary.heldMs * 1000,
          session,
          exchange,
          statement: summary,
        }),
      event: () => {},
      closed: () => {},
    });
    const sessions = [1, 2, 3].map((n) => {
      now += 1000;
      return tapped.open({ ...sessionInfo(sessionId(n)), openedAt: new Date(now).toISOString() });
    });
    for (let i = 0; i < 400; i += 1) {
      now += 7_001;
      const session = sessions[(i * 7) % 3]!;
      const table = `public.t${i % 17}`;
      session.request(i, Buffer.from(`q${i}`));
      now += 13;
      const bad = i % 11 === 0;
      const read = { fingerprint: `f${i % 17}`, objects: [table], flags: i % 5 === 0 ? ['output-tagged'] : [] };
      session.statement(
        i,
        statement({
          ...read,
          rows: i % 100,
          masked: i % 3 === 0 ? { EMAIL_ADDRESS: i } : null,
          ...(bad ? { ...destructive, heldMs: i % 2 === 0 ? 2000 : 0 } : {}),
          error: i % 55 === 0 ? '42501' : null,
        }),
      );
      session.response(i, Buffer.from(`r${i}`));
      session.end(i);
    }
    for (const session of sessions) await session.close('done');
    await tapped.close();
    watch.close();
    const again: Alert[] = [];
    for await (const alert of alertsOf(rules, reader, await allFolders(dir), onProblem)) again.push(alert);
    const kinds = new Set(live.map(({ rule }) => rule.id));
    expect([...kinds].sort()).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
    expect(again).toEqual(live);
  });
});
