/** What `countersign exec` and `countersign shell` were asked for. */
export interface ExecArguments {
  kind: 'exec' | 'shell';
  home: string | undefined;
  environment: 'keep' | 'clean' | 'policy';
  connections: string[];
  approved: string | null;
  noInput: boolean;
  /** The program and its arguments. */
  argv: string[];
  /** As it would be typed. */
  text: string;
}

export class UsageError extends Error {}

const USAGE = {
  exec: 'countersign exec [--connection NAME]… [--env clean|keep] [-n] (-- PROGRAM [ARGUMENT]… | -c COMMAND)',
  shell: 'countersign shell [--connection NAME]… [--env clean|keep]',
};
const MAX_CONNECTIONS = 16;

/** One word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * Read by hand, since loading a parser of options takes longer than all of the rest.
 * @param args from `exec` or `shell` on. Throws UsageError.
 */
export function parseExec(args: readonly string[], shell: string | undefined): ExecArguments {
  const kind = args[0] === 'shell' ? 'shell' : 'exec';
  const wrong = (why: string) => new UsageError(`${why}\nUsage: ${USAGE[kind]}`);
  const found: ExecArguments = {
    kind,
    home: undefined,
    environment: 'policy',
    connections: [],
    approved: null,
    noInput: false,
    argv: [],
    text: '',
  };
  let command: string | null = null;
  let at = 1;
  for (; at < args.length; at++) {
    const word = args[at] ?? '';
    if (word === '--') {
      at++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    const [name = '', inline] = word.startsWith('--') ? split(word) : [word];
    const value = () => {
      const given = inline ?? args[++at];
      if (given === undefined) throw wrong(`${name} needs a value`);
      return given;
    };
    switch (name) {
      case '--home':
        found.home = value();
        break;
      case '--env':
        found.environment = oneOf(value(), wrong);
        break;
      case '--connection':
        found.connections.push(value());
        break;
      case '--approved':
        found.approved = value();
        break;
      case '-n':
        found.noInput = true;
        break;
      case '-c':
        if (kind === 'shell') throw wrong('-c belongs to exec');
        command = value();
        break;
      case '-h':
      case '--help':
        throw new UsageError(`Usage: ${USAGE[kind]}`);
      default:
        throw wrong(`${name} is not an option`);
    }
  }
  if (found.connections.length > MAX_CONNECTIONS) throw wrong(`more than ${MAX_CONNECTIONS} connections`);
  const rest = args.slice(at);
  if (kind === 'shell') {
    if (rest.length > 0) throw wrong('shell takes no program: use exec');
    found.argv = [shell || '/bin/sh'];
    found.text = quoted(found.argv[0] ?? '');
  } else if (command !== null) {
    if (rest.length > 0) throw wrong('-c takes one command, quoted as one word');
    found.argv = [commandShell(shell), '-c', command];
    found.text = command;
  } else {
    if (rest.length === 0) throw wrong('say what to run');
    found.argv = rest;
    found.text = rest.map(quoted).join(' ');
  }
  return found;
}

/** Commands are understood as Bash reads them, so shells of another language do not run them. */
function commandShell(shell: string | undefined): string {
  return /\/(?:bash|zsh|dash|ksh|sh)$/.test(shell ?? '') ? (shell ?? '') : '/bin/sh';
}

function split(word: string): [string, string?] {
  const sign = word.indexOf('=');
  return sign < 0 ? [word] : [word.slice(0, sign), word.slice(sign + 1)];
}

function oneOf(value: string, wrong: (why: string) => UsageError): 'keep' | 'clean' {
  if (value === 'keep' || value === 'clean') return value;
  throw wrong('--env takes clean or keep');
}
