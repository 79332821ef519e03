import { commandValues } from '../../contract/command-values.ts';
import { LIFTED } from '../../contract/grant-values.ts';

/** Longer commands are not compared. */
const MAX_COMMAND = 999;

/**
 * A command as policies compare it: its form with `…` for each value, and the same with the values, one space between
 * words. Both are '' where a shell would do more than run one program with these words, where a value could be taken
 * for two words, or climbs out of a folder.
 */
export function simpleCommand(text: string): { form: string; command: string } {
  const lifted = text.length > MAX_COMMAND || text.includes('…') ? null : commandValues(text);
  if (lifted === null) return { form: '', command: '' };
  const values = lifted.values.map(({ value }) => value ?? '');
  const plain = values.every((value) => !/(?:^|\/)\.\.(?:\/|$)|%2e/i.test(value));
  if (!plain || (values.length > 1 && values.some((value) => value.includes(' ')))) return { form: '', command: '' };
  let i = 0;
  return {
    form: lifted.form.replaceAll(LIFTED, '…'),
    command: lifted.form.replaceAll(LIFTED, () => values[i++]!),
  };
}

/**
 * A call's tool with the names of its arguments, from either shape that the protocols give it; '' where that is cut
 * off or not one of them.
 */
export function callForm(tool: string, server: string, shape: string): string {
  if (shape.length > MAX_COMMAND) return '';
  if (shape.startsWith(`${tool}(`) && shape.endsWith(')')) return shape;
  const whole = `${server} ${tool} `;
  if (!shape.startsWith(whole)) return '';
  try {
    const args: unknown = JSON.parse(shape.slice(whole.length));
    if (args === null || typeof args !== 'object' || Array.isArray(args)) return '';
    return `${tool}(${Object.keys(args).sort().join(', ')})`;
  } catch {
    return '';
  }
}
