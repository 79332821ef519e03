import { z } from 'zod';
import { readFileIfThere } from './atomic-file.ts';

const TerminalSettings = z.strictObject({
  /** clean: no command in a recorded terminal gets the developer's own credentials, whatever it asks for. */
  environment: z.enum(['keep', 'clean']).default('keep'),
});
export type TerminalSettings = z.infer<typeof TerminalSettings>;

/** terminal.json of the gateway's home, read anew each time. What cannot be understood counts as the stricter. */
export function readTerminalSettings(file: string, onProblem: (sentence: string) => void): TerminalSettings {
  try {
    const text = readFileIfThere(file);
    return TerminalSettings.parse(text === null ? {} : JSON.parse(text));
  } catch {
    onProblem(`${file} cannot be understood, so commands get no credentials: {"environment": "keep"} or "clean"`);
    return { environment: 'clean' };
  }
}
