import { parseTileName, type Tile } from '../evidence/format/tiles.ts';
import { parsePartName } from '../sync/part.ts';

/** What an object of a team's store is, by its name alone (gateway/evidence/SPEC.md). */
export type ObjectKind =
  | { kind: 'trust'; org: string; n: number }
  | { kind: 'identity'; org: string; device: string }
  | ({ kind: 'tile'; org: string; device: string } & Tile)
  | { kind: 'checkpoint'; org: string; device: string; size: number; by: 'log' | 'witness' | 'tsa' }
  | PartName;

export interface PartName {
  kind: 'part';
  org: string;
  device: string;
  /** YYYY/MM/DD */
  day: string;
  sid: string;
  n: number;
  encrypted: boolean;
}

const ORG = '([a-z0-9][a-z0-9-]{0,62})';
const DEVICE = '([0-9A-HJKMNP-TV-Z]{26})';
const TRUST = new RegExp(`^${ORG}/trust/(\\d{6})\\.note$`);
const IDENTITY = new RegExp(`^${ORG}/${DEVICE}/identity/[0-9a-f]{8}(\\.oidc|\\.change)?\\.note$`);
const TILE = new RegExp(`^${ORG}/${DEVICE}/log/(tile/.+)$`);
const CHECKPOINT = new RegExp(
  `^${ORG}/${DEVICE}/log/checkpoint\\.(0|[1-9]\\d{0,14})(\\.[0-9a-f]{8}|\\.\\d{1,6}\\.tsr)?$`,
);
const PART = new RegExp(
  `^${ORG}/${DEVICE}/sessions/(\\d{4}/\\d\\d/\\d\\d)/([0-9A-Za-z][0-9A-Za-z_-]{0,63})/(part-[^/]+)$`,
);

/** The name without the `.rK` of an attempt, which parts have before their ending and all others at their end. */
export const baseName = (name: string): string => name.replace(/\.r[1-9]\d{0,3}$/, '');

/** null for a name that the format does not know; none that is known could leave a folder. */
export function parseObjectName(name: string): ObjectKind | null {
  const base = baseName(name);
  return trust(base) ?? identity(base) ?? tile(base) ?? checkpoint(base) ?? part(name);
}

function trust(name: string): ObjectKind | null {
  const [, org = '', n = ''] = TRUST.exec(name) ?? [];
  return n === '' ? null : { kind: 'trust', org, n: Number(n) };
}

function identity(name: string): ObjectKind | null {
  const [, org = '', device = ''] = IDENTITY.exec(name) ?? [];
  return device === '' ? null : { kind: 'identity', org, device };
}

function tile(name: string): ObjectKind | null {
  const [, org = '', device = '', path = ''] = TILE.exec(name) ?? [];
  const found = path === '' ? null : parseTileName(path);
  return found === null ? null : { kind: 'tile', org, device, ...found };
}

function checkpoint(name: string): ObjectKind | null {
  const [, org = '', device = '', size = '', more] = CHECKPOINT.exec(name) ?? [];
  if (size === '') return null;
  const by = more === undefined ? 'log' : more.endsWith('.tsr') ? 'tsa' : 'witness';
  return { kind: 'checkpoint', org, device, size: Number(size), by };
}

function part(name: string): PartName | null {
  const [, org = '', device = '', day = '', sid = '', file = ''] = PART.exec(name) ?? [];
  const found = file === '' ? null : parsePartName(file);
  if (found === null) return null;
  return { kind: 'part', org, device, day, sid, n: found.n, encrypted: found.encrypted };
}
