import type { Lifted, LiftedValue } from './grant-values.ts';

/** No word of a command begins a value with this: it could be taken for an option. */
const PLAIN = /^[\w./:@%+,=~-]+$/;
const QUOTED = /^(?:'[^'\p{Cc}\p{Cf}]*'|"[^"$`\\!\p{Cc}\p{Cf}]*")$/u;

const WORDS = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g;
/** They run what they are given, so no word of theirs is a mere value. */
const RUNNERS: ReadonlySet<string> = new Set(
  'bash dash doas env eval exec ksh nice nohup parallel setsid sh ssh su sudo time timeout watch xargs zsh'.split(' '),
);
/** What follows is code. */
const CODE = /^-{1,2}(?:c|e|p|x|i|eval|exec|execdir|command|print|require|import|config)$/;

/**
 * The words of one simple command, as its values. null for anything that a shell would do more with: several
 * commands, expansions, redirections, assignments, globs. The program, what stands right behind it in small letters
 * (`npm run build`) and options say what is run, so they are part of the form; `--name=value` has a value.
 */
export function commandValues(text: string): Lifted | null {
  const words = text.match(WORDS);
  if (words === null || text.replace(WORDS, '').trim() !== '' || /[\n\r]/.test(text)) return null;
  if (RUNNERS.has(words[0]!.replace(/^.*\//, ''))) return null;
  const values: LiftedValue[] = [];
  const parts: string[] = [];
  let fixed = true;
  for (const [index, word] of words.entries()) {
    const quoted = QUOTED.test(word);
    if (!quoted && !PLAIN.test(word)) return null;
    if (!quoted && index === 0 && word.includes('=')) return null;
    if (!quoted && /(?:^|[:=])~/.test(word)) return null;
    if (quoted) {
      const value = word.slice(1, -1);
      if (index === 0) return null;
      push(value, words[index - 1]!);
      fixed = false;
      continue;
    }
    const option = /^(--[a-z][\w-]*=)(.+)$/.exec(word);
    if (option !== null) {
      parts.push(`${option[1]}\u0001`);
      values.push(lifted(option[2]!, option[1]!));
    } else if (word.startsWith('-') || (fixed && (index === 0 || /^[a-z][a-z0-9-]*$/.test(word)))) {
      parts.push(word);
      if (word.startsWith('-')) fixed = false;
    } else {
      fixed = false;
      push(word, words[index - 1]!);
    }
  }
  const form = parts.join(' ');
  return { form, shown: form, values };

  /** Not what could be taken for an option, a file to read, or code. */
  function push(value: string, name: string): void {
    if (value === '' || /^[-@]|=@/.test(value) || CODE.test(name)) parts.push(JSON.stringify(value));
    else {
      parts.push('\u0001');
      values.push(lifted(value, name));
    }
  }
}

const lifted = (value: string, name: string): LiftedValue => ({
  name: name.slice(0, 60),
  value,
  kind: /^\d{1,15}$/.test(value) ? 'number' : 'text',
  quoted: false,
  fixed: false,
});
