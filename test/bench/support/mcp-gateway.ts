import { EVERYTHING, startStage } from '../../conformance/mcp/support/stage.ts';

/** A gateway in a process of its own, as it runs for people; tells how it is reached, and ends with its standard input. */
const stage = await startStage();
await stage.add({ name: 'everything', transport: { type: 'stdio', command: process.execPath, args: [EVERYTHING] } });
const { url, headers } = await stage.http('everything');
process.stdout.write(`${JSON.stringify({ shim: stage.shim('everything'), url: url.href, headers })}\n`);
process.stdin.resume().once('end', async () => {
  await stage.stop();
  process.exit(0);
});
