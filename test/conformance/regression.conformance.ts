import { describe, expect, it } from 'vitest';
import { component } from '../components.ts';
import { onServer } from '../regression/sides.ts';
import { findSources } from '../regression/sources.ts';
import { runSuite } from '../regression/suite.ts';

/** A few groups of PostgreSQL's own regression suite; `npm run regression` runs all of it. */
const server = component('postgres-15');
const runner = component('pg_regress');
const sources = findSources();
const missing =
  server.missing ||
  runner.missing ||
  (sources === null ? "PostgreSQL's regression sources are not here (npm run regression fetches them)" : false);

const SCHEDULE = `
test: test_setup
test: boolean char text int4 float8 numeric enum money
test: strings date timestamptz interval copy copyselect copydml insert
test: create_misc create_table create_type
test: select_into select_having union transactions portals namespace prepare
test: async plancache limit copy2 returning largeobject with xml
`;

describe.skipIf(missing)("PostgreSQL's own regression suite", () => {
  it(typeof missing === 'string' ? missing : 'passes through the gateway as it does directly', async () => {
    const suite = {
      runner: runner.path,
      inputs: sources!.regress,
      dlpath: sources!.regress,
      schedule: SCHEDULE,
      minutes: 2,
    };
    const direct = await onServer(server.path, 'direct', (env) => runSuite({ ...suite, env }));
    const gateway = await onServer(server.path, 'gateway', (env) => runSuite({ ...suite, env }));
    expect(gateway.failed.join(' '), gateway.diffs.slice(0, 5000)).toBe(direct.failed.join(' '));
    expect(gateway.passed.sort()).toEqual(direct.passed.sort());
    expect(gateway.passed.length).toBeGreaterThan(25);
  }, 180_000);
});
