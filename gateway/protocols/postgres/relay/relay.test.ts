import { describe, expect, it } from 'vitest';
import { readErrorFields, summarizeError } from '../codec/backend.ts';
import { frontend } from '../codec/messages.ts';
import { writeErrorResponse, writeMessage } from '../codec/write-backend.ts';
import {
  writeBind,
  writeClose,
  writeCopyDone,
  writeDescribe,
  writeExecute,
  writeParse,
  writeQuery,
  writeSync,
  writeTerminate,
} from '../codec/write-frontend.ts';
import type { RowMasker } from '../ports.ts';
import { DENIED_PORTAL } from './denial.ts';
import { frames, harness, join, server, settled } from './relay.fixture.ts';

/** The text and code of the last ErrorResponse that the client got. */
function lastError(toClient: readonly Uint8Array[]): { sqlstate: string; message: string } | null {
  const all = join(...toClient);
  let found: { sqlstate: string; message: string } | null = null;
  for (let at = 0; at < all.length; ) {
    const length = new DataView(all.buffer, at + 1).getUint32(0);
    if (all[at] === 0x45) found = summarizeError(readErrorFields(all, at + 5, at + 1 + length));
    at += 1 + length;
  }
  return found;
}

const exec = (name: string, portal = '') => join(writeBind(portal, name, []), writeExecute(portal), writeSync());

describe('a simple query', () => {
  it('is recorded, then forwarded as it came, and its answer passes in the buffer it came in', () => {
    const h = harness();
    const query = writeQuery('SELECT 1');
    const answer = join(server.columns('a'), server.row('1'), server.complete('SELECT 1'), server.ready());
    h.relay.clientData(query);
    h.relay.serverData(answer);
    expect(h.log).toEqual([
      'request 0 Q(SELECT 1)',
      'server> Q(SELECT 1)',
      'statement 0 SELECT allow ok',
      'client< T D C Z',
      'response 0 T D C Z',
      'end 0',
    ]);
    expect(h.statements[0]!.rows).toBe(1);
  });

  it('that is denied is replaced by one that fails, and the client reads why', () => {
    const h = harness();
    h.relay.clientData(writeQuery('DROP DATABASE shop'));
    expect(h.log).toEqual(['request 0 Q(DROP DATABASE shop)', 'server> Q(countersign: denied)']);
    h.relay.serverData(join(server.error('42601', 'syntax error'), server.ready()));
    expect(lastError(h.toClient)).toMatchObject({
      sqlstate: '42501',
      message: 'Countersign denied this statement: the policy says deny',
    });
    expect(h.log.at(-1)).toBe('end 0');
    expect(h.statements[0]).toMatchObject({ own: true, error: '42501', text: 'DROP DATABASE shop' });
  });

  it('in observe mode is forwarded and marked', () => {
    const h = harness({ mode: 'observe' });
    h.relay.clientData(writeQuery('DROP DATABASE shop'));
    h.relay.serverData(join(server.complete('DROP DATABASE'), server.ready()));
    expect(h.statements[0]!.decision).toMatchObject({ effect: 'allow', observed: 'deny' });
  });
});

