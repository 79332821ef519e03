import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { canonicalJson, type Json } from './jcs.ts';
import { toOcsf } from './ocsf.ts';
import type { OcsfRecord } from './ocsf-objects.ts';
import { events, statement } from './test-events.ts';

const options = {
  version: '0.1.0',
  sha256: (bytes: Uint8Array) => new Uint8Array(createHash('sha256').update(bytes).digest()),
};
interface Plain extends Record<string, unknown> {
  class_uid: number;
  class_name: string;
  activity_id: number;
  activity_name: string;
  category_uid: number;
  type_uid: number;
  type_name: string;
  metadata: { version: string; profiles: string[] };
  attestation_list: { fingerprint: { value: string } }[];
  query_info: { query_string: string };
}
const plain = (record: OcsfRecord) => JSON.parse(JSON.stringify(record)) as Plain;
const records = events.map((event) => plain(toOcsf(event, options)));

/** Attributes of OCSF 1.9.0 by class and object: what is read of the published schema, as far as it is used. */
const BASE =
  'activity_id activity_name category_uid category_name class_uid class_name type_uid type_name severity_id severity time metadata message status status_id status_code status_detail unmapped attestation_list start_time end_time';
const AI = 'ai_agent ai_model delegation message_context';
const CONTROL = 'action action_id disposition disposition_id is_alert policy authorizations';
const CLASSES: Record<number, { allowed: string; required: string; oneOf: string[] }> = {
  6005: {
    allowed: `${BASE} ${AI} ${CONTROL} actor database databucket table query_info src_endpoint dst_endpoint type type_id`,
    required: 'actor src_endpoint',
    oneOf: ['database', 'databucket', 'table'],
  },
  3002: {
    allowed: `${BASE} ${AI} ${CONTROL} actor user auth_protocol auth_protocol_id is_remote service session src_endpoint dst_endpoint`,
    required: 'user',
    oneOf: ['service', 'dst_endpoint'],
  },
  2004: {
    allowed: `${BASE} is_alert finding_info evidences resources`,
    required: 'finding_info',
    oneOf: ['finding_info'],
  },
};
const OBJECTS: Record<string, { allowed: string; required: string }> = {
  metadata: {
    allowed: 'version product profiles uid original_event_uid correlation_uid event_code log_name',
    required: 'version product',
  },
  actor: { allowed: 'user process session application authorizations idp iam_role', required: '' },
  ai_agent: { allowed: 'uid name instance_uid type_id type version ai_model charter', required: 'uid' },
  ai_model: { allowed: 'model_name name ai_provider version uid', required: 'model_name ai_provider' },
  delegation: { allowed: 'uid issuer_uid scopes created_time expiration_time parent_uid audience', required: 'uid' },
  query_info: { allowed: 'query_string uid query_time bytes name data', required: 'query_string' },
  finding_info: {
    allowed: 'uid title desc created_time first_seen_time last_seen_time analytic related_events_count',
    required: 'uid',
  },
  analytic: { allowed: 'type_id type uid name', required: 'type_id' },
  database: { allowed: 'name uid type_id type', required: 'type_id' },
  fingerprint: { allowed: 'algorithm algorithm_id value', required: 'algorithm_id value' },
};

function check(name: string, value: unknown): void {
  if (typeof value !== 'object' || value === null || name === 'unmapped') return;
  if (Array.isArray(value)) {
    for (const one of value) check(name, one);
    return;
  }
  const rule = OBJECTS[name];
  const keys = Object.keys(value);
  if (rule !== undefined) {
    expect(rule.allowed.split(' '), name).toEqual(expect.arrayContaining(keys));
    if (rule.required !== '') expect(keys, name).toEqual(expect.arrayContaining(rule.required.split(' ')));
  }
  for (const [key, inner] of Object.entries(value)) check(key, inner);
}

