import type { Command } from 'commander';
import type { IdentityView, LoginView } from '../contract/sign-in.ts';
import { openBrowser } from './browser.ts';
import type { Cli } from './cli.ts';
import { table } from './cli.ts';
import { oidcProvider, registerMetadata, type SamlOptions, samlProvider } from './identity-saml.ts';
import { askPin } from './pin.ts';
import { visibleLine } from './terminal/visible.ts';
import { wholeNumber } from './whole-number.ts';

interface AddOptions extends SamlOptions {
  secret?: boolean;
  scopes?: string;
  groupsClaim?: string;
  subjectClaim?: string;
  allowGroup?: string[];
  refreshMinutes?: string;
  offlineHours?: string;
  workloadsAudience?: string;
  workloadsConnection?: string[];
  trustDomain?: string;
  keysUrl?: string;
}

const POLL_MS = 500;

const STATES: Readonly<Record<IdentityView['state'], string>> = {
  local: 'No provider is set up: agents act for the account of this machine, and nobody vouches for it.',
  'signed-in': 'Signed in.',
  offline: 'Signed in; the provider cannot be asked at present.',
  'signed-out': 'Nobody is signed in, so nothing is forwarded.',
};

function viewLines({ identity, state, provider, sentence, until, bound, providers }: IdentityView): string[] {
  const lines = [STATES[state]];
  const line = (label: string, text: string) => lines.push(`${label.padEnd(10)}${visibleLine(text)}`);
  line('person', identity.display);
  if (identity.groups.length > 0) line('groups', identity.groups.join(', '));
  if (provider !== null) line('provider', provider);
  // SAML has nothing to ask again with.
  const isSaml = providers.find(({ id }) => id === provider)?.saml !== undefined;
  if (until !== null)
    line('until', isSaml ? `${until}, then sign in again` : `${until}, if it cannot be asked again before`);
  if (state !== 'local') line('device', bound ? 'bound by the provider' : 'not bound by the provider');
  if (sentence !== '') line('note', sentence);
  if (state === 'signed-out') line('next', 'countersign login');
  if (providers.length > 0) line('set up', providers.map(({ id, issuer }) => `${id} (${issuer})`).join(', '));
  return lines;
}

async function login(
  cli: Cli,
  provider: string | undefined,
  { device, open }: { device?: boolean; open: boolean },
): Promise<void> {
  const control = cli.control();
  const how = device ? 'device' : 'browser';
  const begun = await control.call('signIn', { how, ...(provider === undefined ? {} : { provider }) });
  if (begun.userCode !== null)
    cli.out(`Open this address anywhere, and confirm the code ${visibleLine(begun.userCode)}:`);
  else cli.out('Open this address in a browser on this machine:');
  cli.out(`  ${visibleLine(begun.url ?? '')}`);
  if (how === 'browser' && open && begun.url !== null) openBrowser(begun.url, cli.env);
  cli.note('Waiting for the provider; ^C gives it up.');
  let view: LoginView = begun;
  while (view.state === 'waiting' && !cli.signal.aborted) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    view = await control.call('signInState', { id: begun.id });
  }
  if (view.state === 'waiting') return cli.exitWith(130);
  (view.state === 'done' ? cli.out : cli.note)(visibleLine(view.sentence));
  if (view.state === 'failed') cli.exitWith(1);
}

function workloadsOf({ workloadsAudience, workloadsConnection, trustDomain, keysUrl }: AddOptions) {
  if (workloadsAudience === undefined) return null;
  return {
    audience: workloadsAudience,
    connections: workloadsConnection ?? ['*'],
    ...(trustDomain === undefined ? {} : { trustDomain }),
    ...(keysUrl === undefined ? {} : { keysUrl }),
  };
}

