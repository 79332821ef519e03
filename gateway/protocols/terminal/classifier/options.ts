import type { Word } from './words.ts';

export interface Option {
  /** `-x` or `--long`, as written; `-xyz` is three. */
  name: string;
  value: Word | null;
}

export interface Parsed {
  options: Option[];
  operands: Word[];
  /** Arguments known only at run time that could be options. */
  uncertain: Word[];
}

export interface OptionGrammar {
  /** Options that take a value, apart by blanks. */
  values?: string;
  /** Options are whole words with one dash, as find's and Java's are. */
  single?: boolean;
  /** The first operand ends the options: what follows belongs to a command in it. */
  stops?: boolean;
}

/** An option is looked for by its name, and, as getopt_long does, by the beginning of a long one. */
export function isOption(option: Option, names: string): boolean {
  return names.split(' ').some((name) => named(option.name, name));
}

function named(written: string, name: string): boolean {
  if (written === name) return true;
  return written.startsWith('--') && written.length >= 3 && name.startsWith('--') && name.startsWith(written);
}

export function parseOptions(words: readonly Word[], grammar: OptionGrammar): Parsed {
  const out: Parsed = { options: [], operands: [], uncertain: [] };
  const takes = (grammar.values ?? '').split(' ').filter(Boolean);
  const takesValue = (name: string) => takes.some((one) => named(name, one));
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    const text = word.text;
    if (text === null) {
      if (word.prefix === '' || word.prefix.startsWith('-') || word.splits) out.uncertain.push(word);
      out.operands.push(word);
    } else if (text === '--') {
      out.operands.push(...words.slice(i + 1));
      return out;
    } else if (!text.startsWith('-') || text === '-') {
      if (word.glob && /^[*?[]/.test(text)) out.uncertain.push(word);
      if (grammar.stops) {
        out.operands.push(...words.slice(i));
        return out;
      }
      out.operands.push(word);
    } else if (text.startsWith('--') || grammar.single) {
      const equals = text.indexOf('=');
      const name = equals < 0 ? text : text.slice(0, equals);
      if (equals >= 0) out.options.push({ name, value: part(word, equals + 1) });
      else out.options.push({ name, value: takesValue(name) ? (words[++i] ?? null) : null });
    } else if (takes.includes(text)) {
      out.options.push({ name: text, value: words[++i] ?? null });
    } else {
      for (let at = 1; at < text.length; at += 1) {
        const name = `-${text[at]}`;
        if (!takes.includes(name)) {
          out.options.push({ name, value: null });
          continue;
        }
        out.options.push({ name, value: at + 1 < text.length ? part(word, at + 1) : (words[++i] ?? null) });
        break;
      }
    }
  }
  return out;
}

function part(word: Word, from: number): Word {
  return { ...word, text: (word.text ?? '').slice(from) };
}
