import { describe, expect, test } from 'vitest';
import {
  passStartupParameters,
  refusesReplication,
  type StartupRules,
  settingsOfOptions,
} from './startup-parameters.ts';

const rules: StartupRules = { id: 'demo', database: 'company', databases: ['other', 'demo-2'], mode: 'enforce' };

function pass(sent: Record<string, string>, changed: Partial<StartupRules> = {}, user = 'demo') {
  const decided = passStartupParameters({ ...rules, ...changed }, user, new Map(Object.entries({ user, ...sent })));
  return decided.ok
    ? { database: decided.passed.database, ...Object.fromEntries(decided.passed.parameters) }
    : decided.refusal.sqlstate;
}

describe('the database', () => {
  test.each([
    { asked: undefined, user: 'demo', database: 'company' },
    { asked: '', user: 'demo', database: 'company' },
    { asked: 'demo', user: 'demo', database: 'company' },
    { asked: 'demo+scram', user: 'demo+scram', database: 'company' },
    { asked: 'demo', user: 'demo+scram', database: 'company' },
    { asked: 'company', user: 'demo', database: 'company' },
    { asked: 'other', user: 'demo', database: 'other' },
    { asked: 'Other', user: 'demo', database: null },
    { asked: 'postgres', user: 'demo', database: null },
    { asked: '*', user: 'demo', database: null },
  ])('$asked of $user', ({ asked, user, database }) => {
    const passed = pass(asked === undefined ? {} : { database: asked }, {}, user);
    expect(passed).toEqual(database === null ? '3D000' : expect.objectContaining({ database }));
  });

  test('any where * is allowed; a name that the connection lists is itself', () => {
    expect(pass({ database: 'anything' }, { databases: ['*'] })).toMatchObject({ database: 'anything' });
    expect(pass({ database: 'demo' }, { databases: ['*'] })).toMatchObject({ database: 'company' });
    expect(pass({ database: 'demo' }, { databases: ['demo'] })).toMatchObject({ database: 'demo' });
    expect(pass({ database: '*' }, { databases: ['*'] })).toBe('3D000');
  });
});

describe('settings, in enforce mode', () => {
  test('go on to the server', () => {
    const sent = { application_name: 'x', DateStyle: 'ISO', TimeZone: 'UTC', options: '-c geqo=off' };
    expect(pass({ ...sent, '_pq_.x': '1', replication: 'off' })).toEqual({
      database: 'company',
      ...sent,
      client_encoding: 'UTF8',
    });
  });

  test.each(['UTF8', 'utf-8', 'UNICODE', 'auto', 'Utf_8'])('client_encoding %s is UTF8', (value) => {
    expect(pass({ Client_Encoding: value })).toEqual({ database: 'company', client_encoding: 'UTF8' });
  });

  test.each<Record<string, string>>([
    { client_encoding: 'SQL_ASCII' },
    { CLIENT_ENCODING: 'LATIN1' },
    { client_encoding: '' },
    { options: '-c client_encoding=SJIS' },
    { options: '--client-encoding=SJIS' },
    { options: '-cclient_encoding=SJIS' },
    { options: '-c Client_Encoding=SJIS' },
    { options: '-c cl\\ient_encoding=SJIS' },
    { options: '-c geqo=on\t--client_encoding=big5' },
    { standard_conforming_strings: 'off' },
    { Standard_Conforming_Strings: 'f' },
    { options: '-c standard_conforming_strings=0' },
    { options: '--standard-conforming-strings=no' },
    { options: '-c standard_conforming_strings=' },
  ])('%o is refused', (sent) => {
    expect(pass(sent)).toBe('22023');
    expect(pass(sent, { mode: 'observe' })).toEqual({ database: 'company', ...sent });
  });

  test.each(['on', 'true', 'T', 'yes', '1'])('standard_conforming_strings=%s may stay', (value) => {
    expect(pass({ standard_conforming_strings: value })).toMatchObject({ standard_conforming_strings: value });
  });

  test.each<Record<string, string>>([
    { role: 'admin' },
    { options: '-c role=admin' },
    { Session_Authorization: 'postgres' },
    { options: '-c session_preload_libraries=evil' },
    { log_statement: 'none' },
  ])('%o needs a statement that policy decides', (sent) => {
    expect(pass(sent)).toBe('42501');
  });

  test.each([
    '-e',
    '-O -c geqo=on',
    '-Oc standard_conforming_strings=off',
    '-c',
    '-c geqo',
    '--geqo',
    'geqo=on',
    '-c =on',
  ])('options %s are not settings', (options) => {
    expect(settingsOfOptions(options)).toBe(null);
    expect(pass({ options })).toBe('42601');
  });
});

test('replication is refused unless it says no', () => {
  for (const value of ['true', 'database', 'on', '1', '', 'x']) {
    expect(refusesReplication(new Map([['replication', value]]))?.sqlstate).toBe('0A000');
  }
  for (const value of ['false', 'off', '0', 'no']) {
    expect(refusesReplication(new Map([['replication', value]]))).toBe(null);
  }
  expect(refusesReplication(new Map())).toBe(null);
});