async function add(cli: Cli, id: string, options: AddOptions): Promise<void> {
  const { scopes, groupsClaim, subjectClaim, allowGroup, ca, refreshMinutes, offlineHours } = options;
  const found = options.saml === undefined ? oidcProvider(options) : await samlProvider(cli, id, options.saml, options);
  const { display, ...named } = { display: undefined, ...found };
  const secret = options.secret ? await cli.prompt.secret("The client's secret: ", cli.signal) : undefined;
  const claims = {
    ...(groupsClaim === undefined ? {} : { groups: groupsClaim }),
    ...(subjectClaim === undefined ? {} : { subject: subjectClaim }),
    ...(display === undefined ? {} : { display }),
  };
  const provider = {
    id,
    ...named,
    secret: secret !== undefined,
    claims,
    ...(scopes === undefined ? {} : { scopes: scopes.split(/[ ,]+/).filter((one) => one !== '') }),
    ...(allowGroup === undefined ? {} : { allowedGroups: allowGroup }),
    ...(ca === undefined ? {} : { caFile: ca }),
    ...(refreshMinutes === undefined
      ? {}
      : { refreshMinutes: wholeNumber(refreshMinutes, '--refresh-minutes', 1, 1440) }),
    ...(offlineHours === undefined ? {} : { offlineHours: wholeNumber(offlineHours, '--offline-hours', 0, 168) }),
  };
  const workloads = workloadsOf(options);
  const pin = await askPin(cli, 'Your PIN, since this decides who may act here: ');
  const given = { ...provider, ...(workloads === null ? {} : { workloads }) };
  const view = await cli
    .control()
    .call('putProvider', { provider: given, pin, ...(secret === undefined ? {} : { secret }) });
  for (const line of viewLines(view)) cli.out(line);
  if (view.state === 'signed-out') cli.note('Sign in with: countersign login');
}

/** Who agents act for: `login`, `logout`, `whoami`, and the providers that vouch for people. */
export function registerIdentity(program: Command, cli: Cli): void {
  program
    .command('login')
    .description('sign in with your organisation’s provider, so that agents can act for you')
    .argument('[provider]', 'where there are several')
    .option('--device', 'by a code that you confirm on another device, for hosts without a browser')
    .option('--no-open', 'without opening the browser')
    .action((provider: string | undefined, options: { device?: boolean; open: boolean }) =>
      login(cli, provider, options),
    );
  program
    .command('logout')
    .description('sign out; what agents have open for you ends')
    .action(async () => {
      for (const line of viewLines(await cli.control().call('signOut', {}))) cli.out(line);
    });
  program
    .command('whoami')
    .description('whom agents act for, and who vouches for it')
    .action(async () => {
      const view = await cli.control().call('identity', {});
      for (const line of viewLines(view)) cli.out(line);
      if (view.state === 'signed-out') cli.exitWith(1);
    });
  const identity = program.command('identity').description('the providers that people sign in with');
  identity
    .command('add')
    .description('add or replace an OpenID Connect or SAML provider (docs/identity.md); takes the PIN')
    .argument('<id>', 'a name for it here, such as acme')
    .option('--issuer <url>', 'as its discovery document (or, in SAML, its metadata) names itself')
    .option('--client-id <id>', 'of the native client that was registered there; in SAML the gateway’s entity ID')
    .option('--saml <metadata>', 'a SAML provider: the address of its metadata, or a file with it')
    .option('--acs <url>', 'in SAML, where answers come (http://127.0.0.1:8917/saml/acs)')
    .option('--encrypted', 'in SAML, take only assertions that are encrypted for this gateway')
    .option('--session-hours <n>', 'in SAML, how long a sign-in counts at most (12)')
    .option('--secret', 'the client has a secret, which is typed')
    .option('--scopes <list>', 'openid, profile, email and offline_access, where nothing is said')
    .option('--groups-claim <name>', 'where groups are, such as groups or realm_access.roles')
    .option('--subject-claim <name>', 'what names a person for good (sub)')
    .option('--allow-group <group...>', 'only these may sign in')
    .option('--ca <file>', 'PEM of the authority of its certificate')
    .option('--refresh-minutes <n>', 'how often it is asked whether the person may still act (15)')
    .option('--offline-hours <n>', 'how long a laptop may go on while it cannot be asked (12)')
    .option('--workloads-audience <text>', 'let services in by JWTs of the provider with this audience')
    .option('--workloads-connection <name...>', 'only to these connections (all)')
    .option('--trust-domain <name>', 'of SPIFFE JWT-SVIDs without an issuer')
    .option('--keys-url <url>', 'where the keys are, where discovery does not say it')
    .action((id: string, options: AddOptions) => add(cli, id, options));
  identity
    .command('list')
    .description('the providers that are set up')
    .action(async () => {
      const { providers } = await cli.control().call('identity', {});
      if (providers.length === 0) cli.note(STATES.local);
      const rows = providers.map(({ id, issuer, clientId, claims }) => [id, issuer, clientId, claims.groups]);
      for (const line of table(rows.map((row) => row.map(visibleLine)))) cli.out(line);
    });
  registerMetadata(identity, cli);
  identity
    .command('remove')
    .description('remove a provider; who signed in with it is signed out')
    .argument('<id>')
    .action(async (id: string) => {
      const pin = await askPin(cli, 'Your PIN, since this decides who may act here: ');
      for (const line of viewLines(await cli.control().call('deleteProvider', { id, pin }))) cli.out(line);
    });
}