describe('a held statement', () => {
  it('keeps the client waiting, lets what came before through, and is forwarded when approved', async () => {
    const h = harness();
    h.relay.clientData(join(writeQuery('SELECT 1'), writeQuery('UPDATE t SET a = 1')));
    expect(h.log).toEqual([
      'event asked',
      'event operation',
      'request 0 Q(SELECT 1)',
      'request 1 Q(UPDATE t SET a = 1)',
      'server> Q(SELECT 1)',
    ]);
    h.relay.clientData(writeQuery('SELECT 2'));
    await settled();
    expect(h.toServer.map((b) => frames(b))).toEqual(['Q(SELECT 1)']);
    h.held[0]!.settle('approved');
    await settled();
    expect(frames(join(...h.toServer))).toBe('Q(SELECT 1) Q(UPDATE t SET a = 1) Q(SELECT 2)');
  });

  it.each(['denied', 'expired'] as const)('that is %s never reaches the server', async (state) => {
    const h = harness();
    h.relay.clientData(writeQuery('UPDATE t SET a = 1'));
    h.held[0]!.settle(state);
    await settled();
    expect(h.toServer.map((b) => frames(b))).toEqual(['Q(countersign: denied)']);
    h.relay.serverData(join(server.error('42601'), server.ready()));
    expect(lastError(h.toClient)!.sqlstate).toBe('42501');
    expect(lastError(h.toClient)!.message).toContain(state === 'denied' ? 'not today' : 'nobody approved it');
  });

  it('can be cancelled by the client, who then reads 57014', async () => {
    const h = harness();
    expect(h.relay.cancel()).toBe(false);
    h.relay.clientData(writeQuery('UPDATE t SET a = 1'));
    expect(h.relay.cancel()).toBe(true);
    await settled();
    h.relay.serverData(join(server.error('42601'), server.ready()));
    expect(lastError(h.toClient)!.sqlstate).toBe('57014');
  });

  it('is withdrawn when the client goes away', async () => {
    const h = harness();
    h.relay.clientData(writeQuery('UPDATE t SET a = 1'));
    h.relay.clientEnded();
    await settled();
    expect(h.toServer.map((b) => frames(b))).toEqual(['Q(countersign: denied)']);
    expect(h.log.at(-1)).toBe('end server');
    h.relay.serverData(join(server.error('42601'), server.ready()));
    h.relay.serverEnded();
    expect(lastError(h.toClient)!.sqlstate).toBe('42501');
    expect(h.log.at(-1)).toBe('finish: the client closed its connection');
  });

  it('stops reading a client that sends more than may wait', async () => {
    const h = harness();
    h.relay.clientData(writeQuery('UPDATE t SET a = 1'));
    h.relay.clientData(writeQuery(`SELECT '${'x'.repeat(2 * 1024 * 1024)}'`));
    expect(h.log).toContain('pause client');
    h.held[0]!.settle('approved');
    await settled();
    expect(h.log).toContain('resume client');
  });

  it('is not asked for in a failed transaction, since the server would not run it', () => {
    const h = harness();
    h.relay.clientData(writeQuery('SELECT 1'));
    h.relay.serverData(join(server.error('22012'), server.ready('failed')));
    h.relay.clientData(writeQuery('UPDATE t SET a = 1'));
    h.relay.serverData(join(server.error('42601'), server.ready('failed')));
    expect(h.held).toHaveLength(0);
    expect(lastError(h.toClient)!.sqlstate).toBe('25P02');
  });
});

describe('what changes data', () => {
  it('is on disk before it is forwarded, and what follows it keeps its place', async () => {
    const h = harness({ manualDurable: true });
    h.relay.clientData(writeQuery('INSERT INTO t VALUES (1)'));
    h.relay.clientData(writeQuery('SELECT 1'));
    await settled();
    expect(h.toServer).toHaveLength(0);
    h.diskSynced();
    await settled();
    expect(frames(join(...h.toServer))).toBe('Q(INSERT INTO t VALUES (1)) Q(SELECT 1)');
  });

  it('and COPY data: its end waits for the disk', async () => {
    const h = harness({ manualDurable: true });
    h.relay.clientData(writeQuery('COPY t FROM STDIN'));
    h.diskSynced();
    await settled();
    h.relay.serverData(server.copyIn());
    h.relay.clientData(writeMessage(frontend.CopyData, new TextEncoder().encode('1\n')));
    expect(frames(h.toServer.at(-1)!)).toBe('d');
    h.relay.clientData(writeCopyDone());
    await settled();
    expect(frames(h.toServer.at(-1)!)).toBe('d');
    h.diskSynced();
    await settled();
    expect(frames(h.toServer.at(-1)!)).toBe('c');
    h.relay.serverData(join(server.complete('COPY 1'), server.ready()));
    expect(h.log.at(-1)).toBe('end 0');
    expect(h.statements[0]).toMatchObject({ rows: 1, error: null });
  });
});

