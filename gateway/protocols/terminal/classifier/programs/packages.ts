import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import { hasOption, type Row } from '../row.ts';

const INSTALLS = 'Installs {}, and runs code of what it installs';

/** Package managers and what runs a project's own scripts. */
export const PACKAGES: readonly Row[] = [
  {
    names: 'npm pnpm yarn',
    class: 'execute',
    values: '--prefix -C -w --workspace --registry --filter --cwd --tag',
    only: 'ls|list|view|info|show|outdated|audit|why|explain|search|root|prefix|bin|help|version|whoami|config get|pkg get|fund|doctor|ping',
    worse: [
      {
        when: 'install|i|ci|add|update|upgrade|up|rebuild|dedupe|link|import|audit fix',
        class: 'execute',
        says: INSTALLS,
        flags: 'installs',
      },
      { when: 'uninstall|remove|rm|un|prune|cache clean', class: 'destructive', says: 'Removes packages' },
      {
        when: 'publish|deprecate|dist-tag|owner|access|unpublish',
        class: 'privilege',
        says: 'Changes what everyone gets from the registry',
        flags: 'upload',
      },
      {
        when: 'login|logout|adduser|token|config set|config delete|set|config edit',
        class: 'privilege',
        says: 'Changes settings or sign-in of the package manager',
      },
      { when: 'config list|config ls', class: 'secret-read', says: 'Shows settings, which can hold tokens' },
      {
        when: 'run|run-script|test|t|start|stop|restart|exec|x|dlx|create|init|build|lint|dev|pack',
        class: 'execute',
        says: 'Runs scripts of the project or of packages',
      },
    ],
    does: (call, { operands, options }) => {
      const [sub, script] = operands;
      const runs = /^(run|run-script|test|t|start|stop|restart|build|lint|dev)$/.test(sub?.text ?? '');
      if (runs) runsProject(call, 'package.json', script?.source ?? sub?.source ?? '');
      if (/^(exec|x|dlx|create|init)$/.test(sub?.text ?? ''))
        call.effects.unknown('which package’s code is run is not followed');
      if (/^(install|i|ci|add|update|upgrade|rebuild)$/.test(sub?.text ?? '') || sub === undefined) {
        call.effects.worsen('network');
        if (sub === undefined && call.name === 'yarn' && options.length === 0) call.effects.flag('installs');
      }
      return PRINTS;
    },
  },
  {
    names: 'npx bunx pnpx uvx pipx',
    class: 'execute',
    says: 'Loads and runs a package: {}',
    flags: 'installs',
    does: ({ effects }) => {
      effects.worsen('network');
      effects.unknown('what the package does is not known');
      return PRINTS;
    },
  },
  {
    names: 'pip pip3 uv poetry pipenv conda mamba pdm rye',
    class: 'execute',
    values: '-r -c -e -i -t -n -p --requirement --constraint --index-url --extra-index-url --target --python --proxy',
    reads: '-r --requirement -c --constraint',
    worse: [
      {
        when: 'install|add|sync|update|upgrade|pip install|pip sync|lock|create|env create|download|wheel|build',
        class: 'execute',
        says: INSTALLS,
        flags: 'installs',
      },
      {
        when: 'uninstall|remove|pip uninstall|cache purge|env remove|clean',
        class: 'destructive',
        says: 'Removes packages',
      },
      {
        when: 'publish|config set|config|source|repositories',
        class: 'privilege',
        says: 'Changes where packages come from or go to',
      },
      { when: 'run|shell|tool run|exec', class: 'unknown', says: 'what is run is not followed' },
    ],
    only: 'list|show|freeze|check|search|inspect|help|debug|version|info|pip list|pip show|pip freeze|tree|env list',
    does: networked,
  },
  {
    names: 'apt apt-get aptitude dpkg yum dnf rpm pacman zypper apk snap flatpak port emerge opkg',
    class: 'privilege',
    values: '-t -o -c -f -q',
    only: 'list|search|show|policy|info|history|depends|rdepends',
    worse: [
      {
        when: 'install|upgrade|full-upgrade|dist-upgrade|update|add|reinstall|build-dep|localinstall|refresh|-i --install -S -U',
        class: 'execute',
        says: INSTALLS,
        flags: 'installs',
      },
      { when: '-i --install -S -U --unpack --configure', class: 'execute', says: INSTALLS, flags: 'installs' },
      {
        when: 'remove|purge|autoremove|erase|clean|autoclean|del',
        class: 'destructive',
        says: 'Removes {} from the system',
      },
      { when: '-r -P --remove --purge -R -e --erase', class: 'destructive', says: 'Removes {} from the system' },
      {
        when: '-o -c --option --config-file',
        class: 'unknown',
        says: 'an option of the package manager can run programs',
      },
    ],
    does: (call, parsed) => {
      const shows =
        /^(dpkg|rpm|pacman)$/.test(call.name) &&
        hasOption(parsed, '-l -L -s -S -q -Q --list --listfiles --status --search --query');
      if (shows) call.effects.flag('installs');
      networked(call);
      return PRINTS;
    },
  },
  {
    names: 'brew',
    class: 'network',
    values: '',
    only: 'list|ls|info|search|outdated|deps|uses|config|doctor|leaves|--prefix|home|desc',
    worse: [
      { when: 'install|reinstall|upgrade|update|tap|bundle', class: 'execute', says: INSTALLS, flags: 'installs' },
      { when: 'uninstall|remove|rm|cleanup|autoremove|untap|zap', class: 'destructive', says: 'Removes {}' },
      {
        when: 'services start|services stop|services restart|services run',
        class: 'execute',
        says: 'Starts or stops services',
        flags: 'schedule',
      },
    ],
  },
  {
    names:
      'cargo go mvn mvnw gradle gradlew sbt ant bazel bundle gem composer mix rebar3 stack cabal dart flutter nuget msbuild xcodebuild pod carthage rustup nvm pyenv rbenv asdf mise volta',
    class: 'execute',
    says: 'Builds, or runs code of the project and its packages',
    worse: [
      {
        when: 'install|add|update|get|fetch|upgrade|require|deps.get|mod download|mod tidy|restore',
        class: 'execute',
        says: INSTALLS,
        flags: 'installs',
      },
      {
        when: 'uninstall|remove|clean|clean:clean|yank',
        class: 'destructive',
        says: 'Removes what was built or installed',
      },
      {
        when: 'publish|push|login|owner|deploy',
        class: 'privilege',
        says: 'Changes what everyone gets from the registry',
        flags: 'upload',
      },
      { when: 'run|generate|exec|tool|script|eval', class: 'unknown', says: 'what is run is not followed' },
    ],
    does: networked,
  },
  {
    names: 'make gmake',
    class: 'execute',
    values: '-f -C -I -j -l -o -W --file --makefile --directory --include-dir --eval --jobs',
    does: (call, { operands, options }) => {
      for (const { name, value } of options) {
        if (/^(-C|--d\w*)$/.test(name)) call.cd(value);
        if (/^(-f|--file|--makefile)$/.test(name) && value) call.script(value);
        if (/^--ev/.test(name)) call.effects.unknown('make is given code');
      }
      if (options.every(({ name }) => !/^(-f|--file|--makefile)$/.test(name)))
        runsProject(call, 'Makefile', operands.map((word) => word.source).join(' ') || 'its first target');
      else call.effects.unknown('what the Makefile runs is not followed');
      return PRINTS;
    },
  },
  {
    names:
      'just task rake cmake ninja meson tox nox invoke fab jest vitest mocha pytest eslint prettier biome tsc webpack vite rollup esbuild next nuxt turbo nx lerna playwright cypress rspec phpunit ruff black mypy isort flake8 pylint gcc g++ clang clang++ cc rustc javac ld as swiftc pre-commit husky',
    class: 'execute',
    says: 'Runs the code or the settings of the project',
    does: (call) => {
      const { effects, name, args } = call;
      if (args.every((word) => /^(--version|-v|-V|--help)$/.test(word.text ?? '')) && args.length > 0) return PRINTS;
      for (const word of args)
        if (word.text !== null && !word.text.startsWith('-') && /[./]/.test(word.text)) call.read(word);
      effects.unknown(`what the project makes ${name} run is not followed`);
      args.forEach((word, i) => {
        if (word.text === '-o' && args[i + 1]) call.write(args[i + 1]!);
      });
      return PRINTS;
    },
  },
];

function networked(call: Call) {
  call.effects.worsen('network');
  return PRINTS;
}

function runsProject(call: Call, file: string, what: string): void {
  call.effects.flag('script');
  call.effects.worsen('execute', `Runs ${what} of ${file}`);
  call.effects.unknown(`what ${what} of ${file} runs is not followed`);
  call.effects.list('scripts', call.path(file));
}
