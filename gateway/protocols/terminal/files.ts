import { CountersignError } from '../../contract/errors.ts';
import type { CommandClassifier, CommandEffects } from './classifier/index.ts';
import { FRAME } from './frames.ts';
import type { Link } from './link.ts';
import { Files, type Hello, type Need } from './messages.ts';

/** SHA-256 of the files that a command names, by absolute path; null where there is no such file. */
export type KnownFiles = ReadonlyMap<string, string | null>;

/** Scripts that name scripts that name scripts. */
const MAX_ROUNDS = 6;
const MAX_FILES = 200;
/** Their names have to fit into one event of the recording. */
const MAX_NAMES = 128 * 1024;

/**
 * Classifies a command with the content of the scripts it names. Whoever runs the command reads them: in
 * protected mode the gateway may not. Throws CountersignError.
 */
export async function classifyWithFiles(
  classifier: CommandClassifier,
  link: Link,
  hello: Hello,
  timeoutMs: number,
): Promise<{ command: CommandEffects; files: KnownFiles }> {
  const files = new Map<string, string | null>();
  const contents = new Map<string, string | null>();
  for (let round = 0; ; round++) {
    const command = classifier.classifyCommand(hello.text, {
      cwd: hello.cwd,
      home: hello.home,
      readScript: (path) => contents.get(path) ?? null,
    });
    const wanted = command.scripts.filter((path) => path.startsWith('/') && !files.has(path));
    if (wanted.length === 0) return { command, files };
    const names = [...files.keys(), ...wanted].reduce((sum, path) => sum + path.length, 0);
    if (round === MAX_ROUNDS || files.size + wanted.length > MAX_FILES || names > MAX_NAMES) {
      throw new CountersignError('TERMINAL_TOO_LONG', 'This command names more scripts than can be decided on.');
    }
    link.send(FRAME.need, { paths: wanted } satisfies Need);
    const answer = await link.message(FRAME.files, Files, timeoutMs);
    const given = new Map(answer.files.map((file) => [file.path, file]));
    for (const path of wanted) {
      files.set(path, given.get(path)?.sha256 ?? null);
      contents.set(path, given.get(path)?.content ?? null);
    }
  }
}
