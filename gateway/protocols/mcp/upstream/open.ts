import type { McpSecrets, McpServer } from '../../../contract/mcp.ts';
import type { Upstream, UpstreamSink } from '../ports.ts';
import { openHttp } from './http.ts';
import { openSse } from './sse.ts';
import { openStdio } from './stdio.ts';

/** Connects to a registered server, by whatever transport it has. What fails is told to the sink. */
export function openUpstream(
  { transport }: McpServer,
  secrets: McpSecrets,
  where: { cwd: string; env: NodeJS.ProcessEnv },
  sink: UpstreamSink,
): Upstream {
  switch (transport.type) {
    case 'stdio':
      return openStdio(transport, secrets, where, sink);
    case 'http':
      return openHttp(transport, secrets, sink);
    case 'sse':
      return openSse(transport, secrets, sink);
  }
}
