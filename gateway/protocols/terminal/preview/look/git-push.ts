import type { PreviewPart } from '../../../../contract/preview.ts';
import type { Git } from './git.ts';
import { linesOf } from './git.ts';
import { type Asked, commits } from './git-look.ts';
import { count, part } from './report.ts';

/** One reference that is sent. `from` null: it is removed. */
interface Sent {
  from: string | null;
  to: string;
  force: boolean;
}

/** What the server has, as far as it is known without asking over a network. */
interface Server {
  /** Commit by reference. */
  refs: ReadonlyMap<string, string>;
  /** As of the last fetch. */
  remembered: boolean;
}

const MAX_REFS = 20;

export async function lookAtPush(asked: Asked): Promise<PreviewPart[]> {
  const { git, before, after, look, wish, has } = asked;
  const [given, ...specs] = [...before, ...(after ?? [])];
  const branch = (await git(['symbolic-ref', '-q', '--short', 'HEAD']))?.trim() || null;
  const remote = given ?? (await remoteOf(git, branch));
  const known = linesOf(await git(['remote'])).includes(remote);
  const server = await serverOf(git, remote, known);
  const sent = await sentBy(asked, remote, specs, branch, server);
  if (typeof sent === 'string') {
    look.losses.cannot('what is pushed, which is not known before');
    return [part('unknown', sent)];
  }
  if (sent.length === 0) return [part('plain', 'There is nothing to push')];
  const out: PreviewPart[] = [];
  for (const one of sent.slice(0, MAX_REFS)) {
    const said = await moved(asked, one, server);
    out.push(said.part);
    if (said.before === said.after) continue;
    look.losses.changes = true;
    const told = server.refs.size > 0 || !server.remembered;
    if (!told) look.losses.cannot(`${short(one.to)}, whose commit on the server is not known`);
    else look.losses.pushes.push({ cwd: wish.cwd, remote, ref: one.to, before: said.before, after: said.after });
  }
  if (sent.length > MAX_REFS) {
    out.push(part('unknown', `${sent.length - MAX_REFS} more references are pushed`));
    look.losses.cannot('references beyond the first ones');
  }
  if (server.remembered) out.push(part('unknown', `What ${remote} has is taken from the last fetch; nobody asked it`));
  if (has('--no-verify')) out.push(part('unknown', 'Hooks that check before a push are left out'));
  return out;
}

