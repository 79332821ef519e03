import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openLogFile } from './log-file.ts';

it('appends lines, and none once it is closed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'cs-log-'));
  const path = join(folder, 'gateway.log');
  for (const line of ['one\n', 'two\n']) {
    const file = openLogFile(path);
    file.write(line);
    file.close();
    file.write('late\n');
  }
  expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
  rmSync(folder, { recursive: true });
});

it.skipIf(!existsSync('/dev/full'))('loses what a full disk does not take, and goes on', () => {
  const file = openLogFile('/dev/full');
  file.write('lost\n');
  file.write('lost\n');
  file.close();
});
