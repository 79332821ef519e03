import { setTimeout as pause } from 'node:timers/promises';
import { startTestService } from '../support/service.ts';

/** The gateway under attack as a process of its own; told what to do over IPC by support/gateway-process.ts. */
export interface GatewayOrder {
  home: string;
  policy: string;
  /** Ports of servers by the name of their connection; all are reached as `postgres` without a password. */
  servers: Readonly<Record<string, number>>;
  expireAfterSeconds?: number;
  /** Columns of every server that are masked; without any, masking is off. */
  tagged?: readonly { table: string; column: string }[];
}

/** What the gateway holds, after everything that nobody refers to was collected. In bytes, but for the counts. */
export interface Held {
  heap: number;
  /** Buffers and what else lies outside the heap. */
  external: number;
  resident: number;
  /** Sockets, timers, workers and the like that keep the process alive. */
  resources: number;
  openSessions: number;
}

/** Environments of libpq clients by connection. */
export type GatewayReady = Readonly<Record<string, Readonly<Record<string, string>>>>;

process.once('message', async (order: GatewayOrder) => {
  const gateway = await startTestService({
    home: order.home,
    policy: order.policy,
    ...(order.expireAfterSeconds === undefined ? {} : { expireAfterSeconds: order.expireAfterSeconds }),
    connections: Object.entries(order.servers).map(([id, port]) => ({
      id,
      kind: 'postgres' as const,
      host: '127.0.0.1',
      port,
      user: 'postgres',
      database: 'postgres',
      tls: { mode: 'disable' as const },
      environment: 'development' as const,
      masking: order.tagged ? ('on' as const) : ('off' as const),
      columns: (order.tagged ?? []).map((tag) => ({
        schema: 'public',
        entity: 'CUSTOM',
        action: 'redact' as const,
        ...tag,
      })),
      secret: 'not asked for',
    })),
  });
  const ready: Record<string, Readonly<Record<string, string>>> = {};
  for (const id of Object.keys(order.servers)) ready[id] = (await gateway.control.call('mintToken', { id })).env;
  process.send!(ready satisfies GatewayReady);
  const held = async (): Promise<Held> => {
    for (let i = 0; i < 3; i++) {
      globalThis.gc!();
      // What was waiting for finalizers is free after a turn.
      await pause(10);
    }
    const { heapUsed, external, rss } = process.memoryUsage();
    const { items } = await gateway.control.call('sessions', { state: 'open', limit: 500 });
    const resources = process.getActiveResourcesInfo().length;
    return { heap: heapUsed, external, resident: rss, resources, openSessions: items.length };
  };
  process.on('message', async (order) => {
    if (order === 'measure') {
      process.send!(await held());
      return;
    }
    // Not stop(): the recordings are looked at afterwards.
    await gateway.service.close('the test is over');
    process.exit(0);
  });
});
process.once('disconnect', () => process.exit(1));
