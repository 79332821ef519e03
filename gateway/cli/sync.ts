import type { Command } from 'commander';
import type { Cli } from './cli.ts';
import { table } from './cli.ts';
import { askPin } from './pin.ts';
import { bytes, plural } from './sessions-text.ts';
import { registerSyncSetup } from './sync-setup.ts';
import { statusLines } from './sync-text.ts';
import { visibleLine } from './terminal/visible.ts';

async function status(cli: Cli, options: { json?: boolean }): Promise<void> {
  const found = await cli.control().call('syncStatus', {});
  if (options.json) cli.out(JSON.stringify(found));
  else for (const line of statusLines(found)) cli.out(line);
  if (found.state === 'blocked' || found.state === 'failing') cli.exitWith(1);
}

async function probe(cli: Cli): Promise<void> {
  const found = await cli.control().call('probeSync', {});
  cli.out(`can be read back: ${found.read ? 'yes' : 'no'}; listed: ${found.list ? 'yes' : 'no'}`);
  cli.out(`refuses to overwrite an object: ${found.refusesOverwrite ? 'yes' : 'no'}`);
  cli.out(`refuses to delete an object: ${found.refusesDelete ? 'yes' : 'no'}`);
  cli.out(`keeps what was there before as a version: ${found.keepsVersions ? 'yes' : 'no'}`);
  for (const sentence of found.sentences) cli.out(visibleLine(sentence));
}

async function retention(cli: Cli): Promise<void> {
  const { removals, over } = await cli.control().call('retentionPlan', {});
  for (const line of table(removals.map((one) => [visibleLine(one.sid), bytes(one.bytes), one.rule, one.why])))
    cli.out(line);
  cli.note(`${plural(removals.length, 'recording')} would be deleted now; nothing was.`);
  if (over > 0) cli.note(`${bytes(over)} are beyond the disk budget and stay: they are not in the store, or are held.`);
}

/** `countersign sync …` */
export function registerSync(program: Command, cli: Cli): void {
  const sync = program.command('sync').description('recordings to the store that your team runs');
  sync
    .command('status')
    .description('what waits, how fast it goes, and what is wrong')
    .option('--json', 'for programs')
    .action((options: { json?: boolean }) => status(cli, options));
  sync
    .command('now')
    .description('try at once, whatever was said about waiting')
    .action(async () => {
      for (const line of statusLines(await cli.control().call('syncNow', {}))) cli.out(line);
    });
  sync
    .command('pause')
    .description('send nothing until it is resumed (asks for your PIN)')
    .action(async () => {
      const pin = await askPin(cli, 'Your PIN, since evidence stays on this machine meanwhile: ');
      const after = await cli.control().call('pauseSync', { pin });
      for (const line of statusLines(after)) cli.out(line);
    });
  sync
    .command('resume')
    .description('go on sending')
    .action(async () => {
      for (const line of statusLines(await cli.control().call('resumeSync', {}))) cli.out(line);
    });
  sync
    .command('probe')
    .description('find out by trying what the store does with what is in it')
    .action(() => probe(cli));
  sync
    .command('retention')
    .description('what the rules and the disk budget would delete from this disk now')
    .action(() => retention(cli));
  registerSyncSetup(sync, cli);
}
