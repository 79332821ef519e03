import type { McpServer } from '../../../contract/mcp.ts';
import type { Upstream, UpstreamCredentials, UpstreamSink } from '../ports.ts';
import { openHttp } from './http.ts';
import { openSse } from './sse.ts';
import { openStdio } from './stdio.ts';

/** What connects to a registered server, by whatever transport it has. What fails then is told to the sink. */
export async function upstreamOf(
  { transport }: McpServer,
  credentials: UpstreamCredentials,
  where: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<(sink: UpstreamSink) => Upstream> {
  switch (transport.type) {
    case 'stdio': {
      const variables = await credentials.headers();
      return (sink) => openStdio(transport, variables, where, sink);
    }
    case 'http':
      return (sink) => openHttp(transport, credentials, sink);
    case 'sse':
      return (sink) => openSse(transport, credentials, sink);
  }
}
