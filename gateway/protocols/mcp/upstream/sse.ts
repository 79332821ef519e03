import type { McpTransport } from '../../../contract/mcp.ts';
import type { Message } from '../codec/message.ts';
import type { Upstream, UpstreamCredentials, UpstreamSink } from '../ports.ts';
import { HttpClient, isEventStream, readEvents, unreached } from './http-client.ts';

const MAX_QUEUED = 64;

/** HTTP with server-sent events (MCP 2024-11-05): one stream down, and an address for messages up that it names first. */
export function openSse(
  transport: Extract<McpTransport, { type: 'sse' }>,
  credentials: UpstreamCredentials,
  sink: UpstreamSink,
): Upstream {
  const url = new URL(transport.url);
  const http = new HttpClient(credentials);
  const life = new AbortController();
  let endpoint: URL | null = null;
  let queue: Message[] = [];
  let order: Promise<void> = Promise.resolve();

  const over = (sentence: string) => {
    if (life.signal.aborted) return;
    life.abort();
    http.close();
    sink.closed(sentence);
  };

  void (async () => {
    try {
      const response = await http.open(url, 'GET', { accept: 'text/event-stream' }, null, life.signal);
      if (response.statusCode !== 200 || !isEventStream(response)) {
        response.resume();
        return over(`the server answered with HTTP ${response.statusCode}, and not with a stream of events`);
      }
      const outcome = await readEvents(response, ({ event, data }) => {
        if (event === 'endpoint') return found(data);
        if (event === 'message' && data !== '') return sink.message(data, null);
      });
      over(outcome === 'ended' ? 'the server closed its stream' : 'the server sent a message that is too large');
    } catch (error) {
      over(unreached(url, error));
    }
  })();

  function found(address: string): void {
    if (endpoint !== null) return;
    const named = URL.canParse(address, url.href) ? new URL(address, url) : null;
    // Headers with secrets go with each message, so it may not be sent to another place.
    if (named?.origin !== url.origin) {
      over('the server named an address elsewhere for its messages');
      return;
    }
    endpoint = named;
    const waiting = queue;
    queue = [];
    for (const message of waiting) post(message, named);
  }

  function post(message: Message, to: URL): void {
    order = order.then(async () => {
      try {
        const response = await http.open(to, 'POST', { accept: 'application/json' }, message.text, life.signal);
        response.resume();
        const status = response.statusCode ?? 0;
        if (status >= 200 && status < 300) return;
        if (message.kind === 'request') sink.failed(message.id, `the server answered with HTTP ${status}`);
      } catch (error) {
        if (life.signal.aborted || message.kind !== 'request') return;
        sink.failed(message.id, unreached(to, error));
      }
    });
  }

  return {
    send(message) {
      if (endpoint !== null) post(message, endpoint);
      else if (queue.length < MAX_QUEUED) queue.push(message);
      else if (message.kind === 'request') sink.failed(message.id, 'the server is not ready yet');
    },
    async close() {
      life.abort();
      http.close();
    },
  };
}
