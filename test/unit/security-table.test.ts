import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { attackTable } from '../hostile/attacks.ts';

it('SECURITY.md has the table that the hostile-process test goes by', () => {
  const text = readFileSync(new URL('../../SECURITY.md', import.meta.url), 'utf8');
  const between = /<!-- attacks: [^\n]*-->\n([\s\S]*?)<!-- \/attacks -->/.exec(text)?.[1];
  expect(between?.trim()).toBe(attackTable());
});
