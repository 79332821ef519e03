import { startDebianPostgres } from '../support/debian-postgres.ts';
import { startTestService } from '../support/service.ts';

/** A fresh server for each side: the suite leaves roles and databases behind. */
export async function onServer<T>(
  postgres: string,
  side: 'direct' | 'gateway',
  run: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const server = await startDebianPostgres(postgres, ['max_prepared_transactions = 2']);
  try {
    if (side === 'direct') return await run(server.env);
    // Named as the role is, so that what psql says of itself is the same.
    const gateway = await startTestService({
      connections: [
        {
          id: server.user,
          kind: 'postgres',
          host: server.host,
          port: server.port,
          user: server.user,
          database: 'postgres',
          databases: ['*'],
          tls: { mode: 'disable' },
          mode: 'observe',
          masking: 'off',
          secret: server.password,
        },
      ],
    });
    try {
      return await run((await gateway.connect()).env);
    } finally {
      await gateway.stop();
    }
  } finally {
    await server.stop();
  }
}
