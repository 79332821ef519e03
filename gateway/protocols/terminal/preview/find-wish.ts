import { type Looking, pathsOf } from './looking.ts';
import type { FindTests, Wish } from './wish.ts';

const UNKNOWN = 'What find removes is known only when it runs';

/** `find … -delete` and `find … -exec rm`, where all of its tests are followed. */
export function findWish(call: Looking): Wish[] {
  const words = call.words.map(({ text }) => text);
  const first = words.findIndex((text) => text === null || /^[-(!]/.test(text));
  const end = first < 0 ? words.length : first;
  const expression = words.slice(end);
  const removing = expression.findIndex((text) => text === '-delete' || /^-exec(dir)?$/.test(text ?? ''));
  if (removing < 0) return [];
  const removes = removalOf(expression.slice(removing));
  if (removes === null) return [];
  const tests = testsOf(expression.slice(0, removing));
  const roots = pathsOf(call, call.words.slice(0, end), 'looks into');
  if (removes === 'unknown' || tests === null || roots.unknown.length > 0)
    return [{ kind: 'unknown', sentence: UNKNOWN }];
  const paths = roots.paths.length === 0 ? [{ text: '.', glob: false }] : roots.paths;
  return [{ kind: 'find', cwd: call.cwd, roots: paths, tests, deep: removes === 'deep' }];
}

/** null: it removes nothing. */
function removalOf([action, ...rest]: readonly (string | null)[]): 'each' | 'deep' | 'unknown' | null {
  if (action === '-delete') return rest.length === 0 ? 'each' : 'unknown';
  const end = rest.findIndex((text) => text === ';' || text === '+');
  const [program, ...args] = rest.slice(0, end);
  if (program !== 'rm') return null;
  const plain = end >= 0 && end === rest.length - 1 && args.at(-1) === '{}' && args.slice(0, -1).every(isRmOption);
  if (!plain) return 'unknown';
  return args.some((text) => /^-\w*[rR]/.test(text ?? '')) ? 'deep' : 'each';
}

const isRmOption = (text: string | null) => text !== null && /^(-[rRfv]+|--)$/.test(text);

/** Tests that all have to hold; null where there is one that is not followed. */
function testsOf(words: readonly (string | null)[]): FindTests | null {
  const tests: FindTests = { names: [], paths: [], types: '', min: 0, max: 64, empty: false };
  for (let at = 0; at < words.length; at += 1) {
    const test = words[at];
    if (test === '-empty') {
      tests.empty = true;
      continue;
    }
    if (test === '-depth' || test === '-xdev' || test === '-mount' || test === '-print') continue;
    const value = words[++at];
    if (value === null || value === undefined) return null;
    if (test === '-name' || test === '-iname') tests.names.push({ pattern: value, fold: test === '-iname' });
    else if (test === '-path') tests.paths.push(value);
    else if (test === '-type' && /^[fdl](,[fdl])*$/.test(value)) tests.types = value.replaceAll(',', '');
    else if (test === '-maxdepth' && /^\d{1,3}$/.test(value)) tests.max = Math.min(64, Number(value));
    else if (test === '-mindepth' && /^\d{1,3}$/.test(value)) tests.min = Number(value);
    else return null;
  }
  return tests;
}
