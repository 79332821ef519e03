import { expect, test } from 'vitest';
import type { TerminalEvent } from '../contract/terminal.ts';
import type { RecordedSession } from '../recording/recorded.ts';
import { type TerminalRecordings, terminalPart } from './terminal-part.ts';

const OPENED = Date.UTC(2026, 10, 1);
const START = OPENED * 1000;

/** 300 pieces of 4 KiB, a second apart, and a window that changes with each tenth of them. */
function recordings(kind = 'terminal'): TerminalRecordings {
  return {
    findSession: async (_dir, id) => (id === 'S1' ? 'folder' : null),
    readSession: async () =>
      ({ info: { connection: { kind }, openedAt: new Date(OPENED).toISOString() } }) as unknown as RecordedSession,
    async *events() {
      yield { seq: 0, at: START, type: 'command', detail: { terminal: { cols: 80, rows: 24, type: 'xterm' } } };
      for (let i = 0; i < 30; i++) {
        // Two of the same moment, at that of a piece.
        yield { seq: 2 * i + 1, at: START + i * 10e6, type: 'resize', detail: { cols: 100 + i, rows: 30 } };
        yield { seq: 2 * i + 2, at: START + i * 10e6, type: 'input-hidden', detail: {} };
      }
    },
    async *pieces(_folder, { fromUnit = 0 } = {}) {
      for (let unit = fromUnit; unit < 300; unit++) {
        const bytes = unit === 7 ? null : new Uint8Array(4096).fill(unit % 256);
        yield { unit, at: START + unit * 1e6, exchange: unit % 5 === 4 ? 1 : 0, direction: 'down', bytes };
      }
    },
  };
}

test('parts make the whole, each thing once and in order', async () => {
  const events: TerminalEvent[] = [];
  let from = { unit: 0, at: Number.NEGATIVE_INFINITY };
  let parts = 0;
  for (;;) {
    const part = await terminalPart(recordings(), '', 'S1', from);
    expect(part.size).toEqual({ cols: 80, rows: 24 });
    events.push(...part.events);
    parts += 1;
    if (part.next === null) break;
    from = part.next;
  }
  expect(parts).toBeGreaterThan(3);
  const of = (kind: string) => events.filter((event) => event.kind === kind);
  expect(of('resize').map((event) => event.kind === 'resize' && event.cols)).toEqual(
    Array.from({ length: 30 }, (_, i) => 100 + i),
  );
  expect(of('note')).toHaveLength(31);
  expect(of('gap')).toHaveLength(1);
  expect(of('output').length + of('errors').length).toBe(299);
  expect(of('errors')).toHaveLength(60);
  expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted((a, b) => a - b));
});

test('sessions that are none, or not there, are refused in words', async () => {
  const from = { unit: 0, at: 0 };
  await expect(terminalPart(recordings('postgres'), '', 'S1', from)).rejects.toMatchObject({
    code: 'SESSION_NO_TERMINAL',
  });
  await expect(terminalPart(recordings(), '', 'S2', from)).rejects.toMatchObject({ code: 'SESSION_UNKNOWN' });
});