const short = (ref: string): string => ref.replace(/^refs\/(heads|tags)\//, '');

async function remoteOf(git: Git, branch: string | null): Promise<string> {
  for (const key of branch === null
    ? []
    : [`branch.${branch}.pushRemote`, 'remote.pushDefault', `branch.${branch}.remote`]) {
    const value = (await git(['config', '--get', key]))?.trim();
    if (value) return value;
  }
  return 'origin';
}

/** A repository on this machine is read; of others what was fetched last is told, since asking would sign in. */
async function serverOf(git: Git, remote: string, known: boolean): Promise<Server> {
  const listed = await git(['ls-remote', '--upload-pack=git-upload-pack', '--refs', '--', remote]);
  const parse = (text: string | null, separator: string) =>
    new Map(
      linesOf(text).flatMap((line): [string, string][] => {
        const [commit = '', ref = ''] = line.split(separator);
        return ref === '' ? [] : [[ref, commit]];
      }),
    );
  if (listed !== null) return { refs: parse(listed, '\t'), remembered: false };
  if (!known) return { refs: new Map(), remembered: true };
  const prefix = `refs/remotes/${remote}/`;
  const tracked = parse(await git(['for-each-ref', '--format=%(objectname) %(refname)', prefix]), ' ');
  const refs = [...tracked].map(([ref, commit]): [string, string] => [ref.replace(prefix, 'refs/heads/'), commit]);
  return { refs: new Map(refs), remembered: true };
}

/** @returns a sentence where it cannot be told. */
async function sentBy(
  { git, has }: Asked,
  remote: string,
  specs: readonly string[],
  branch: string | null,
  server: Server,
): Promise<Sent[] | string> {
  const force = has('-f', '--force', '--force-with-lease', '--force-if-includes');
  const local = async (pattern: string) => linesOf(await git(['for-each-ref', '--format=%(refname)', pattern]));
  const out: Sent[] = [];
  if (has('--mirror')) {
    const here = [...(await local('refs/heads')), ...(await local('refs/tags'))];
    out.push(...here.map((ref) => ({ from: ref, to: ref, force: true })));
    const gone = [...server.refs.keys()].filter((ref) => !here.includes(ref));
    out.push(...gone.map((to) => ({ from: null, to, force: true })));
    return out;
  }
  if (has('--all', '--branches'))
    out.push(...(await local('refs/heads')).map((ref) => ({ from: ref, to: ref, force })));
  if (has('--tags')) {
    const tags = (await local('refs/tags')).filter((ref) => !server.refs.has(ref));
    out.push(...tags.map((ref) => ({ from: ref, to: ref, force })));
  }
  for (let at = 0; at < specs.length; at += 1) {
    const spec = specs[at] === 'tag' && specs[at + 1] !== undefined ? `refs/tags/${specs[++at]}` : (specs[at] ?? '');
    const one = await refspec(git, spec, has('-d', '--delete'), force, server);
    if (typeof one === 'string') return one;
    out.push(one);
  }
  if (specs.length > 0 || has('--all', '--branches', '--tags')) return out;
  if (branch === null) return 'No branch is checked out, so what is pushed is not known';
  const mode = (await git(['config', '--get', 'push.default']))?.trim() || 'simple';
  if (
    mode === 'nothing' ||
    mode === 'matching' ||
    (await git(['config', '--get-all', `remote.${remote}.push`])) !== null
  )
    return `What is pushed follows the settings of ${remote}, which are not followed here`;
  const upstream = (await git(['config', '--get', `branch.${branch}.merge`]))?.trim();
  const to = mode === 'upstream' || mode === 'tracking' ? upstream : `refs/heads/${branch}`;
  if (to === undefined) return 'The branch has no upstream, so git refuses';
  return [{ from: `refs/heads/${branch}`, to, force }];
}

async function refspec(
  git: Git,
  given: string,
  deletes: boolean,
  force: boolean,
  server: Server,
): Promise<Sent | string> {
  const forced = force || given.startsWith('+');
  const spec = given.replace(/^\+/, '');
  if (spec.includes('*') || spec === ':' || spec === '') return `Which references ${given} stands for is not followed`;
  const [source = '', target] = spec.split(':');
  const whole = (name: string) => {
    if (name.startsWith('refs/')) return name;
    return server.refs.has(`refs/tags/${name}`) && !server.refs.has(`refs/heads/${name}`)
      ? `refs/tags/${name}`
      : `refs/heads/${name}`;
  };
  if (deletes || source === '') return { from: null, to: whole(deletes ? spec : (target ?? '')), force: forced };
  const full = (await git(['rev-parse', '--symbolic-full-name', source]))?.trim() || '';
  const from = full.startsWith('refs/') ? full : source;
  if ((await git(['rev-parse', '--verify', '-q', from])) === null) return `There is no ${source} to push`;
  const kind = from.startsWith('refs/tags/') ? 'refs/tags/' : 'refs/heads/';
  const own = from.startsWith('refs/') ? from : `refs/heads/${source}`;
  const to = target === undefined || target === '' ? own : target.startsWith('refs/') ? target : `${kind}${target}`;
  return { from, to, force: forced };
}

async function moved(
  { git }: Asked,
  { from, to, force }: Sent,
  { refs }: Server,
): Promise<{ part: PreviewPart; before: string | null; after: string | null }> {
  const before = refs.get(to) ?? null;
  const name = short(to);
  const what = to.startsWith('refs/tags/') ? 'tag' : 'branch';
  if (from === null) {
    if (before === null) return { part: part('plain', `The server has no ${name} to delete`), before, after: null };
    const only = await commits(git, [before, '--not', ...[...refs].flatMap(([ref, at]) => (ref === to ? [] : [at]))]);
    const lost = only === null ? [] : only.lines;
    const words =
      only === null || only.count === 0 ? '' : `, with ${count(only.count, 'commit')} that no other branch there has`;
    return {
      part: part(
        'loss',
        `Deletes the ${what} ${name} at ${before.slice(0, 8)} on the server${words}`,
        lost,
        only?.count ?? 0,
      ),
      before,
      after: null,
    };
  }
  const after = (await git(['rev-parse', '--verify', '-q', from]))?.trim() ?? null;
  if (before === after) return { part: part('plain', `${name}: the server has it already`), before, after };
  if (before === null) {
    const fresh = await commits(git, [from, '--not', ...refs.values()].slice(0, 200));
    const all = fresh ?? (await commits(git, [from]));
    const words = what === 'tag' ? '' : ` with ${count(all?.count ?? 0, 'commit')} that the server does not have`;
    return {
      part: part(
        'plain',
        `Makes the ${what} ${name} on the server at ${after?.slice(0, 8)}${words}`,
        all?.lines ?? [],
        all?.count ?? 0,
      ),
      before,
      after,
    };
  }
  const ahead = await commits(git, [`${before}..${from}`]);
  const behind = await commits(git, [`${from}..${before}`]);
  const step = `${before.slice(0, 8)} → ${after?.slice(0, 8)}`;
  if (ahead === null || behind === null) {
    const words = force ? 'and overwrites it, with commits that are not here' : 'so git refuses';
    return {
      part: part(
        force ? 'loss' : 'plain',
        `${name} on the server is at ${before.slice(0, 8)}, which this repository does not have, ${words}`,
      ),
      before,
      after: force ? after : before,
    };
  }
  if (behind.count === 0)
    return {
      part: part('plain', `Moves ${name} by ${count(ahead.count, 'commit')}: ${step}`, ahead.lines, ahead.count),
      before,
      after,
    };
  if (!force)
    return {
      part: part(
        'plain',
        `${name} on the server has ${count(behind.count, 'commit')} more, so git refuses`,
        behind.lines,
        behind.count,
      ),
      before,
      after: before,
    };
  return {
    part: part(
      'loss',
      `Overwrites ${name} on the server (${step}): ${count(behind.count, 'commit')} there ${behind.count === 1 ? 'is' : 'are'} lost, ${count(ahead.count, 'commit')} ${ahead.count === 1 ? 'is' : 'are'} new`,
      behind.lines,
      behind.count,
    ),
    before,
    after,
  };
}