test.each(records)('$type_name has the attributes that its class has in OCSF 1.9, and those it must have', (record) => {
  const { allowed, required, oneOf } = CLASSES[record.class_uid]!;
  expect(allowed.split(' ')).toEqual(expect.arrayContaining(Object.keys(record)));
  const base = 'activity_id category_uid class_uid type_uid severity_id time metadata';
  expect(Object.keys(record)).toEqual(expect.arrayContaining(`${base} ${required}`.split(' ')));
  expect(oneOf.some((name) => name in record)).toBe(true);
  expect(record.type_uid).toBe(record.class_uid * 100 + record.activity_id);
  expect(record.type_name).toBe(`${record.class_name}: ${record.activity_name}`);
  expect(record.category_uid).toBe(Math.floor(record.class_uid / 1000));
  expect(record.metadata.version).toBe('1.9.0');
  for (const [profile, attribute] of [
    ['ai_operation', 'ai_agent'],
    ['security_control', 'action_id'],
    ['record_integrity', 'attestation_list'],
  ] as const) {
    expect(record.metadata.profiles.includes(profile), profile).toBe(attribute in record);
  }
  check('', record);
});

test('a statement says who, with what, on what, how it was decided and where the evidence is', () => {
  const record = plain(toOcsf(statement(), options));
  expect(record).toMatchObject({
    class_uid: 6005,
    activity_name: 'Update',
    time: 1_772_600_767_123,
    action: 'Allowed',
    disposition: 'Approved',
    policy: { name: 'writes-ask' },
    actor: { user: { uid: 'ada', groups: [{ name: 'dba' }, { name: 'eu' }] }, process: { name: 'cursor', pid: 4711 } },
    ai_agent: { name: 'cursor', version: '2.1', ai_model: { model_name: 'm-1' } },
    delegation: { uid: 'G1' },
    dst_endpoint: { hostname: 'db.internal', port: 5432 },
    table: { name: 'public.orders' },
    metadata: { original_event_uid: '01JTEST0000000000000000001/12' },
    unmapped: { countersign: { leaf_hash: 'bGVhZg==', masked: { EMAIL_ADDRESS: 2 }, rows: 3, decided_by: 'grace' } },
  });
  expect(record).not.toHaveProperty('query_info');
});

test.each([
  ['SELECT', 'read', 'Query'],
  ['INSERT', 'write', 'Write'],
  ['COPY', 'read', 'Read'],
  ['COPY', 'write', 'Write'],
  ['DROP TABLE', 'destructive', 'Delete'],
  ['CREATE TABLE', 'destructive', 'Create'],
  ['BEGIN', 'session', 'BEGIN'],
] as const)('%s of class %s is the activity %s', (op, kind, activity) => {
  expect(toOcsf(statement({ op, class: kind }), options).activity_name).toBe(activity);
});

test('a text is sent only when it is given, and cut', () => {
  expect(plain(toOcsf(statement({ text: 'x'.repeat(100_000) }), options)).query_info.query_string).toHaveLength(65_536);
});

test('the fingerprint is over the record without it, in canonical form, so any change of the record shows', () => {
  for (const event of events) {
    const record = plain(toOcsf(event, options));
    const { fingerprint, ...rest } = record.attestation_list[0]!;
    const over = (changed: object) =>
      createHash('sha256')
        .update(canonicalJson({ ...record, ...changed, attestation_list: [rest] } as Json))
        .digest('hex');
    expect(fingerprint.value).toBe(over({}));
    expect(fingerprint.value).not.toBe(over({ message: 'x' }));
  }
});

test('canonical JSON is as in RFC 8785', () => {
  // Section 3.2.3 of the RFC, the part that sorting is about.
  const sorted = canonicalJson({
    '\u20ac': 'Euro',
    '\r': 'CR',
    '\ufb33': 'Dalet',
    '1': 'One',
    '\ud83d\ude00': 'Smiley',
    '\u0080': 'Control',
    '\u00f6': 'o',
  });
  expect(Object.values(JSON.parse(sorted)).length).toBe(7);
  expect([...sorted.matchAll(/"(CR|One|Control|o|Euro|Smiley|Dalet)"/g)].map((match) => match[1])).toEqual([
    'CR',
    'One',
    'Control',
    'o',
    'Euro',
    'Smiley',
    'Dalet',
  ]);
  expect(canonicalJson({ b: [1, null, true], a: { y: undefined, x: 'ü"' } })).toBe(
    '{"a":{"x":"ü\\""},"b":[1,null,true]}',
  );
});