describe('the extended protocol', () => {
  it('lets a denied statement be parsed and bound, and makes its Execute fail', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('', 'DROP TABLE t'), exec('')));
    expect(frames(join(...h.toServer))).toBe(`P B E(${DENIED_PORTAL}) S`);
    h.relay.serverData(join(server.parsed(), server.bound(), server.error('34000'), server.ready()));
    expect(lastError(h.toClient)!.sqlstate).toBe('42501');
    expect(h.log.at(-1)).toBe('end 0');
  });

  it('asks for each Execute of a portal once, and goes on fetching without asking', async () => {
    const h = harness();
    h.relay.clientData(
      join(writeParse('u', 'UPDATE t SET a = 1'), writeBind('p', 'u', []), writeExecute('p', 1), writeSync()),
    );
    h.held[0]!.settle('approved');
    await settled();
    h.relay.serverData(
      join(
        server.parsed(),
        server.bound(),
        server.row('1'),
        writeMessage(0x73, new Uint8Array()),
        server.ready('transaction'),
      ),
    );
    h.relay.clientData(join(writeExecute('p', 1), writeSync()));
    expect(h.held).toHaveLength(1);
    h.relay.clientData(join(writeBind('p2', 'u', []), writeExecute('p2'), writeSync()));
    expect(h.held).toHaveLength(2);
  });

  it('skips with the server to the next Sync after an error, without asking for what is skipped', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('', 'SELECT broken'), writeBind('', '', []), writeExecute('')));
    h.relay.serverData(server.error('42703'));
    h.relay.clientData(join(writeParse('', 'UPDATE t SET a = 1'), exec('')));
    expect(h.held).toHaveLength(0);
    h.relay.serverData(server.ready());
    h.relay.clientData(writeQuery('SELECT 1'));
    h.relay.serverData(join(server.complete('SELECT 0'), server.ready()));
    expect(h.log.at(-1)).toBe('end 1');
  });

  it('does not let a harmless Parse of a name that is taken cover what the server keeps under it', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('s', 'UPDATE t SET a = 1'), writeSync()));
    h.relay.serverData(join(server.parsed(), server.ready()));
    // The server refuses the second Parse (42P05), so s stays the UPDATE; all of it is pipelined.
    h.relay.clientData(join(writeParse('s', 'SELECT 1'), writeSync(), exec('s')));
    expect(h.held).toHaveLength(1);
    expect(h.held[0]!.operation.text).toContain('UPDATE t SET a = 1');
  });

  it('does not let a Close that the server skips make room for a harmless statement', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('s', 'UPDATE t SET a = 1'), writeSync()));
    h.relay.serverData(join(server.parsed(), server.ready()));
    h.relay.clientData(
      join(
        writeParse('x', 'SELECT )'),
        writeClose('statement', 's'),
        writeSync(),
        writeParse('s', 'SELECT 1'),
        writeSync(),
        exec('s'),
      ),
    );
    expect(h.held.some(({ operation }) => operation.text.includes('UPDATE t SET a = 1'))).toBe(true);
  });

  it('takes what the server confirmed as the only meaning of a name', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('s', 'UPDATE t SET a = 1'), writeSync()));
    h.relay.serverData(join(server.parsed(), server.ready()));
    h.relay.clientData(join(writeClose('statement', 's'), writeParse('s', 'SELECT 1'), writeSync()));
    h.relay.serverData(join(server.closed(), server.parsed(), server.ready()));
    h.relay.clientData(exec('s'));
    expect(h.held).toHaveLength(0);
  });

  it('sees a statement prepared by SQL when it is bound by the protocol', () => {
    const h = harness();
    h.relay.clientData(writeQuery('PREPARE s AS UPDATE t SET a = 1'));
    expect(h.held).toHaveLength(1);
    h.held[0]!.settle('approved');
    return settled().then(() => {
      h.relay.serverData(join(server.complete('PREPARE'), server.ready()));
      h.relay.clientData(exec('s'));
      expect(h.held).toHaveLength(2);
    });
  });

  it('takes EXECUTE for what SQL prepared, however often it ran', () => {
    const h = harness();
    h.relay.clientData(writeQuery('PREPARE s AS SELECT 1'));
    h.relay.serverData(join(server.complete('PREPARE'), server.ready()));
    for (let i = 0; i < 3; i++) {
      h.relay.clientData(writeQuery('EXECUTE s'));
      h.relay.serverData(join(server.columns('a'), server.row('1'), server.complete('SELECT 1'), server.ready()));
    }
    expect(h.held).toHaveLength(0);
    expect(h.statements.map(({ decision }) => decision.effect)).toEqual(['allow', 'allow', 'allow', 'allow']);
  });

  it('refuses to run a prepared statement that it does not know', () => {
    const h = harness();
    h.relay.clientData(exec('made-elsewhere'));
    expect(h.held).toHaveLength(0);
    expect(frames(join(...h.toServer))).toBe(`B E(${DENIED_PORTAL}) S`);
  });

  it('keeps step with a server that ignores Sync while it reads COPY data', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('', 'COPY t FROM STDIN'), exec('')));
    h.relay.serverData(join(server.parsed(), server.bound(), server.copyIn()));
    h.relay.clientData(join(writeMessage(frontend.CopyData, new Uint8Array([49, 10])), writeCopyDone(), writeSync()));
    return settled().then(() => {
      h.relay.serverData(join(server.complete('COPY 1'), server.ready()));
      h.relay.clientData(writeQuery('SELECT 1'));
      h.relay.serverData(join(server.complete('SELECT 1'), server.ready()));
      expect(h.log.filter((line) => line.startsWith('finish'))).toEqual([]);
      expect(h.log.at(-1)).toBe('end 2');
    });
  });

  it('asks for a FETCH what it would ask for the portal that was bound and not executed', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('s', 'DROP x'), writeBind('p', 's', []), writeQuery('FETCH p')));
    expect(frames(join(...h.toServer))).toBe('P B Q(countersign: denied)');
  });

  it('refuses a FETCH of a portal that a person would have to be asked about', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('s', 'UPDATE t'), writeBind('p', 's', []), writeQuery('FETCH p')));
    expect(h.held).toHaveLength(0);
    expect(frames(join(...h.toServer))).toBe('P B Q(countersign: denied)');
  });

  it('takes a portal for what it runs under the name of a cursor that was declared in vain', () => {
    const h = harness();
    h.relay.clientData(writeQuery('DECLARE c'));
    h.relay.serverData(join(server.error('25P01'), server.ready()));
    h.relay.clientData(join(writeParse('s', 'DROP x'), writeBind('c', 's', []), writeQuery('FETCH c')));
    expect(frames(join(...h.toServer)).endsWith('P B Q(countersign: denied)')).toBe(true);
  });

  it('takes a prepared EXECUTE for what its name means when it runs', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('x', 'SELECT 1'), writeParse('e', 'EXECUTE x'), writeSync()));
    h.relay.serverData(join(server.parsed(), server.parsed(), server.ready()));
    h.relay.clientData(join(writeClose('statement', 'x'), writeParse('x', 'UPDATE t SET a = 1'), writeSync()));
    h.relay.serverData(join(server.closed(), server.parsed(), server.ready()));
    h.relay.clientData(exec('e'));
    expect(h.held).toHaveLength(1);
    expect(h.held[0]!.operation.text).toBe('EXECUTE x\n-- x is:\nUPDATE t SET a = 1');
  });

  it('keeps what was parsed after a DEALLOCATE that is only then confirmed', () => {
    const h = harness();
    h.relay.clientData(join(writeQuery('DEALLOCATE x'), writeParse('x', 'DROP x'), writeSync()));
    h.relay.serverData(join(server.complete('DEALLOCATE'), server.ready(), server.parsed(), server.ready()));
    h.relay.clientData(join(writeParse('x', 'SELECT 1'), writeSync(), exec('x')));
    expect(frames(join(...h.toServer)).endsWith(`B E(${DENIED_PORTAL}) S`)).toBe(true);
  });

  it('counts a Sync during COPY, since the COPY may be over already', async () => {
    const h = harness();
    h.relay.clientData(join(writeParse('x', 'DROP x'), writeSync()));
    h.relay.serverData(join(server.parsed(), server.ready()));
    h.relay.clientData(join(writeParse('', 'COPY t FROM STDIN'), writeBind('', '', []), writeExecute('')));
    await settled();
    h.relay.serverData(join(server.parsed(), server.bound(), server.copyIn()));
    h.relay.clientData(join(writeSync(), writeParse('x', 'SELECT 1'), writeSync(), exec('x')));
    await settled();
    expect(frames(join(...h.toServer)).endsWith(`P S B E(${DENIED_PORTAL}) S`)).toBe(true);
  });

  it('asks no more for what an error before it makes the server skip, and keeps step', async () => {
    const h = harness();
    h.relay.clientData(join(writeParse('', 'UPDATE t SET a = 1'), exec('')));
    expect(h.held).toHaveLength(1);
    h.relay.serverData(join(server.parsed(), server.error('22P02')));
    await settled();
    expect(frames(join(...h.toServer))).toBe('P B S');
    h.relay.serverData(server.ready());
    expect(h.log.slice(-1)).toEqual(['end 0']);
    expect(h.log).toContain('event withdrawn');
  });

  it('forwards nothing of what it takes the server to skip', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('', 'SELECT broken'), writeBind('', '', []), writeExecute('')));
    h.relay.serverData(server.error('42703'));
    h.relay.clientData(join(writeQuery('DROP x'), writeParse('', 'DROP x'), writeSync()));
    expect(frames(join(...h.toServer))).toBe('P B E S');
    expect(h.log).toContain('request 0 Q(DROP x) P S');
  });

  it('ends the session when what stands for a denied statement has a result', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('', 'DROP x'), exec('')));
    h.relay.serverData(join(server.parsed(), server.bound(), server.row('secret')));
    expect(h.log.at(-1)).toContain('finish: the server sent DataRow');
    expect(new TextDecoder().decode(join(...h.toClient))).not.toContain('secret');
  });

  it('never lets a setting through by which it reads statements, whatever the policy says', () => {
    const h = harness();
    h.relay.clientData(writeQuery('SET standard_conforming_strings = off'));
    expect(frames(join(...h.toServer))).toBe('Q(countersign: denied)');
  });

  it('takes a reserved portal name for an attack', () => {
    const h = harness();
    h.relay.clientData(join(writeParse('', 'SELECT 1'), writeBind(DENIED_PORTAL, '', [])));
    expect(h.log.at(-1)).toContain('finish');
  });
});

