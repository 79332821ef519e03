/**
 * Built-in types by OID (PostgreSQL's pg_type.dat), as far as masking tells them apart.
 * `other`: known, and no marker fits in it. `user`: made in the database; its shape is not known here.
 */
export type TypeKind =
  | 'text'
  | 'json'
  | 'jsonb'
  | 'int2'
  | 'int4'
  | 'int8'
  | 'float4'
  | 'float8'
  | 'numeric'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'uuid'
  | 'bytea'
  | 'inet'
  | 'record'
  | 'array'
  | 'other'
  | 'user';

const SCALARS: Readonly<Record<number, TypeKind>> = {
  25: 'text',
  1043: 'text',
  1042: 'text',
  19: 'text',
  142: 'text', // xml
  705: 'text', // unknown
  2275: 'text', // cstring
  114: 'json',
  3802: 'jsonb',
  21: 'int2',
  23: 'int4',
  20: 'int8',
  700: 'float4',
  701: 'float8',
  1700: 'numeric',
  1082: 'date',
  1114: 'timestamp',
  1184: 'timestamptz',
  2950: 'uuid',
  17: 'bytea',
  869: 'inet',
  650: 'inet', // cidr
  2249: 'record',
};

/** Element types of built-in array types whose elements are masked one by one; other arrays are `other`. */
const ELEMENTS: Readonly<Record<number, number>> = {
  1009: 25,
  1015: 1043,
  1014: 1042,
  1003: 19,
  143: 142,
  199: 114,
  3807: 3802,
  1005: 21,
  1007: 23,
  1016: 20,
  1021: 700,
  1022: 701,
  1231: 1700,
  1182: 1082,
  1115: 1114,
  1185: 1184,
  2951: 2950,
  1001: 17,
  1041: 869,
  651: 650,
  2287: 2249,
};

/** First OID that the server gives to what users make (FirstNormalObjectId). */
export const FIRST_USER_OID = 16384;

/** By OID, all of them below 4,096: looked up for every value. */
const KINDS: readonly TypeKind[] = Array.from(
  { length: 4096 },
  (_, oid) => SCALARS[oid] ?? (ELEMENTS[oid] === undefined ? 'other' : 'array'),
);

export function kindOf(oid: number): TypeKind {
  return oid < KINDS.length ? KINDS[oid]! : oid >= FIRST_USER_OID ? 'user' : 'other';
}

export function elementOf(arrayOid: number): number {
  return ELEMENTS[arrayOid] ?? 0;
}

/** Whether content detection looks into values of the type. */
export function holdsText(oid: number): boolean {
  const kind = kindOf(oid);
  if (kind === 'array') return holdsText(elementOf(oid));
  return kind === 'text' || kind === 'json' || kind === 'jsonb' || kind === 'record' || kind === 'user';
}
