import { expect, test } from 'vitest';
import type { GatewayStatus } from '../../../../gateway/contract/status.ts';
import type { SyncStatus } from '../../../../gateway/contract/sync.ts';
import { healthOf } from './health.ts';
import { needsOf } from './needs.ts';

const status = (part: Partial<GatewayStatus> = {}): GatewayStatus => ({
  version: '1',
  protection: 'protected',
  recorder: { ok: true, error: null, bytes: 0 },
  policy: { hash: 'a'.repeat(64), staged: null, error: null },
  pinSet: true,
  waiting: 0,
  openSessions: 0,
  postgres: { host: '127.0.0.1', port: 1 },
  identity: 'ada',
  device: { id: 'd', org: 'acme', size: 1, checkpointAt: null, problem: null, warning: null },
  notifications: { ok: true, sentence: 'by a daemon' },
  halt: null,
  administration: null,
  emergency: null,
  pauses: [],
  ...part,
});
const sync = (part: Partial<SyncStatus>): SyncStatus =>
  ({ state: 'up-to-date', lastError: null, ...part }) as SyncStatus;

test('nothing is needed where all is well', () => {
  expect(needsOf(status(), sync({}))).toEqual([]);
  expect(needsOf(status(), undefined)).toEqual([]);
  expect(healthOf(status(), sync({})).filter(({ tone }) => tone === 'bad' || tone === 'warn')).toEqual([]);
});

test('the worst comes first, with what the gateway says of it', () => {
  const troubled = status({
    recorder: { ok: false, error: 'the disk is full', bytes: 0 },
    policy: { hash: 'a'.repeat(64), staged: 'b'.repeat(64), error: 'line 3' },
    pinSet: false,
    device: { ...status().device, problem: 'the log is cut', warning: 'the clock moved' },
  });
  const needs = needsOf(troubled, sync({ state: 'blocked', lastError: { at: '', sentence: 'a key is missing' } }));
  expect(needs.map(({ key, tone, detail }) => [key, tone, detail])).toEqual([
    ['recorder', 'bad', 'the disk is full'],
    ['device', 'bad', 'the log is cut'],
    ['policy', 'bad', 'line 3'],
    ['sync', 'bad', 'a key is missing'],
    ['warning', 'warn', 'the clock moved'],
    ['staged', 'ask', null],
    ['pin', 'warn', null],
  ]);
  const bad = healthOf(troubled, sync({ state: 'failing' })).filter(({ tone }) => tone === 'bad' || tone === 'warn');
  expect(bad.map(({ to }) => to)).toEqual(['/settings', '/policy', '/evidence', '/evidence', '/settings']);
});
