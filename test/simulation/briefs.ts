import type { WeekOperation } from './operation.ts';

/** How far a value may go in later requests, in the person's own words: any, a number up to some most, or below a folder. */
export type Vary = 'any' | { most: number } | { starts: string };

/** Something the person agreed to for a conversation. */
export interface Item {
  name: string;
  matches(operation: WeekOperation): Found | null;
  /** By the value's name: what may be another one in later requests. Absent: each is asked. */
  vary?: Readonly<Record<string, Vary>>;
  /** Rows of one statement, and of all of them in one conversation. */
  rowsEach?: number;
  rows?: number;
  minutes?: number;
  /** The person would say yes to it in any conversation. */
  always?: boolean;
}

/** The values of one operation, by their names. */
export type Found = Readonly<Record<string, string>>;

type More = Omit<Item, 'name' | 'matches'>;

const asked = (name: string, kind: 'sql' | 'shell', place: string, form: RegExp, more: More): Item => ({
  name,
  ...more,
  matches(operation) {
    if (operation.by !== kind) return null;
    const [where, text] =
      operation.by === 'sql' ? [operation.connection, operation.text] : [operation.cwd, operation.command];
    if (where !== place) return null;
    const found = form.exec(text);
    return found === null ? null : { ...found.groups };
  },
});

const statement = (name: string, connection: string, form: RegExp, more: More = {}): Item =>
  asked(name, 'sql', connection, form, { minutes: 120, rowsEach: 1000, rows: 1_000_000, ...more });

const command = (name: string, form: RegExp, more: More = {}, cwd = '/code/shop'): Item =>
  asked(name, 'shell', cwd, form, { minutes: 120, ...more });

const call = (
  name: string,
  server: string,
  tool: string,
  values: Readonly<Record<string, RegExp>>,
  more: More = {},
): Item => ({
  name,
  minutes: 120,
  ...more,
  matches(operation) {
    if (operation.by !== 'mcp' || operation.server !== server || operation.tool !== tool) return null;
    const given = Object.entries(operation.arguments).map(([key, value]) => [key, String(value)] as const);
    if (!given.every(([key, value]) => values[key]?.test(value) === true)) return null;
    return Object.fromEntries(given);
  },
});

const write = (name: string, form: RegExp): Item => ({
  name,
  always: true,
  matches: (operation) =>
    operation.by === 'file' && operation.action !== 'delete' && form.test(operation.path)
      ? { path: operation.path }
      : null,
});

const ANY = /^.{0,200}$/s;

const TICKETS: readonly Item[] = [
  call('list tickets', 'tracker', 'list_issues', { project: /^SUP$/, status: ANY, limit: ANY }, { always: true }),
  call(
    'read a ticket',
    'tracker',
    'get_issue',
    { project: /^(SUP|SHOP)$/, key: ANY },
    { vary: { key: 'any' }, always: true },
  ),
];

const SUPPORT: readonly Item[] = [
  ...TICKETS,
  statement('look at an order', 'shop', /^SELECT .* FROM (orders|order_lines) WHERE (order_)?id = \d+$/, {}),
  statement('find a customer', 'shop', /^SELECT id, name FROM customers WHERE email = '(?<email>[^'%]+)'$/, {
    vary: { email: 'any' },
    rowsEach: 5,
    rows: 200,
  }),
  statement('refund an order', 'shop', /^UPDATE orders SET status = 'refunded' WHERE id = (?<id>\d+)$/, {
    vary: { id: 'any' },
    rowsEach: 1,
    rows: 60,
  }),
  statement(
    'note a refund of up to 250',
    'shop',
    /^INSERT INTO refunds \(order_id, amount_cents, reason\) VALUES \((?<order>\d+), (?<cents>\d{1,4}|1\d{4}|2[0-4]\d{3}|25000), 'return'\)$/,
    { vary: { order: 'any', cents: { most: 25_000 } }, rowsEach: 1, rows: 60 },
  ),
  statement(
    'put up to 9 back on stock',
    'shop',
    /^UPDATE stock SET on_hand = on_hand \+ (?<n>\d) WHERE sku = '(?<sku>S-\d+)'$/,
    {
      vary: { n: { most: 9 }, sku: 'any' },
      rowsEach: 1,
      rows: 30,
    },
  ),
  call(
    'comment a ticket',
    'tracker',
    'add_comment',
    { project: /^SUP$/, key: ANY, body: /^Refunded order \d+\.$/ },
    {
      vary: { key: 'any', body: { starts: 'Refunded order ' } },
    },
  ),
  call(
    'close a ticket',
    'tracker',
    'set_status',
    { project: /^SUP$/, key: ANY, status: /^done$/ },
    { vary: { key: 'any' } },
  ),
];

