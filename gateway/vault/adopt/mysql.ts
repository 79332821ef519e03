import { type Option, optionSections } from './option-sections.ts';
import { decoded, linesOf, type ReadStored, type StoredSecret } from './stored.ts';

/** mysql takes any beginning of a name that is none of another, `-` and `_` alike, and `loose` before it. */
const isPassword = (name: string) => /^(?:loose-)?pass(?:w(?:o(?:rd?)?)?|word[123])?$/.test(name.replaceAll('_', '-'));

/** Option files of MySQL and MariaDB (MySQL Reference Manual, "Using Option Files"). */
export const readMysqlOptions: ReadStored = (_file, text) => {
  const secrets: StoredSecret[] = [];
  for (const { name, options } of optionSections(text)) {
    const told = (wanted: string) => decoded(unquoted(options.find((one) => one.name === wanted)?.value ?? ''));
    for (const option of options) {
      const value = unquoted(option.value);
      if (!isPassword(option.name) || value === '') continue;
      const host = told('host') || 'localhost';
      secrets.push({
        kind: 'mysql',
        line: option.line.number,
        title: `${told('user') || 'the own user'} of MySQL on ${host} (section ${decoded(name)})`,
        values: { ...named(options, ['user', 'host', 'port', 'socket', 'database']), password: decoded(value) },
        cuts: [
          { from: option.line.from, to: option.line.to, instead: '# its password is in the vault of Countersign' },
        ],
      });
    }
  }
  const left = linesOf(text)
    .filter(({ text: line }) => /^\s*!include/.test(line))
    .map(({ number }) => ({ line: number, why: 'what it includes is not looked at' }));
  return { secrets, left };
};

function named(options: readonly Option[], names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    options.filter(({ name }) => names.includes(name)).map(({ name, value }) => [name, decoded(unquoted(value))]),
  );
}

/** Quotes around a value, and a comment behind one that has none. */
function unquoted(value: string): string {
  const quote = /^(["'])(.*?)\1/.exec(value);
  const inner = quote === null ? value.replace(/\s+#.*$/, '') : (quote[2] ?? '');
  return inner.replace(/\\(.)/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', s: ' ' };
