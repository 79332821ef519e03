import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testOperation, testVerdict } from '../../gateway/approvals/test-operation.ts';
import { waitingApproval } from '../../gateway/cli/test-cli.ts';
import type { ApiEvent } from '../../gateway/contract/api.ts';
import type { Session } from '../../gateway/contract/session.ts';
import { startTestControl } from '../../gateway/control/test-control.ts';
import { createGatewayClient } from './client.ts';
import { createConsoleSession } from './console-session.ts';
import { createSocketCall } from './socket.ts';
import { afterEvent, NOTHING, RECENT, type Snapshot, Watch } from './watch.ts';

/** A busy machine may take its time. */
const soon = <T>(read: () => T) => expect.poll(read, { timeout: 20_000 });

describe('what is known after an event', () => {
  const approval = (id: string, state: 'waiting' | 'denied' = 'waiting'): ApiEvent => ({
    type: 'approval',
    approval: waitingApproval({ id, state }),
  });
  const session = (id: string, state: Session['state'] = 'open') =>
    ({ type: 'session', session: { id, state } }) as unknown as ApiEvent;
  const known = (...events: ApiEvent[]) => events.reduce(afterEvent, NOTHING);

  it('keeps what waits in its order, each once, until it is decided', () => {
    const snapshot = known(approval('a'), approval('b'), approval('a'), approval('c'), approval('b', 'denied'));
    expect(snapshot.waiting.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(known(approval('a', 'denied')).waiting).toEqual([]);
  });

  it('keeps the latest sessions, each once', () => {
    const many = Array.from({ length: 50 }, (_, i) => session(`S${String(i).padStart(3, '0')}`));
    const snapshot = known(...many, session('S048', 'closed'));
    expect(snapshot.sessions.map(({ id }) => id).slice(0, 3)).toEqual(['S049', 'S048', 'S047']);
    expect(snapshot.sessions.length).toBe(RECENT);
    expect(snapshot.sessions[1]?.state).toBe('closed');
  });
});

describe('listening to a gateway', () => {
  let control: Awaited<ReturnType<typeof startTestControl>>;
  beforeEach(async () => {
    control = await startTestControl();
  });
  afterEach(() => control.stop());

  it('has what waits already, hears what comes, and is told when it ends', async () => {
    control.approvals.hold(testOperation(), testVerdict());
    const call = createSocketCall(() => control.socketPath);
    const real = createGatewayClient(call, createConsoleSession(call));
    const snapshots: Snapshot[] = [];
    let lost = 0;
    const watch = new Watch({
      // The rest of the gateway is not there: only approvals are its own.
      client: {
        events: real.events,
        call: (async (name: 'approvals', input: object) =>
          name === 'approvals' ? real.call(name, input) : { items: [] }) as never,
      },
      onSnapshot: (snapshot) => snapshots.push(snapshot),
      onLost: () => lost++,
    });
    watch.start();
    await soon(() => snapshots.at(-1)?.waiting.length).toBe(1);
    control.approvals.hold(testOperation({ text: 'SELECT 2' }), testVerdict());
    await soon(() => snapshots.at(-1)?.waiting.length).toBe(2);
    await control.server.close();
    await soon(() => lost).toBe(1);
    expect([snapshots.at(-1), watch.snapshot]).toEqual([NOTHING, NOTHING]);
  });

  it('says nothing more once stopped', async () => {
    const call = createSocketCall(() => '/nowhere/control.sock');
    let told = 0;
    const watch = new Watch({
      client: createGatewayClient(call, createConsoleSession(call)),
      onSnapshot: () => told++,
      onLost: () => told++,
    });
    watch.start();
    watch.stop();
    await new Promise((done) => setTimeout(done, 100));
    expect(told).toBe(0);
  });
});