const WORK: readonly Item[] = [
  command('look', /^(git status|grep -rn "\w+" src)$/, { always: true }),
  command('run tests of a file', /^npx vitest run (?<file>src\/[\w./-]+\.test\.tsx?)$/, {
    vary: { file: { starts: 'src/' } },
    always: true,
  }),
  command('check types', /^npx tsc --noEmit$/, { vary: {}, always: true }),
  command('run all tests', /^npm test$/, { vary: {}, always: true }),
  command('build', /^npm run build$/, { vary: {}, always: true }),
  command('stage', /^git add -A$/, { vary: {}, always: true }),
  command('commit', /^git commit -m "(?<message>[\w ()-]+)"$/, { vary: { message: 'any' } }),
  write('write the sources', /^\/code\/shop\/src\/[\w/-]+\.tsx?$/),
  call(
    'search the documentation',
    'docs',
    'search',
    { query: ANY, limit: ANY },
    { vary: { query: 'any' }, always: true },
  ),
];

const FIX: readonly Item[] = [
  ...TICKETS,
  ...WORK,
  command('a branch', /^git checkout -b fix\/[\w-]+$/),
  command('push the branch', /^git push -u origin fix\/\w+$/),
  call('open a pull request', 'repo', 'create_pull_request', {
    repository: /^shop$/,
    base: /^main$/,
    head: /^fix\//,
    title: ANY,
  }),
  call('comment an issue', 'tracker', 'add_comment', { project: /^SHOP$/, key: ANY, body: ANY }),
  statement('look at orders on staging', 'staging', /^SELECT id, total_cents FROM orders /),
  statement(
    'set a total on staging',
    'staging',
    /^UPDATE orders SET total_cents = (?<cents>\d+) WHERE id = (?<id>\d+)$/,
    {
      vary: { cents: 'any', id: 'any' },
      rowsEach: 1,
      rows: 100,
    },
  ),
  statement(
    'clear a cart of a test on staging',
    'staging',
    /^DELETE FROM carts WHERE session_id = '(?<id>test-\d+)'$/,
    {
      vary: { id: { starts: 'test-' } },
      rowsEach: 5,
      rows: 100,
    },
  ),
  command('ask the local server', /^curl -s (?<url>http:\/\/localhost:3000\/api\/[\w/]+)$/, {
    vary: { url: { starts: 'http://localhost:3000/api/' } },
  }),
];

const UI: readonly Item[] = [
  ...WORK,
  call(
    'open a page',
    'browser',
    'navigate',
    { url: /^http:\/\/localhost:5173\/[\w?=]+$/ },
    {
      vary: { url: { starts: 'http://localhost:5173/' } },
    },
  ),
  call('look at the page', 'browser', 'snapshot', { full: ANY }, { vary: { full: 'any' }, always: true }),
  call('click', 'browser', 'click', { element: ANY, ref: ANY }, { vary: { element: 'any', ref: 'any' } }),
  call(
    'type',
    'browser',
    'type',
    { element: ANY, ref: ANY, text: ANY },
    { vary: { element: 'any', ref: 'any', text: 'any' } },
  ),
];

const backfill = (region: string): readonly Item[] => [
  statement('count', 'shop', /^SELECT .*count\(\*\) FROM customers( WHERE region IS NULL| GROUP BY region)$/),
  statement(
    'fill a batch',
    'shop',
    new RegExp(
      `^UPDATE customers SET region = '${region}' WHERE region IS NULL AND id BETWEEN (?<from>\\d+) AND (?<to>\\d+)$`,
    ),
    { vary: { from: 'any', to: 'any' }, rowsEach: 200, rows: 14_000 },
  ),
  call('say that it is done', 'tracker', 'add_comment', { project: /^SHOP$/, key: ANY, body: ANY }),
];

