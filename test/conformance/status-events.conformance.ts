import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ApiEvent } from '../../gateway/contract/api.ts';
import { startTestService, type TestService } from '../support/service.ts';
import { eventually, setTestPin } from '../support/side-by-side.ts';

/** A console that is open shows the gateway as it is, whoever changed it. */
let gateway: TestService;
beforeAll(async () => {
  gateway = await startTestService({ connections: [] });
});
afterAll(() => gateway?.stop());

it('tells that the PIN was set to whoever listens', async () => {
  const heard: ApiEvent[] = [];
  const stop = new AbortController();
  const listening = gateway.control.events((event) => heard.push(event), stop.signal);
  const told = (pinSet: boolean) =>
    heard.some((event) => event.type === 'status' && event.status.pinSet === pinSet) ? true : null;
  // Nothing is told to a stream that is not open yet: what the policy has to say shows that it is.
  await eventually('an event', async () => {
    await gateway.control.call('stagePolicy', { text: '@id("all")\npermit (principal, action, resource);\n' });
    return told(false);
  });
  await setTestPin(gateway);
  await eventually('the event', () => told(true));
  stop.abort();
  await listening;
  expect(told(true)).toBe(true);
});
