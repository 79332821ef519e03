/** The program `countersign`: service and command line are this one. */
const args = process.argv.slice(2);

if (args[0] === 'exec' || args[0] === 'shell') {
  // They have an entry of their own, since they start with each command of an agent.
  await import('./bin/exec.mjs');
}

const { processCli } = await import('./cli/process-cli.ts');
const { createProgram, runProgram } = await import('./cli/program.ts');
const cli = processCli(() => program.opts<{ home?: string }>().home);
const program = await createProgram(cli, args);
const failed = await runProgram(program, args, cli);
if (failed !== 0) process.exitCode = failed;
