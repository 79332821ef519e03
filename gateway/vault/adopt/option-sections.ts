import { type Line, linesOf } from './stored.ts';

export interface Option {
  name: string;
  value: string;
  line: Line;
}

export interface OptionSection {
  name: string;
  options: Option[];
}

const HEADER = /^\s*\[([^\]]*)\]/;

/** `[section]` and `name = value`, as the option files of MySQL and AWS have them; `#` and `;` begin comments. */
export function optionSections(text: string): OptionSection[] {
  const sections: OptionSection[] = [];
  for (const line of linesOf(text)) {
    const header = HEADER.exec(line.text);
    if (header !== null) {
      sections.push({ name: (header[1] ?? '').trim(), options: [] });
      continue;
    }
    if (/^\s*(?:[#;]|$)/.test(line.text)) continue;
    const sign = line.text.indexOf('=');
    const name = (sign < 0 ? line.text : line.text.slice(0, sign)).trim();
    sections.at(-1)?.options.push({ name, value: sign < 0 ? '' : line.text.slice(sign + 1).trim(), line });
  }
  return sections;
}
