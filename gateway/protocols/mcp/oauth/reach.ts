import { lookup as systemLookup } from 'node:dns/promises';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { CountersignError } from '../../../contract/errors.ts';
import { boundedFetch } from '../../../identity/oidc/fetch.ts';

/** How near an address is, from anywhere to this very machine. */
const NEARNESS = ['public', 'private', 'loopback'] as const;
type Nearness = (typeof NEARNESS)[number];

function blocks(...subnets: string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/');
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return list;
}
const LOOPBACK = blocks('127.0.0.0/8', '::1/128');
const PRIVATE = blocks('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7');
/** Nobody's server: link-local (where clouds give out credentials), multicast, unspecified, reserved, translated. */
const NOWHERE = blocks(
  '0.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '198.18.0.0/15',
  '224.0.0.0/3',
  '::/128',
  'fe80::/10',
  'ff00::/8',
  '64:ff9b::/96',
  '2002::/16',
);

/** null: an address at which nothing is asked. */
export function nearnessOf(address: string): Nearness | null {
  const mapped = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i.exec(address);
  if (mapped !== null) {
    const [, dotted, high = '0', low = '0'] = mapped;
    const number = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16);
    return nearnessOf(dotted ?? [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.'));
  }
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0 || NOWHERE.check(address, family)) return null;
  return LOOPBACK.check(address, family) ? 'loopback' : PRIVATE.check(address, family) ? 'private' : 'public';
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

type Resolve = (hostname: string) => Promise<readonly { address: string; family: number }[]>;
const bySystem: Resolve = (hostname) => systemLookup(hostname, { all: true });

/**
 * fetch for addresses that a server names: they may be as near as the server itself and no nearer, so that a server on
 * the Internet makes the gateway ask nobody in the person's own network. What a person has named is always asked.
 *
 * @param server address of the MCP server. @param named origins that a person has named.
 */
export async function reachFrom(
  server: URL,
  named: ReadonlySet<string>,
  resolve: Resolve = bySystem,
): Promise<typeof fetch> {
  const own = await resolveHost(bare(server.hostname), resolve);
  const nearest = Math.max(...own.map((address) => NEARNESS.indexOf(nearnessOf(address) ?? 'public')));

  const mayAsk = (address: string) => {
    const nearness = nearnessOf(address);
    return nearness !== null && NEARNESS.indexOf(nearness) <= nearest;
  };
  const refused = (url: URL) =>
    new CountersignError(
      'MCP_OAUTH_REFUSED',
      `The server at ${server.host} leads to ${url.host}, which is nearer to this machine than the server is; name it with --issuer if that is meant.`,
    );

  return async (input, init) => {
    const url = new URL(String(input));
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackName(url))) {
      throw new CountersignError('MCP_OAUTH_REFUSED', `${url.origin} is not reached by https.`);
    }
    if (named.has(url.origin)) return boundedFetch(undefined)(url, init);
    const host = bare(url.hostname);
    if (isIP(host) !== 0 && !mayAsk(host)) throw refused(url);
    // Looked at where the connection is made, so that a name that changes its address meanwhile is held to it too.
    const lookup: LookupFunction = (hostname, options, callback) => {
      resolve(hostname).then(
        (found) => {
          const allowed = found.filter(({ address }) => mayAsk(address));
          const [first] = allowed;
          if (first === undefined) callback(refused(url), '', 4);
          else if (options.all) callback(null, [...allowed]);
          else callback(null, first.address, first.family);
        },
        (error: NodeJS.ErrnoException) => callback(error, '', 4),
      );
    };
    return boundedFetch(undefined, lookup)(url, init);
  };
}

async function resolveHost(host: string, resolve: Resolve): Promise<string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return (await resolve(host)).map(({ address }) => address);
  } catch (cause) {
    throw new CountersignError('MCP_OAUTH_UNREACHABLE', `The name ${host} is not known here.`, { cause });
  }
}

/** A name that never leaves this machine, so nobody reads along. */
export function isLoopbackName({ hostname }: URL): boolean {
  return hostname === 'localhost' || nearnessOf(bare(hostname)) === 'loopback';
}
