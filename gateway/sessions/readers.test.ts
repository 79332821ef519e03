import { beforeEach, expect, it } from 'vitest';
import { createReaders, type Readers } from './readers.ts';

const SUBJECTS = new Map([
  ['S1', 'acme:ada'],
  ['S2', 'acme:bob'],
  ['S3', 'acme:Ada'],
]);
let only: string | null;
let now: number;
let log: string[];
let readers: Readers;
beforeEach(() => {
  [only, now, log] = ['acme:ada', 0, []];
  readers = createReaders({
    onlySubject: () => only,
    subject: () => 'acme:ada',
    display: () => 'Ada',
    subjectOf: async (sid) => SUBJECTS.get(sid) ?? null,
    log: async ({ how, sids, by }) => void log.push(`${by} ${how} ${sids.join(' ')}`),
    now: () => now,
  });
});

it('lets a developer open their own alone, letter by letter', async () => {
  await readers.open('S1');
  await expect(readers.open('S2')).rejects.toMatchObject({ code: 'SESSION_OF_ANOTHER' });
  await expect(readers.open('S3')).rejects.toMatchObject({ code: 'SESSION_OF_ANOTHER' });
  expect(log).toEqual([]);
});

it('says nothing of sessions that there are not', async () => {
  await readers.open('S9');
  expect(log).toEqual([]);
});

it('tells of each of somebody else’s sessions that an auditor opens, once an hour', async () => {
  only = null;
  for (const sid of ['S1', 'S2', 'S2', 'S3']) await readers.open(sid);
  expect(log).toEqual(['Ada opened S2', 'Ada opened S3']);
  now = 3_600_000;
  await readers.open('S2');
  expect(log).toHaveLength(3);
});

it('tells of a page what on it is somebody else’s and was not told', async () => {
  only = null;
  await readers.shown('listed', ['S1', 'S2', 'S2']);
  await readers.shown('searched', ['S2', 'S3']);
  await readers.open('S2');
  expect(log).toEqual(['Ada listed S2', 'Ada searched S3', 'Ada opened S2']);
});

it('shows nothing that the log does not take', async () => {
  only = null;
  const failing = createReaders({
    onlySubject: () => null,
    subject: () => 'acme:ada',
    display: () => 'Ada',
    subjectOf: async () => 'acme:bob',
    log: () => Promise.reject(new Error('the log is full')),
    now: () => 0,
  });
  for (let tries = 0; tries < 2; tries += 1) await expect(failing.open('S2')).rejects.toThrow('the log is full');
});
