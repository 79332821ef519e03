import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { AppAnswer } from '../contract/desktop.ts';
import type { Service } from '../service.ts';
import { type ChildProcessSide, openAppChannel } from './app-channel.ts';

function side() {
  const told: AppAnswer[] = [];
  const emitter = new EventEmitter();
  const double = Object.assign(emitter, {
    send: (message: AppAnswer) => {
      told.push(message);
      return true;
    },
  }) as unknown as ChildProcessSide & EventEmitter;
  return { double, told };
}
let codes = 0;
const service = () =>
  ({
    control: { url: 'http://127.0.0.1:1', socketPath: '/run/x.sock' },
    get loginCode() {
      return `CODE-${++codes}`;
    },
  }) as Service;

describe('the channel of the desktop app', () => {
  it('tells the first code once the gateway serves, and another for each question', () => {
    codes = 0;
    const { double, told } = side();
    const channel = openAppChannel(double);
    double.emit('message', { ask: 'code' });
    expect(told).toEqual([]);
    channel.ready(service());
    double.emit('message', { ask: 'code' });
    expect(told).toEqual([{ ready: { socket: '/run/x.sock', code: 'CODE-1' } }, { code: 'CODE-2' }]);
  });

  it('ends the gateway on request, and on nothing else', async () => {
    const { double, told } = side();
    const channel = openAppChannel(double);
    for (const message of [null, 'stop', {}, { ask: 'x' }, { ask: ['stop'] }]) double.emit('message', message);
    expect(await Promise.race([channel.stop, Promise.resolve('goes on')])).toBe('goes on');
    double.emit('message', { ask: 'stop' });
    expect(await channel.stop).toBe('the desktop app');
    expect(told).toEqual([]);
  });

  it('is refused where nobody is at the other end', () => {
    expect(() => openAppChannel(new EventEmitter() as unknown as ChildProcessSide)).toThrow('desktop app');
  });
});
