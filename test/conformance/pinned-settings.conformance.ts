import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeQuery } from '../../gateway/protocols/postgres/codec/write-frontend.ts';
import { events } from '../../gateway/recording/reader.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { RawClient } from '../support/raw-client.ts';
import { closedSessions } from '../support/recordings.ts';
import { ALLOW_ALL } from '../support/service.ts';
import { type SideBySide, startSideBySide } from '../support/side-by-side.ts';

/** Settings under which a text means something else than what was decided on. */
const OFF = 'SET standard_conforming_strings = off';
const HIDDEN = "DO $$ BEGIN EXECUTE 'SET standard_con' || 'forming_strings = off'; END $$";

let postgres: TestPostgres;
let enforced: SideBySide;
let observed: SideBySide;

beforeAll(async () => {
  postgres = await startPostgres();
  enforced = await startSideBySide(postgres, { policy: ALLOW_ALL });
  observed = await startSideBySide(postgres, { policy: ALLOW_ALL, connection: { mode: 'observe' } });
});
afterAll(async () => {
  await enforced?.stop();
  await observed?.stop();
  await postgres?.stop();
});

it('are refused where policy is enforced, whatever the policy says', async () => {
  const client = await RawClient.connect(enforced.gateway);
  client.send(writeQuery(OFF));
  expect(await client.until('Z')).toEqual(['E ERROR 42501', 'Z I']);
  client.send(writeQuery('SHOW standard_conforming_strings'));
  expect(await client.until('Z')).toContain('D on');
  client.end();
});

it('end the session where they were changed out of sight', async () => {
  const client = await RawClient.connect(enforced.gateway);
  client.send(writeQuery(HIDDEN));
  expect(await client.rest()).toEqual(['C DO', 'E FATAL 08P01']);
});

it.each([
  ['by a statement', OFF],
  ['out of sight', HIDDEN],
])('are changed %s in observe mode, and that is recorded', async (how, text) => {
  const application = `pins ${how}`;
  const client = await RawClient.connect(observed.gateway, { application_name: application });
  client.send(writeQuery(text));
  expect((await client.until('Z')).at(-1)).toBe('Z I');
  client.send(writeQuery("SELECT 'it\\'s'"));
  expect(await client.until('Z')).toContain("D it's");
  client.end();
  const [session] = await closedSessions(observed.service.home, application);
  const changed: unknown[] = [];
  for await (const event of events(session!.folder)) {
    if (event.type === 'pinned-setting-changed') changed.push(event.detail);
  }
  expect(changed).toEqual([{ name: 'standard_conforming_strings', value: 'off' }]);
});
