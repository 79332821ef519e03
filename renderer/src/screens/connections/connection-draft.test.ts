import { expect, test } from 'vitest';
import { Connection } from '../../../../gateway/contract/connection.ts';
import { EMPTY, toConnection, toDraft } from './connection-draft.ts';

const full = {
  ...Connection.parse({
    id: 'shop',
    kind: 'postgres',
    host: 'db.internal',
    user: 'app',
    database: 'shop',
    databases: ['a', 'b'],
    tls: { mode: 'verify-ca', direct: true, caFile: '/ca.pem', certFile: '/c.pem', keyFile: '/k.pem' },
    columns: [{ table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS', action: 'hash' }],
    detectors: { enabled: false },
    access: { analysts: 'read-only', dba: 'admin' },
  }),
  hasSecret: true,
  openSessions: 2,
};

test('what is opened and saved unchanged stays as it was, fields that the form does not show included', () => {
  const { hasSecret: _, openSessions: __, ...connection } = full;
  expect(toConnection(toDraft(full), full)).toEqual({ ok: true, connection });
});

test('each missing or wrong field is named', () => {
  const checked = toConnection(
    {
      ...EMPTY,
      id: 'No Spaces',
      port: 'x',
      columns: [{ key: 0, schema: 'public', table: '', column: 'email', entity: 'EMAIL_ADDRESS', action: 'redact' }],
    },
    null,
  );
  expect(checked.ok).toBe(false);
  expect(Object.keys(checked.ok ? {} : checked.errors).toSorted()).toEqual([
    'columns.0.table',
    'database',
    'host',
    'id',
    'port',
    'user',
  ]);
});

test('emptied optional fields go away', () => {
  const checked = toConnection({ ...toDraft(full), caFile: ' ' }, full);
  expect(checked.ok && checked.connection.tls.caFile).toBeUndefined();
  expect(checked.ok && checked.connection.tls.direct).toBe(true);
});
