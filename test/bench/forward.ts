import { connect, createServer } from 'node:net';

/**
 * A TCP forwarder and nothing else, as a process of its own: what any gateway on Node pays on this
 * machine before it has looked at a byte. Arguments: the port to listen on, the port to forward to.
 */
const [port, target] = process.argv.slice(2).map(Number);

createServer({ noDelay: true }, (client) => {
  const server = connect({ host: '127.0.0.1', port: target!, noDelay: true });
  client.pipe(server);
  server.pipe(client);
  client.on('error', () => server.destroy());
  server.on('error', () => client.destroy());
}).listen(port, '127.0.0.1');
