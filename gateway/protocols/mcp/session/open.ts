import type { McpServer } from '../../../contract/mcp.ts';
import { begunSession } from '../../../pipeline/begun-session.ts';
import { CLIENT_INFO_KEY } from '../codec/headers.ts';
import { isObject } from '../codec/json.ts';
import type { ClientSide, McpClient, McpDeps, Upstream, UpstreamSink } from '../ports.ts';
import { SessionContext } from './context.ts';
import { Decider } from './decide.ts';
import { ExchangeLog } from './exchange.ts';
import { createSensitive } from './sensitive.ts';
import { McpSession } from './session.ts';
import { ToolBook } from './tools.ts';

/**
 * Opens a session and its recording.
 * @param first the client's first message, for what the client calls itself; it is still to be received.
 * Throws what the recorder throws: then nothing was opened.
 */
export function openSession(
  deps: McpDeps,
  { server, open }: { server: McpServer; open(sink: UpstreamSink): Upstream },
  client: McpClient,
  first: string,
  side: ClientSide,
): McpSession {
  const session = begunSession(
    {
      id: deps.newSessionId(),
      connectionId: server.name,
      protocol: 'mcp',
      database: '',
      role: '',
      applicationName: clientName(first),
      identity: client.identity ?? deps.identity(),
      agent: client.process,
      conversationId: client.conversationId,
      mode: server.mode,
    },
    deps.clock.now(),
  );
  const recorder = deps.recorder.open({
    id: session.id,
    openedAt: session.openedAt,
    identity: session.identity,
    agent: session.agent,
    connection: { id: server.name, kind: 'mcp', host: '', port: 0, mode: server.mode, masking: server.masking },
    database: '',
    user: '',
    applicationName: session.applicationName,
    conversationId: session.conversationId,
    policyHash: deps.pipeline.policyHash,
    protection: deps.protection,
  });
  const sensitive = createSensitive(server, deps.maskingKey(server.name));
  const context = new SessionContext({
    deps,
    server,
    session,
    recorder,
    client: side,
    log: new ExchangeLog(recorder, session),
    book: new ToolBook(server, deps.pins),
    sensitive,
    decider: new Decider(deps, server, session, recorder, sensitive),
    broken: (error) => opened.broken(error),
  });
  context.agent = server.agent ?? client.agent ?? 'unknown';
  const opened = new McpSession(context, open);
  return opened;
}

/** A claim, for the person: `clientInfo` of initialize, or of the message itself in the stateless revision. */
function clientName(text: string): string {
  try {
    const message: unknown = JSON.parse(text);
    const params = isObject(message) && isObject(message.params) ? message.params : {};
    const info = params.clientInfo ?? (isObject(params._meta) ? params._meta[CLIENT_INFO_KEY] : null);
    if (!isObject(info) || typeof info.name !== 'string') return '';
    return `${info.name}${typeof info.version === 'string' ? ` ${info.version}` : ''}`.slice(0, 256);
  } catch {
    return '';
  }
}