/** A masker's two steps, of one that makes the whole row. */
function rowMasker(row: (row: Uint8Array) => Uint8Array | null): Pick<RowMasker, 'row' | 'measure' | 'write'> {
  let next: Uint8Array | null = null;
  return {
    row,
    measure(bytes, start, end) {
      next = row(bytes.subarray(start, end));
      return next?.length ?? -1;
    },
    write: (target, at) => target.set(next!, at),
  };
}

describe('masking', () => {
  const masking = {
    forResult: () => ({
      ...rowMasker((row) => row.map((b) => (b === 0x31 ? 0x2a : b))),
      counts: { US_SSN: 1 },
      maskedColumns: [0],
    }),
    forCopyOut: () => null,
    text: (text: string) => ({ text: text.replaceAll('123-45-6789', '[US_SSN]'), counts: {} }),
  };

  it('rewrites rows before the client and the recording see them', () => {
    const h = harness({ masking });
    h.relay.clientData(writeQuery('SELECT 1'));
    h.relay.serverData(join(server.columns('a'), server.row('1'), server.complete('SELECT 1'), server.ready()));
    const seen = new TextDecoder().decode(join(...h.toClient));
    expect(seen).toContain('*');
    expect(seen).not.toContain('\u00011');
    expect(h.statements[0]!.masked).toEqual({ US_SSN: 1 });
    expect(h.statements[0]!.maskedColumns).toEqual([[0, [0]]]);
  });

  it('tells masked columns by result of the message, those of a rule’s several results as one', () => {
    const byName = {
      ...masking,
      forResult: (fields: readonly { name: string }[]) => ({
        ...rowMasker(() => null),
        counts: {},
        maskedColumns: fields.flatMap(({ name }, i) => (name === 'secret' ? [i] : [])),
      }),
    };
    const h = harness({ masking: byName });
    h.relay.clientData(writeQuery('SELECT 1; INSERT …; SELECT 2; SELECT 3; SELECT 4'));
    h.relay.serverData(
      join(
        ...[server.columns('a', 'secret'), server.row('1', '2'), server.complete('SELECT 1')],
        server.complete('INSERT 0 1'),
        ...[server.columns('secret'), server.columns('a', 'b', 'secret'), server.complete('SELECT 0')],
        ...[server.columns('a'), server.complete('SELECT 0')],
        ...[server.columns('secret', 'secret'), server.row('1', '2'), server.error('22012'), server.ready()],
      ),
    );
    expect(h.statements.map(({ maskedColumns }) => maskedColumns)).toEqual([
      [
        [0, [1]],
        [2, [0, 2]],
        [4, [0, 1]],
      ],
    ]);
    h.relay.clientData(writeQuery('SELECT 1'));
    h.relay.serverData(join(server.columns('a'), server.row('1'), server.complete('SELECT 1'), server.ready()));
    expect(h.statements[1]!.maskedColumns).toBeNull();
  });

  it('names so many masked columns of a message, and says where it stopped', () => {
    const wide = { ...masking, forResult: () => ({ ...rowMasker(() => null), counts: {}, maskedColumns: [3, 5, 8] }) };
    const h = harness({ masking: wide });
    const results = 100;
    h.relay.clientData(writeQuery('SELECT 1;'.repeat(results)));
    const result = join(server.columns('a'), server.row('1'), server.complete('SELECT 1'));
    h.relay.serverData(join(...Array.from({ length: results }, () => result), server.ready()));
    const told = h.statements[0]!.maskedColumns!;
    expect(told.slice(0, 2)).toEqual([
      [0, [3, 5, 8]],
      [1, [3, 5, 8]],
    ]);
    expect(told.slice(-2)).toEqual([
      [63, [3, 5, 8]],
      [64, null],
    ]);
  });

  it('asks for the columns itself when the client never did, and keeps the answer to itself', () => {
    const h = harness({ masking });
    h.relay.clientData(join(writeParse('', 'SELECT 1'), exec('')));
    expect(frames(join(...h.toServer))).toBe('P B D E S');
    h.relay.serverData(
      join(
        server.parsed(),
        server.bound(),
        server.columns('a'),
        server.row('1'),
        server.complete('SELECT 1'),
        server.ready(),
      ),
    );
    expect(frames(join(...h.toClient), 'backend')).toBe('1 2 D C Z');
  });

  it('does not ask where the client did', () => {
    const h = harness({ masking });
    h.relay.clientData(
      join(
        writeParse('', 'SELECT 1'),
        writeBind('', '', []),
        writeDescribe('portal', ''),
        writeExecute(''),
        writeSync(),
      ),
    );
    expect(frames(join(...h.toServer))).toBe('P B D E S');
    h.relay.serverData(
      join(
        server.parsed(),
        server.bound(),
        server.columns('a'),
        server.row('1'),
        server.complete('SELECT 1'),
        server.ready(),
      ),
    );
    expect(frames(join(...h.toClient), 'backend')).toBe('1 2 T D C Z');
  });

  it('masks what errors quote', () => {
    const h = harness({ masking });
    h.relay.clientData(writeQuery('SELECT 1'));
    h.relay.serverData(join(server.error('22P02', 'invalid input: "123-45-6789"'), server.ready()));
    expect(lastError(h.toClient)!.message).toBe('invalid input: "[US_SSN]"');
  });
});

