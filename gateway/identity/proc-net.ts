import type { PeerAddress } from './peer-process.ts';

const ESTABLISHED = '01';

/**
 * Finds the client's end of a connection in the text of /proc/net/tcp and tcp6 (proc_pid_net(5)):
 * addresses are hexadecimal words in the byte order of the machine (little-endian here), ports are
 * hexadecimal numbers. @returns the socket's inode; null when there is none.
 */
export function findInode(tables: readonly string[], peer: PeerAddress): string | null {
  const remote = ipv4Of(peer.remoteAddress);
  const [clientPort, gatewayPort] = [hex(peer.remotePort), hex(peer.localPort)];
  for (const table of tables) {
    // Lines are long and tables may have ten thousand of them: look for the port before splitting.
    const needle = `:${clientPort} `;
    for (let at = table.indexOf(needle); at !== -1; at = table.indexOf(needle, at + 1)) {
      const start = table.lastIndexOf('\n', at) + 1;
      const end = table.indexOf('\n', at);
      const fields = table
        .slice(start, end === -1 ? undefined : end)
        .trim()
        .split(/\s+/);
      const [, local = '', foreign = '', state, , , , , , inode = ''] = fields;
      if (!local.endsWith(`:${clientPort}`) || !foreign.endsWith(`:${gatewayPort}`) || state !== ESTABLISHED) continue;
      if (inode === '0' || !/^\d+$/.test(inode)) continue;
      const address = local.slice(0, local.indexOf(':'));
      if (remote !== null ? address.endsWith(remote) : address.length === 32) return inode;
    }
  }
  return null;
}

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}

/** `127.0.0.1` and `::ffff:127.0.0.1` as the last word of both tables; null for other IPv6 addresses. */
function ipv4Of(address: string): string | null {
  const match = /^(?:::ffff:)?(\d+)\.(\d+)\.(\d+)\.(\d+)$/i.exec(address);
  if (!match) return null;
  return match
    .slice(1)
    .reverse()
    .map((part) => Number(part).toString(16).toUpperCase().padStart(2, '0'))
    .join('');
}
