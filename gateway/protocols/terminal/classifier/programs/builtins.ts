import { PRINTS, SILENT } from '../call.ts';
import { hasOption, type Row } from '../row.ts';
import { literal } from '../words.ts';

/** What the shell does itself. */
export const BUILTINS: readonly Row[] = [
  {
    names: 'echo',
    loose: true,
    does: ({ args }) => {
      const plain = args[0]?.text === '-n' ? args.slice(1) : args;
      if (
        plain.some((word) => word.text === null || word.glob || word.text.includes('\\') || /^-[neE]+$/.test(word.text))
      )
        return PRINTS;
      return { text: plain.map((word) => word.text).join(' ') + (plain === args ? '\n' : ''), remote: false };
    },
  },
  {
    names: 'printf',
    loose: true,
    does: (call) => {
      const [first, second] = call.args;
      if (first === undefined || first.text === null || first.text === '-v') {
        if (first !== undefined) {
          const name = /^[A-Za-z_]\w*$/.test(second?.text ?? '') ? (second?.text ?? null) : null;
          if (name === null) call.effects.unknown('which variable is set is known only when it runs');
          else call.assign(name, null);
        }
        return PRINTS;
      }
      if (first.text === '%s' && call.args.length === 2 && second && !second.glob)
        return { text: second.text, remote: false };
      const plain = call.args.length === 1 && !/[%\\]/.test(first.text);
      return plain ? { text: first.text, remote: false } : PRINTS;
    },
  },
  {
    names: 'cd pushd popd chdir',
    loose: true,
    does: (call, { operands }) => {
      call.cd(
        call.name === 'popd'
          ? null
          : (operands[0] ?? (call.args.length === 0 && call.name !== 'pushd' ? literal('~') : null)),
      );
      if (call.args.length === 0 && call.name !== 'popd') call.cd(null);
      return SILENT;
    },
  },
  {
    names:
      'dirs jobs times umask ulimit return exit break continue shift wait fg bg disown suspend logout let compopt complete compgen getopts',
    loose: true,
    does: ({ name, args, effects }) => {
      if (/^(let)$/.test(name) && args.some((word) => /[[=]/.test(word.text ?? '[')))
        effects.unknown('arithmetic sets what is not followed');
      if (/^comp/.test(name)) effects.unknown('completions can run commands');
      if (name === 'shift') effects.unknown('arguments are shifted');
      if (name === 'getopts') effects.unknown('options are set when it runs');
      return PRINTS;
    },
  },
  {
    names: 'set shopt setopt unsetopt',
    loose: true,
    does: ({ name, args, effects }) => {
      if (args.length === 0) effects.worsen('secret-read', 'Shows all variables of the shell');
      else if (
        !args.every((word) =>
          /^([-+][euxvfCmno]+|pipefail|errexit|nounset|xtrace|noglob|noclobber)$/.test(word.text ?? ''),
        ) ||
        name !== 'set'
      )
        effects.unknown('a setting of the shell changes how the rest is read');
      return PRINTS;
    },
  },
  {
    names: 'read readarray mapfile',
    loose: true,
    values: '-d -i -n -N -p -t -u -a -O -s -c -C',
    does: (call, parsed) => {
      if (hasOption(parsed, '-C')) call.effects.unknown('a line that is read runs a command');
      for (const word of [
        ...parsed.operands,
        ...parsed.options.flatMap(({ name, value }) => (name === '-a' && value ? [value] : [])),
      ]) {
        const name = word.text ?? '';
        if (/^[A-Za-z_]\w*$/.test(name)) call.assign(name, null);
        else call.effects.unknown('which variable is set is known only when it runs');
      }
      return SILENT;
    },
  },
  {
    names: 'eval',
    loose: true,
    does: (call) => {
      const known = call.args.every((word) => word.text !== null && !word.glob);
      const text = known ? call.args.map((word) => word.text).join(' ') : null;
      return call.run(
        text === null
          ? { text, glob: false, prefix: '', splits: true, source: call.args.map((word) => word.source).join(' ') }
          : literal(text),
      );
    },
  },
  {
    names: 'alias',
    loose: true,
    does: (call) => {
      for (const word of call.args) {
        const [, name, text] = /^([^=]+)=(.*)$/s.exec(word.text ?? '') ?? [];
        if (name !== undefined && text !== undefined) call.alias(name, text);
        else if (word.text === null) call.effects.unknown('an alias is known only when it runs');
      }
      return PRINTS;
    },
  },
  { names: 'unalias', loose: true },
  {
    names: 'export declare typeset local readonly unset',
    loose: true,
    does: ({ effects }) => {
      effects.unknown('which variable is set is known only when it runs');
      return PRINTS;
    },
  },
  {
    names: 'trap',
    loose: true,
    does: (call, { operands }) => {
      if (operands.length > 1 && operands[0]?.text !== '' && operands[0]) call.run(operands[0]);
      return SILENT;
    },
  },
  {
    names: 'source .',
    loose: true,
    flags: 'script',
    does: (call) => {
      if (call.args[0]) call.script(call.args[0], true);
      return PRINTS;
    },
  },
  {
    names: 'enable zmodload autoload emulate bind bindkey fc caller',
    class: 'execute',
    says: 'Changes what the shell itself does',
    does: ({ effects, name }) => {
      effects.unknown(`${name} changes what the shell itself does`);
      return PRINTS;
    },
  },
  {
    names: 'history',
    class: 'secret-read',
    says: 'Shows or changes the history of commands',
    flags: 'history',
    reads: '-r -n',
    writes: '-w -a',
    worse: [{ when: '-c -d -w -a -r', class: 'destructive', says: 'Changes the history of commands' }],
  },
];
