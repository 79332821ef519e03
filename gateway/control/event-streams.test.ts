import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { testOperation, testVerdict } from '../approvals/test-operation.ts';
import type { ApiEvent } from '../contract/api.ts';
import { EventStreams } from './event-streams.ts';

class TestResponse extends EventEmitter {
  written = '';
  writableLength = 0;
  destroyed = false;
  writeHead(): void {}
  write(text: string): void {
    this.written += text;
  }
  destroy(): void {
    this.destroyed = true;
  }
}

const event: ApiEvent = {
  type: 'approval',
  approval: {
    id: 'a',
    state: 'waiting',
    operation: testOperation({ text: 'SELECT 1;\n\ndata: forged' }),
    verdict: testVerdict(),
    estimatedRows: null,
    createdAt: '2026-01-05T10:00:00.000Z',
    expiresAt: '2026-01-05T10:10:00.000Z',
    latestAt: '2026-01-05T11:50:00.000Z',
    decidedAt: null,
    decidedBy: null,
    channel: null,
    message: null,
    grantId: null,
  },
};

let streams: EventStreams;
beforeEach(() => {
  vi.useFakeTimers();
  streams = new EventStreams(15_000);
});
afterEach(() => {
  streams.close();
  vi.useRealTimers();
});
function open(alive: () => boolean = () => true): TestResponse {
  const response = new TestResponse();
  streams.open(response as unknown as ServerResponse, alive);
  response.written = '';
  return response;
}

it('sends an event as one message, whatever its text holds', () => {
  const response = open();
  streams.publish(event);
  expect(response.written.split('\n\n')).toHaveLength(2);
  expect(JSON.parse(response.written.slice('data: '.length))).toEqual(event);
});

it('keeps quiet streams alive', () => {
  const response = open();
  vi.advanceTimersByTime(15_000);
  expect(response.written).toBe(': keepalive\n\n');
});

it('drops a reader that does not read, and no other', () => {
  const [slow, quick] = [open(), open()];
  slow.writableLength = 4 * 1024 * 1024 + 1;
  streams.publish(event);
  expect([slow.destroyed, slow.written, quick.destroyed]).toEqual([true, '', false]);
  expect(streams.size).toBe(1);
});

it('tells nothing to a stream whose session has ended', () => {
  let alive = true;
  const response = open(() => alive);
  alive = false;
  streams.publish(event);
  expect([response.destroyed, response.written]).toEqual([true, '']);
});

it('forgets a stream that closed', () => {
  const response = open();
  response.emit('close');
  expect(streams.size).toBe(0);
});
