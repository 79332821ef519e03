import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { version } from './version.ts';

/** Loaded when it is used: the protocol's library is not small. */
async function serve(cli: Cli): Promise<void> {
  const [{ serveStdio }, { createOwnServer }, { createQueries }] = await Promise.all([
    import('@modelcontextprotocol/server/stdio'),
    import('../mcp-server/server.ts'),
    import('../mcp-server/queries.ts'),
  ]);
  const control = cli.control();
  const queries = createQueries(control, 'countersign mcp-server');
  serveStdio(() => createOwnServer(control, queries, version()));
  await new Promise<void>((resolve) => {
    process.stdin.once('end', resolve);
    process.stdin.once('close', resolve);
  });
  await queries.close();
}

export function registerMcpServer(program: Command, cli: Cli): void {
  program
    .command('mcp-server')
    .description('an MCP server for agents, on standard input and output: list connections, run statements, wait')
    .action(() => serve(cli));
}
