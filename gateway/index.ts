import { processCli } from './cli/process-cli.ts';
import type { GlobalOptions } from './cli/program.ts';
import { createProgram, runProgram } from './cli/program.ts';

/** The program `countersign`: service and command line are this one. */
const cli = processCli(() => program.opts<GlobalOptions>().home);
const program = createProgram(cli);
const failed = await runProgram(program, process.argv.slice(2), cli);
if (failed !== 0) process.exitCode = failed;