describe('any split of the same bytes', () => {
  const up = join(
    writeQuery('SELECT 1'),
    writeParse('s', 'SELECT 2'),
    writeBind('', 's', []),
    writeDescribe('portal', ''),
    writeExecute(''),
    writeSync(),
    writeQuery('DROP TABLE t'),
  );
  const down = join(
    server.columns('a'),
    server.row('1'),
    server.complete('SELECT 1'),
    server.ready(),
    server.parsed(),
    server.bound(),
    server.columns('a'),
    server.row('2'),
    server.complete('SELECT 1'),
    server.ready(),
    server.error('42601'),
    server.ready(),
  );
  function play(cutUp: number, cutDown: number): { up: string; down: Uint8Array; ends: string[] } {
    const h = harness();
    h.relay.clientData(up.slice(0, cutUp));
    h.relay.clientData(up.slice(cutUp));
    h.relay.serverData(down.slice(0, cutDown));
    h.relay.serverData(down.slice(cutDown));
    return {
      up: frames(join(...h.toServer)),
      down: join(...h.toClient),
      ends: h.log.filter((l) => /^(end|statement)/.test(l)),
    };
  }
  it('gives the same', () => {
    const whole = play(0, 0);
    expect(whole.up).toBe('Q(SELECT 1) P B D E S Q(countersign: denied)');
    expect(whole.ends.filter((l) => l.startsWith('end'))).toEqual(['end 0', 'end 1', 'end 2']);
    for (let cut = 1; cut < up.length; cut++) expect(play(cut, 0)).toEqual(whole);
    for (let cut = 1; cut < down.length; cut++) expect(play(0, cut)).toEqual(whole);
  });
});

