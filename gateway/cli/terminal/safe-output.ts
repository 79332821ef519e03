/** Final characters of control sequences that move, erase, colour, scroll and insert. */
const HARMLESS = new Set([...'@ABCDEFGHIJKLMPSTXZ`abdefgmrsu']);
/** Private modes that a replay may set: keypad, wrapping, cursor, alternate screens; not those that report the mouse. */
const MODES = new Set(['1', '7', '12', '25', '47', '1047', '1048', '1049']);
/** One-character escapes: save, restore, index, next line, tab stop, reverse index, keypads. */
const SINGLE = new Set([...'78DEHM=>']);
/** An unended sequence is dropped after so many characters. */
const MAX_SEQUENCE = 256;

/** Ends what a recording may have begun: colours, margins, hidden cursor, character set, alternate screen. */
export const RESET = '\u001b[0m\u001b[r\u001b[?25h\u001b[?7h\u001b(B\u001b[?1049l\r\n';

/**
 * What a recorded program wrote, for another person's terminal: it may paint and nothing else. Titles, clipboard,
 * links, device controls, window operations, mouse modes and questions that the terminal would answer into its
 * input are left out. Keeps what is not whole until more comes.
 */
export class SafeOutput {
  #held = '';

  push(text: string): string {
    let out = '';
    const input = this.#held + text;
    this.#held = '';
    for (let at = 0; at < input.length; ) {
      const char = input[at] ?? '';
      if (char !== '\u001b') {
        if (isPlain(char)) out += char;
        at++;
        continue;
      }
      const end = endOf(input, at);
      if (end === null) {
        if (input.length - at < MAX_SEQUENCE) {
          this.#held = input.slice(at);
          break;
        }
        at++;
        continue;
      }
      const sequence = input.slice(at, end);
      if (isHarmless(sequence)) out += sequence;
      at = end;
    }
    return out;
  }
}

function isPlain(char: string): boolean {
  return /[\n\r\t\b]/.test(char) || !/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(char);
}

/** Behind the sequence that begins at `at`; null while it is not whole (ECMA-48, 5.4 and 5.6). */
function endOf(input: string, at: number): number | null {
  const kind = input[at + 1];
  if (kind === undefined) return null;
  if (kind === '[') {
    for (let i = at + 2; i < input.length; i++) {
      const code = input.charCodeAt(i);
      if (code >= 0x40 && code <= 0x7e) return i + 1;
      // Anything else ends it as a mistake; the character itself is looked at again.
      if (code < 0x20 || code > 0x3f) return i;
    }
    return null;
  }
  if (']P_^X'.includes(kind)) {
    for (let i = at + 2; i < input.length; i++) {
      if (input[i] === '\u0007') return i + 1;
      if (input[i] === '\u001b') {
        if (i + 1 === input.length) return null;
        return input[i + 1] === '\\' ? i + 2 : i;
      }
    }
    return null;
  }
  if (' !"#$%&\'()*+,-./'.includes(kind)) return input[at + 2] === undefined ? null : at + 3;
  return at + 2;
}

function isHarmless(sequence: string): boolean {
  const [, kind = '', ...rest] = sequence;
  if (kind === '(') return rest.length === 1 && 'B0'.includes(rest[0] ?? '');
  if (kind !== '[') return sequence.length === 2 && SINGLE.has(kind);
  const parts = /^([?>=<]?)([0-9;:]*)([ -/]*)([@-~])$/.exec(rest.join(''));
  if (parts === null) return false;
  const [, mark = '', numbers = '', between = '', final = ''] = parts;
  if (between === ' ' && final === 'q' && mark === '') return true;
  if (between !== '') return false;
  if (final === 'h' || final === 'l') {
    const modes = numbers.split(';');
    return mark === '?' ? modes.every((mode) => MODES.has(mode)) : mark === '' && modes.every((mode) => mode === '4');
  }
  return mark === '' && HARMLESS.has(final);
}
