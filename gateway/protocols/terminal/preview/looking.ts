import { isOption, type Parsed } from '../classifier/options.ts';
import type { Word } from '../classifier/words.ts';
import { MAX_WORDS, type PathWord, type Wish } from './wish.ts';

/** A program that is looked at, in a folder that is known. */
export interface Looking {
  name: string;
  words: readonly Word[];
  cwd: string;
}

export const has = (options: Parsed['options'], names: string): boolean => options.some((one) => isOption(one, names));

/** Words that are known, and a sentence for those that are not. */
export function pathsOf(call: Looking, words: readonly Word[], verb: string): { paths: PathWord[]; unknown: Wish[] } {
  const paths: PathWord[] = [];
  const unknown: Wish[] = [];
  for (const word of words.slice(0, MAX_WORDS)) {
    if (word.text === null || isDoubtful(word))
      unknown.push({
        kind: 'unknown',
        sentence: `What ${call.name} ${verb} (${word.source}) is known only when it runs`,
      });
    else if (word.text !== '') paths.push({ text: word.text, glob: word.glob });
  }
  if (words.length > MAX_WORDS)
    unknown.push({ kind: 'unknown', sentence: `${call.name} names more files than are looked at` });
  return { paths, unknown };
}

/** A pattern whose special characters are partly quoted, or one that shells read in different ways. */
function isDoubtful({ text, glob, source }: Word): boolean {
  if (!glob || text === null) return false;
  const special = (value: string) => value.match(/[*?[]/g)?.length ?? 0;
  const bare = source.replace(/'[^']*'|"[^"]*"|\\[\s\S]/g, '');
  return text.includes('**') || (/['"\\]/.test(source) && special(bare) !== special(text));
}
