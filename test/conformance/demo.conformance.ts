import { afterAll, expect, it } from 'vitest';
import { freshHome, removeHome, runCountersign } from '../support/gateway.ts';

const home = freshHome();
afterAll(() => removeHome(home));

it('plays, lets requests expire where nobody decides, and verifies and replays the recording', async () => {
  const { code, out, err } = await runCountersign(home, ['demo', '--expire-after', '3']);
  expect(err).not.toContain('Not as it should be');
  expect(out).toContain('Personal data came back masked');
  expect(out.match(/The gateway holds it and asks a person/g)).toHaveLength(2);
  expect(out.match(/42501/g)?.length).toBeGreaterThanOrEqual(3);
  expect(out).toContain('sessions verify');
  expect(out).toContain('sessions replay');
  expect(code).toBe(0);
}, 180_000);
