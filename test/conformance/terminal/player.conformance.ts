// @vitest-environment jsdom
import { beforeAll, expect, it } from 'vitest';
import { terminalCast } from '../../../gateway/audit/export/terminal-cast.ts';
import type { PlaybackSource } from '../../../gateway/protocols/terminal/playback.ts';

const START = Date.UTC(2026, 10, 1) * 1000;
const bytes = (text: string) => new TextEncoder().encode(text);
const euro = bytes('€');

/** A second of a terminal: colours, a window that grows, a character that comes in two parts, the alternate screen. */
const source: PlaybackSource = {
  async *events() {
    yield {
      seq: 1,
      at: START,
      type: 'command',
      detail: { text: 'ls', terminal: { cols: 40, rows: 10, type: 'xterm-256color' } },
    };
    yield { seq: 2, at: START + 300_000, type: 'resize', detail: { cols: 60, rows: 12 } };
    yield { seq: 3, at: START + 900_000, type: 'ended', detail: { code: 3, problem: null } };
  },
  async *pieces() {
    const down = { exchange: 0, direction: 'down' as const };
    yield { ...down, unit: 0, at: START + 100_000, bytes: bytes('\u001b[31mred\u001b[0m one\r\n') };
    yield { ...down, unit: 1, at: START + 200_000, bytes: euro.subarray(0, 1) };
    yield { exchange: 0, direction: 'up', unit: 2, at: START + 250_000, bytes: bytes('typed') };
    yield { ...down, unit: 3, at: START + 400_000, bytes: new Uint8Array([...euro.subarray(1), ...bytes(' two\r\n')]) };
    yield { ...down, unit: 4, at: START + 500_000, bytes: bytes('\u001b[?1049h\u001b[Hgone\u001b[?1049l') };
    yield { ...down, unit: 5, at: START + 800_000, bytes: bytes('last') };
  },
};

/** What the player asks of a browser and jsdom does not have: it draws its blocks on a canvas, and texts in the page. */
beforeAll(() => {
  const nothing = new Proxy({}, { get: () => () => ({ width: 8 }), set: () => true });
  HTMLCanvasElement.prototype.getContext = (() => nothing) as unknown as HTMLCanvasElement['getContext'];
  globalThis.ResizeObserver = class {
    observe(): void {}
    unobserve(): void {}
    disconnect(): void {}
  };
});

async function cast(version: 2 | 3): Promise<string[]> {
  const lines: string[] = [];
  const options = { version, openedAt: START, title: 'a session', idle: 60_000, input: true };
  await terminalCast(source, '', options, async (line) => void lines.push(line));
  return lines;
}

it.each([2, 3] as const)('the official player plays an asciicast of version %i to its end', async (version) => {
  const { create } = await import('asciinema-player');
  const place = document.createElement('div');
  document.body.append(place);
  const problems: unknown[] = [];
  const log = () => {};
  const player = create({ data: (await cast(version)).join('\n') }, place, {
    speed: 20,
    logger: {
      log,
      debug: log,
      info: log,
      warn: (...said: unknown[]) => problems.push(said),
      error: (...said: unknown[]) => problems.push(said),
    },
  });
  const ended = new Promise<void>((resolve) => player.addEventListener('ended', () => resolve()));
  await player.play();
  expect(await player.getDuration()).toBeCloseTo(version === 3 ? 0.9 : 0.8, 2);
  await ended;
  expect(problems).toEqual([]);
  await expect.poll(() => place.textContent).toContain('last');
  expect(place.textContent).toContain('€ two');
  expect(place.textContent).not.toContain('gone');
  player.dispose();
});
