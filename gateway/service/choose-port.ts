import { createServer } from 'node:net';

/** The port asked for, or the default where it is free, or any. */
export async function choosePort(host: string, asked: number | undefined, usual: number): Promise<number> {
  if (asked !== undefined) return asked;
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen({ host, port: usual }, () => probe.close(() => resolve(usual)));
  });
}
