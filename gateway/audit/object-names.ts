/** What an object of a team's store is, by its name alone (gateway/evidence/SPEC.md). */
export type ObjectKind =
  | { kind: 'trust'; org: string; n: number }
  | { kind: 'identity'; org: string; device: string }
  | { kind: 'tile'; org: string; device: string; level: number | 'entries'; index: number; width: number }
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
  /** 0 for the first attempt, then that of `.rK`. */
  attempt: number;
  encrypted: boolean;
}

/** C2SP tlog-tiles: `x001/x234/067` is 1,234,067; null where a shorter form would say the same. */
function tileIndex(path: string): number | null {
  const elements = path.split('/');
  const index = Number(elements.join('').replaceAll('x', ''));
  const canonical = elements.length === 1 || elements[0] !== 'x000';
  return canonical && elements.slice(0, -1).every((element) => element.startsWith('x')) ? index : null;
}

const ORG = '([a-z0-9][a-z0-9-]{0,62})';
const DEVICE = '([0-9A-HJKMNP-TV-Z]{26})';
const TRUST = new RegExp(`^${ORG}/trust/(\\d{6})\\.note$`);
const IDENTITY = new RegExp(`^${ORG}/${DEVICE}/identity/[0-9a-f]{8}(\\.oidc|\\.change)?\\.note$`);
const TILE = new RegExp(`^${ORG}/${DEVICE}/log/tile/(entries|[0-7])/((?:x\\d{3}/){0,4}\\d{3})(?:\\.p/(\\d{1,3}))?$`);
const CHECKPOINT = new RegExp(`^${ORG}/${DEVICE}/log/checkpoint\\.(\\d{1,15})(\\.[0-9a-f]{8}|\\.\\d{1,6}\\.tsr)?$`);
const PART = new RegExp(
  `^${ORG}/${DEVICE}/sessions/(\\d{4}/\\d\\d/\\d\\d)/([0-9A-Za-z][0-9A-Za-z_-]{0,63})/part-(\\d{6})(?:\\.r([1-9]\\d{0,3}))?\\.tar(\\.age)?$`,
);

/** null for a name that the format does not know. */
export function parseObjectName(name: string): ObjectKind | null {
  return trust(name) ?? identity(name) ?? tile(name) ?? checkpoint(name) ?? part(name);
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
  const [, org = '', device = '', level = '', path = '', partial] = TILE.exec(name) ?? [];
  const index = path === '' ? null : tileIndex(path);
  const width = partial === undefined ? 256 : Number(partial);
  if (index === null || width < 1 || (partial !== undefined && (width > 255 || partial !== String(width)))) return null;
  return { kind: 'tile', org, device, level: level === 'entries' ? level : Number(level), index, width };
}

function checkpoint(name: string): ObjectKind | null {
  const [, org = '', device = '', size = '', more] = CHECKPOINT.exec(name) ?? [];
  if (size === '') return null;
  const by = more === undefined ? 'log' : more.endsWith('.tsr') ? 'tsa' : 'witness';
  return { kind: 'checkpoint', org, device, size: Number(size), by };
}

function part(name: string): PartName | null {
  const [, org = '', device = '', day = '', sid = '', n = '', attempt, age] = PART.exec(name) ?? [];
  if (n === '') return null;
  return {
    kind: 'part',
    org,
    device,
    day,
    sid,
    n: Number(n),
    attempt: Number(attempt ?? 0),
    encrypted: age !== undefined,
  };
}
