import { registerHooks } from 'node:module';
import type { ColumnTag } from '../../gateway/contract/connection.ts';

/**
 * The gateway under test as a process of its own: the real service with a policy that allows everything,
 * and everything on. Told what to do over IPC by test/bench/run.ts.
 */
export interface GatewayOrder {
  databasePort: number;
  home: string;
  /** false: the recorder is taken out, to see what it costs. */
  recorded: boolean;
}

/** Environments of libpq clients, for the connection without masking and the one with it. */
export interface GatewayReady {
  plain: Record<string, string>;
  masked: Record<string, string>;
}

/** The one tagged column of the connection with masking. */
const TAG: ColumnTag = { schema: 'public', table: 'people', column: 'name', entity: 'PERSON', action: 'redact' };

process.once('message', async (order: GatewayOrder) => {
  if (!order.recorded) {
    registerHooks({
      resolve(specifier, context, next) {
        const found = next(specifier, context);
        if (!found.url.endsWith('/gateway/recording/recorder.ts')) return found;
        return { ...found, url: new URL('./support/no-recorder.ts', import.meta.url).href };
      },
    });
  }
  const { RUN_ALL, startTestService } = await import('../support/service.ts');
  const target = {
    kind: 'postgres' as const,
    host: '127.0.0.1',
    port: order.databasePort,
    user: 'bench',
    database: 'bench',
    tls: { mode: 'disable' as const },
    environment: 'development' as const,
    secret: '',
  };
  const gateway = await startTestService({
    home: order.home,
    policy: RUN_ALL,
    connections: [
      { ...target, id: 'plain', masking: 'off' },
      { ...target, id: 'masked', masking: 'on', columns: [TAG] },
    ],
  });
  const environment = async (id: string) => (await gateway.control.call('mintToken', { id })).env;
  process.send!({ plain: await environment('plain'), masked: await environment('masked') } satisfies GatewayReady);
  process.once('message', async () => {
    // Not stop(): the recordings are looked at afterwards.
    await gateway.service.close('the benchmark is over');
    process.exit(0);
  });
});
process.once('disconnect', () => process.exit(1));
