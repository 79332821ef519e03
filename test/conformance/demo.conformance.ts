import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { COUNTERSIGN, freshHome, removeHome, runCountersign } from '../support/gateway.ts';

const homes: string[] = [];
afterAll(() => homes.forEach(removeHome));

function home(): string {
  const made = freshHome();
  homes.push(made);
  return made;
}

/** Debian's `nobody`, to play an ordinary user where the tests run as root and such a user can read the program. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const asNobody =
  process.getuid?.() === 0 && spawnSync(COUNTERSIGN[0]!, [COUNTERSIGN[1]!, '--help'], NOBODY).status === 0;

const played = (out: string) => {
  expect(out).toContain('Personal data came back masked');
  expect(out.match(/The gateway holds it and asks a person/g)).toHaveLength(2);
  expect(out.match(/42501/g)?.length).toBeGreaterThanOrEqual(3);
  expect(out).toContain('sessions verify');
  expect(out).toContain('sessions replay');
};

it('plays, lets requests expire where nobody decides, and verifies and replays the recording', async () => {
  const { code, out, err } = await runCountersign(home(), ['demo', '--expire-after', '3']);
  expect(err).not.toContain('Not as it should be');
  played(out);
  expect(code).toBe(0);
}, 180_000);

it.skipIf(!asNobody)(
  'plays for an ordinary user as it does for root',
  async () => {
    const own = home();
    const temporary = join(own, 'tmp');
    mkdirSync(temporary);
    for (const folder of [own, temporary]) chownSync(folder, NOBODY.uid, NOBODY.gid);
    const env = { ...process.env, HOME: own, TMPDIR: temporary };
    const { code, out, err } = await runCountersign(
      join(own, 'home'),
      ['demo', '--expire-after', '3'],
      '',
      env,
      NOBODY,
    );
    expect(err).not.toContain('Not as it should be');
    played(out);
    expect(code).toBe(0);
  },
  180_000,
);
