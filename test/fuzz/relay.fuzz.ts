import fc from 'fast-check';
import { expect, it } from 'vitest';
import { writeQuery } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { failing } from '../../gateway/protocols/postgres/relay/denial.ts';
import { harness, join, server, settled } from '../../gateway/protocols/postgres/relay/relay.fixture.ts';
import { cuts, wild } from './support/pipelines.ts';
import { holds, PATIENCE } from './support/runs.ts';

/** The relay alone, between a client and a server that both send what they like, in any order and cut anywhere. */
const answers = fc.constantFrom(
  server.ready(),
  server.ready('transaction'),
  server.ready('failed'),
  server.complete('SELECT 1'),
  server.row('1'),
  server.columns('a'),
  server.error('42601'),
  server.parsed(),
  server.bound(),
  server.closed(),
  server.noData(),
  server.copyIn(),
);
const spoken = fc.oneof({ weight: 30, arbitrary: answers }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) });

/** Messages that stand for denied ones, and the relay's own Describe. */
const OURS = new Set([failing.query, failing.execute, failing.functionCall].map(latin1));

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** Whole messages, and what is left. */
function messages(bytes: Uint8Array): { whole: string[]; rest: string } {
  const all = Buffer.from(bytes);
  const whole: string[] = [];
  let at = 0;
  while (all.length - at >= 5 && all.length - at > all.readUInt32BE(at + 1)) {
    const end = at + 1 + all.readUInt32BE(at + 1);
    whole.push(all.toString('latin1', at, end));
    at = end;
  }
  return { whole, rest: all.toString('latin1', at) };
}

it(
  'forwards nothing unrecorded or undecided, and ends every exchange once',
  async () => {
    const denied = fc
      .constantFrom('UPDATE t SET a = 1', 'DROP x')
      .map((text) => ({ says: text, bytes: writeQuery(text) }));
    await holds(
      400,
      fc.asyncProperty(
        wild,
        fc.array(denied, { maxLength: 3 }),
        fc.array(spoken, { maxLength: 30 }),
        cuts,
        fc.array(fc.nat(2), { minLength: 1, maxLength: 60 }),
        async (steps, more, said, cut, turns) => {
          const h = harness();
          const up = join(...[...steps, ...more].map((step) => step.bytes));
          const down = [...said];
          const size = Math.max(1, Math.ceil(up.length / (cut + 1)));
          let at = 0;
          for (let i = 0; at < up.length || down.length > 0; i++) {
            const turn = turns[i % turns.length];
            if (turn !== 0 && at < up.length) {
              h.relay.clientData(up.slice(at, at + size));
              at += size;
            } else if (down.length > 0) h.relay.serverData(down.shift()!);
            else at = up.length;
            if (turn === 2) {
              for (const one of h.held) one.settle('denied');
              await settled();
            }
          }
          h.relay.clientEnded();
          await settled();
          h.relay.serverEnded();
          await settled();
          const says = `${[...steps, ...more].map((step) => step.says).join('\n')}\n--\n${h.log.join('\n')}`;

          const recorded = messages(join(...h.requested));
          const forwarded = messages(join(...h.toServer));
          let used = 0;
          for (const message of forwarded.whole) {
            const found = recorded.whole.indexOf(message, used);
            if (found >= 0) used = found + 1;
            else expect(OURS.has(message), `${JSON.stringify(message)} was not recorded\n${says}`).toBe(true);
            expect(message, says).not.toMatch(/^Q....(UPDATE|DROP)/s);
          }
          const rest = [...recorded.whole.slice(used), recorded.rest].some((message) =>
            message.startsWith(forwarded.rest),
          );
          expect(rest, says).toBe(true);
          const ends = h.log.filter((line) => line.startsWith('end ')).map((line) => Number(line.slice(4)));
          expect(ends, says).toEqual([...new Set(ends)].sort((a, b) => a - b));
          const finish = h.log.findIndex((line) => line.startsWith('finish'));
          const after = h.log.slice(finish + 1).filter((line) => line.startsWith('server>'));
          expect(finish < 0 ? [] : after, says).toEqual([]);
        },
      ),
    );
  },
  PATIENCE,
);
