/** One connection to a watched address, as proc_pid_net(5) has it. */
export interface NetRow {
  /** As `endpointKeys` gives it. */
  remote: string;
  uid: number;
  inode: string;
}

const ESTABLISHED = '01';
const SYN_SENT = '02';

/** Rows of /proc/net/tcp or tcp6 that lead to one of these endpoints. */
export function rowsTo(table: string, endpoints: ReadonlySet<string>): NetRow[] {
  const rows: NetRow[] = [];
  for (const line of table.split('\n')) {
    const [, , remote = '', state, , , , uid = '', , inode = ''] = line.trim().split(/\s+/);
    if ((state !== ESTABLISHED && state !== SYN_SENT) || !endpoints.has(remote) || !/^[1-9]\d*$/.test(inode)) continue;
    rows.push({ remote, uid: Number(uid), inode });
  }
  return rows;
}

/**
 * An address and port in the two forms of these tables: hexadecimal words in the byte order of the machine
 * (little-endian here), an IPv4 address in tcp6 as the last word of ::ffff:0:0/96. Empty where it is no address.
 */
export function endpointKeys(address: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const v4 = /^(?:::ffff:)?(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/i.exec(address);
  if (v4) {
    const word = wordOf(v4.slice(1).map(Number));
    return [`${word}:${hexPort}`, `0000000000000000FFFF0000${word}:${hexPort}`];
  }
  const bytes = bytesOfV6(address);
  if (bytes === null) return [];
  const words = [0, 4, 8, 12].map((at) => wordOf(bytes.slice(at, at + 4)));
  return [`${words.join('')}:${hexPort}`];
}

const wordOf = (bytes: readonly number[]): string =>
  [...bytes]
    .reverse()
    .map((byte) => byte.toString(16).toUpperCase().padStart(2, '0'))
    .join('');

function bytesOfV6(address: string): number[] | null {
  const last = /(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;
  const pair = (a: string, b: string) => (Number(a) * 256 + Number(b)).toString(16);
  const plain = address.replace(/%.*$/, '').replace(last, (_, a, b, c, d) => `${pair(a, b)}:${pair(c, d)}`);
  const halves = plain.split('::');
  if (!address.includes(':') || halves.length > 2) return null;
  const groups = (text: string | undefined) => (text === undefined || text === '' ? [] : text.split(':'));
  const [head, tail] = [groups(halves[0]), groups(halves[1])];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail];
  if (!all.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  return all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
}