describe('the end', () => {
  it('of a client that says goodbye adds nothing to the recording', () => {
    const h = harness();
    h.relay.clientData(writeTerminate());
    h.relay.serverEnded();
    expect(h.log).toEqual(['request 0 X', 'server> X', 'finish: the client ended the session']);
  });

  it('that the server makes is told to the client', () => {
    const h = harness();
    h.relay.serverEnded();
    expect(lastError(h.toClient)).toEqual({
      severity: 'FATAL',
      sqlstate: '08006',
      message: 'Countersign: the server closed the connection',
    });
  });
});

describe('a server that dies', () => {
  it('in the middle of a row that streams has nothing put into that row', () => {
    const h = harness();
    h.relay.clientData(writeQuery('SELECT 1'));
    h.relay.serverData(join(server.columns('a'), server.row('a long value')).subarray(0, -4));
    h.relay.serverEnded();
    expect(frames(join(...h.toClient), 'backend')).toBe('T D …-4');
    expect(h.log.at(-1)).toBe('finish: the server closed the connection');
  });

  it('with a word of its own has none added', () => {
    const h = harness();
    const fatal = writeErrorResponse({ severity: 'FATAL', sqlstate: '57P01', message: 'shutting down' });
    h.relay.serverData(fatal);
    h.relay.serverEnded();
    expect(frames(join(...h.toClient), 'backend')).toBe('E');
    expect(h.log.at(-1)).toBe('finish: the server ended the session');
  });
});

describe('bytes that are no protocol', () => {
  it('end the session with a FATAL error and forward nothing of them', () => {
    const h = harness();
    h.relay.clientData(new Uint8Array([0x51, 0xff, 0xff, 0xff, 0xff, 0]));
    expect(lastError(h.toClient)!.sqlstate).toBe('08P01');
    expect(h.toServer).toHaveLength(0);
    expect(h.log.at(-1)).toContain('finish');
  });

  it('from the server end it too', () => {
    const h = harness();
    h.relay.serverData(server.complete('SELECT 1'));
    expect(h.log.at(-1)).toContain('finish: the server sent CommandComplete');
  });
});