const UPGRADE: readonly Item[] = [
  ...WORK,
  command('look for a version', /^npm view (?<name>[a-z]+) version$/, { vary: { name: 'any' } }),
  command(
    'install a package of the list',
    /^npm install (express|zod|pino|undici|vite|react|hono|jose|commander|typescript|vitest|sharp|got|ioredis)@\d+\.\d+\.0$/,
  ),
];

const OPERATE: readonly Item[] = [
  command('look at pods', /^kubectl get pods -n shop$/, { vary: {} }),
  command('look at logs', /^kubectl logs -n shop (?<what>deploy\/\w+) (?<tail>--tail=\d+)$/, {
    vary: { what: { starts: 'deploy/' }, tail: { starts: '--tail=' } },
  }),
  command('ask for health', /^curl -s (?<url>https:\/\/status\.shop\.example\/health\/\w+)$/, {
    vary: { url: { starts: 'https://status.shop.example/health/' } },
  }),
  statement('look at jobs', 'shop', /^SELECT state, count\(\*\) FROM jobs GROUP BY state$/),
  statement(
    'run a job again',
    'shop',
    /^UPDATE jobs SET state = 'queued' WHERE state = 'failed' AND id = (?<id>\d+)$/,
    {
      vary: { id: 'any' },
      rowsEach: 1,
      rows: 40,
    },
  ),
  command('restart the worker', /^kubectl rollout restart -n shop deploy\/worker$/),
];

const REPORT: readonly Item[] = [
  statement('sum sales', 'analytics', /^SELECT date_trunc/),
  statement(
    'find customers of a mail host',
    'analytics',
    /^SELECT id FROM customers WHERE email LIKE '(?<like>%@\w+\.example)'$/,
    {
      vary: { like: { starts: '%@' } },
      rowsEach: 100,
      rows: 2000,
    },
  ),
  statement(
    'a row of the report',
    'analytics',
    /^INSERT INTO report_rows \(report, week, cents\) VALUES \('q1', (?<week>\d+), (?<cents>\d+)\)$/,
    {
      vary: { week: { most: 53 }, cents: 'any' },
      rowsEach: 1,
      rows: 60,
    },
  ),
  command(
    'draw a chart',
    /^python3 (?<file>charts\/\w+\.py)$/,
    { vary: { file: { starts: 'charts/' } } },
    '/code/report',
  ),
  write('write the report', /^\/code\/report\/q1\.md$/),
];

const IMPORT: readonly Item[] = [
  statement('look for a product', 'shop', /^SELECT id FROM products WHERE sku = 'S-\d+'$/),
  // A price is looked at each time, since a wrong one is sold by.
  statement('set a price', 'shop', /^UPDATE products SET price_cents = [1-9]\d{2,4} WHERE sku = 'S-\d+'$/, {
    rowsEach: 1,
  }),
  statement(
    'a new product',
    'shop',
    /^INSERT INTO products \(sku, name, price_cents\) VALUES \('(?<sku>S-\d+)', '(?<name>[\w ]+)', (?<cents>\d+)\)$/,
    { vary: { sku: 'any', name: 'any', cents: { most: 100_000 } }, rowsEach: 1, rows: 100 },
  ),
];

/** What each conversation was agreed to be for. */
export const BRIEFS: Readonly<Record<string, readonly Item[]>> = {
  'mon-support': SUPPORT,
  'mon-fix': FIX,
  'mon-ui': UI,
  'tue-backfill': backfill('EU'),
  'tue-support': SUPPORT,
  'tue-upgrade': [...UPGRADE, write('a file beside', /^\/code\/shop\/src\/compat\.ts$/)],
  'wed-fix': FIX,
  'wed-operate': OPERATE,
  'wed-report': REPORT,
  'thu-support': SUPPORT,
  'thu-import': IMPORT,
  'thu-ui': UI,
  'fri-backfill': backfill('US'),
  'fri-fix': FIX,
  'fri-support': SUPPORT,
};
