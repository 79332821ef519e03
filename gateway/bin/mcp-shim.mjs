// What an agent runs in place of an MCP server: `countersign mcp NAME`. It connects standard input and output with
// the gateway, over its socket, and loads nothing but sockets. Without a gateway it answers with a sentence.
import { connect } from 'node:net';
import { defaultSocket } from './hook.mjs';

const PATH = '/api/mcp';
const PROTOCOL = 'countersign-mcp/1';
const MAX_HEAD = 16 * 1024;
const MAX_FIRST = 1024 * 1024;

/** @param args what follows `mcp`: the server's name, then --agent, --conversation, --socket, --home with their values. */
export async function runShim(args, env = process.env) {
  const options = parse(args);
  const socketPath = options.socket ?? env.COUNTERSIGN_SOCKET ?? (await defaultSocket(options.home, env));
  const socket = connect(socketPath);
  const failed = (sentence) => void refuseFirst(sentence);
  let head = Buffer.alloc(0);
  socket.once('error', () =>
    failed('its gateway is not running, so MCP servers are not reached; start it with "countersign start"'),
  );
  socket.once('connect', () => {
    socket.write(
      `GET ${PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: ${PROTOCOL}\r\n\r\n` +
        `${JSON.stringify({ server: options.server, agent: options.agent, conversationId: options.conversation ?? env.COUNTERSIGN_CONVERSATION ?? null, pid: process.ppid })}\n`,
    );
  });
  socket.on('data', function hear(chunk) {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1 && head.length < MAX_HEAD) return;
    socket.off('data', hear);
    socket.pause();
    if (!head.toString('latin1').startsWith('HTTP/1.1 101')) {
      socket.destroy();
      failed('its gateway does not take MCP; both have to be of one version');
      return;
    }
    pass(socket, head.subarray(end + 4));
  });
}

function parse(args) {
  const options = { server: args[0] ?? '', agent: null, conversation: null, socket: null, home: null };
  for (let i = 1; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, '');
    if (name !== 'server' && name in options) options[name] = args[i + 1] ?? null;
  }
  return options;
}

function pass(socket, first) {
  socket.removeAllListeners('error');
  // Both are told the end of the other; what is still under way is written out first.
  socket.on('error', () => process.exit(1));
  process.stdout.on('error', () => process.exit(0));
  if (first.length > 0) process.stdout.write(first);
  process.stdin.pipe(socket);
  socket.pipe(process.stdout, { end: false });
  socket.once('end', () => process.stdout.write('', () => process.exit(0)));
}

/** The client's first request gets the sentence as its error, since what is written to standard error is often not shown. */
async function refuseFirst(why) {
  const sentence = `Countersign: ${why}.`;
  process.stderr.write(`${sentence}\n`);
  const timer = setTimeout(() => process.exit(1), 10_000);
  let text = '';
  process.stdin.setEncoding('utf8');
  for await (const chunk of process.stdin) {
    text += chunk;
    const lines = text.split('\n');
    text = lines.pop();
    for (const line of lines) {
      let id;
      try {
        ({ id } = JSON.parse(line));
      } catch {
        continue;
      }
      if (id === undefined) continue;
      const answer = { jsonrpc: '2.0', id, error: { code: -32000, message: sentence } };
      process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(1));
      return;
    }
    if (text.length > MAX_FIRST) break;
  }
  clearTimeout(timer);
  process.exit(1);
}
