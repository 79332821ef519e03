/**
 * A small company's database, made up: the same on every machine, since the generator's seed is fixed.
 * E-mail addresses are at example.com (RFC 2606), phone numbers in 555-01xx (reserved for fiction), card
 * numbers in issuers' test ranges, social security numbers in a range that is never issued (9xx-01..49).
 */
const FIRST =
  'Ada Bela Cyra Dorin Edda Fenn Gala Hale Ines Joren Kaia Leif Mira Nevin Odile Perrin Quill Runa Sorel Tamsin Ulla Varro Wren Xanthe Yorick Zelda'.split(
    ' ',
  );
const LAST =
  'Alder Birchwood Cobb Dunmore Elmhurst Fairlamb Garrow Hollin Ivory Jessop Kestrel Larkin Marlow Nettle Orchard Pemble Quarrie Rowan Sallow Thorne Underhill Vesper Willow Yarrow'.split(
    ' ',
  );
const CITIES = [
  'Ashford',
  'Brightwater',
  'Cinder Falls',
  'Dunhaven',
  'Eastmere',
  'Foxhollow',
  'Greywick',
  'Harrow Bay',
];
const THINGS = 'Lamp Kettle Chair Desk Rug Clock Mirror Basket Blanket Tray Stool Shelf'.split(' ');
const LOOKS = 'Oak Copper Linen Slate Walnut'.split(' ');
const STATUSES = ['placed', 'paid', 'packed', 'shipped', 'delivered', 'delivered', 'delivered', 'returned'];
const ROLES: ReadonlyArray<readonly [string, number]> = [
  ['support', 41_000],
  ['warehouse', 38_000],
  ['engineer', 72_000],
  ['buyer', 52_000],
  ['manager', 86_000],
];

export const SAMPLE_COUNTS = { customers: 500, products: 60, staff: 24, orders: 3000 } as const;
/** Changes when the data does: an older cluster is then made anew. */
export const SAMPLE_VERSION = 1;
export const SAMPLE_DATABASE = 'shop';
export const SAMPLE_ROLE = 'shop_app';

/** mulberry32: small, and the same everywhere. @returns numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param digits all but the check digit. @returns the number with its Luhn check digit (ISO/IEC 7812-1). */
export function withLuhnDigit(digits: string): string {
  let sum = 0;
  for (const [index, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return digits + String((10 - (sum % 10)) % 10);
}

type Value = string | number | null;

function literal(value: Value): string {
  if (value === null) return 'NULL';
  return typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
}

function* inserts(table: string, columns: readonly string[], rows: readonly Value[][]): Generator<string> {
  for (let at = 0; at < rows.length; at += 500) {
    const values = rows.slice(at, at + 500).map((row) => `(${row.map(literal).join(', ')})`);
    yield `INSERT INTO ${table} (${columns.join(', ')}) VALUES\n${values.join(',\n')}`;
  }
}

/** Days after 1 January 2025, as a timestamp in UTC. */
function at(days: number): string {
  return new Date(Date.UTC(2025, 0, 1) + Math.floor(days * 86_400) * 1000).toISOString();
}

const SCHEMA = [
  `CREATE TABLE customers (
    id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL UNIQUE, phone text NOT NULL,
    card_number text NOT NULL, ssn text NOT NULL, city text NOT NULL, created_at timestamptz NOT NULL)`,
  `CREATE TABLE products (
    id integer PRIMARY KEY, name text NOT NULL, price numeric(10, 2) NOT NULL, stock integer NOT NULL)`,
  `CREATE TABLE staff (
    id integer PRIMARY KEY, name text NOT NULL, email text NOT NULL, role text NOT NULL, salary numeric(10, 2) NOT NULL)`,
  `CREATE TABLE orders (
    id integer PRIMARY KEY, customer_id integer NOT NULL REFERENCES customers, status text NOT NULL,
    total numeric(10, 2) NOT NULL, note text, placed_at timestamptz NOT NULL)`,
  `CREATE TABLE order_items (
    order_id integer NOT NULL REFERENCES orders ON DELETE CASCADE, product_id integer NOT NULL REFERENCES products,
    quantity integer NOT NULL, price numeric(10, 2) NOT NULL, PRIMARY KEY (order_id, product_id))`,
];

const FINISH = [
  'CREATE INDEX orders_customer ON orders (customer_id)',
  'CREATE INDEX orders_placed ON orders (placed_at)',
  'CREATE VIEW customer_contacts AS SELECT id, name, email, phone, city FROM customers',
  'ANALYZE',
];

/** The statements that fill the empty database `shop`, without semicolons; run as the owner of the tables-to-be. */
export function* sampleData(): Generator<string> {
  const random = generator(20_250_101);
  const whole = (below: number) => Math.floor(random() * below);
  const pick = <T>(list: readonly T[]): T => list[whole(list.length)] as T;
  const digits = (count: number) => Array.from({ length: count }, () => whole(10)).join('');
  const pad = (value: number, width: number) => String(value).padStart(width, '0');
  const person = (index: number) => {
    const [first, last] = [pick(FIRST), pick(LAST)];
    return { name: `${first} ${last}`, email: `${first}.${last}${index}@example.com`.toLowerCase() };
  };

  yield* SCHEMA;

  const customers = Array.from({ length: SAMPLE_COUNTS.customers }, (_, index) => {
    const { name, email } = person(index + 1);
    const phone = `+1 ${200 + whole(700)} 555 01${pad(whole(100), 2)}`;
    const card = withLuhnDigit(pick(['400000', '424242', '520082']) + digits(9));
    const ssn = `9${pad(whole(100), 2)}-${pad(1 + whole(49), 2)}-${pad(1 + whole(9999), 4)}`;
    return [index + 1, name, email, phone, card, ssn, pick(CITIES), at(random() * 300)];
  });
  const customerColumns = ['id', 'name', 'email', 'phone', 'card_number', 'ssn', 'city', 'created_at'];
  yield* inserts('customers', customerColumns, customers);

  const products = Array.from({ length: SAMPLE_COUNTS.products }, (_, index) => {
    const name = `${LOOKS[index % LOOKS.length]} ${THINGS[Math.floor(index / LOOKS.length)]}`;
    return { id: index + 1, name, cents: 900 + whole(24_000), stock: whole(200) };
  });
  yield* inserts(
    'products',
    ['id', 'name', 'price', 'stock'],
    products.map(({ id, name, cents, stock }) => [id, name, (cents / 100).toFixed(2), stock]),
  );

  const staff = Array.from({ length: SAMPLE_COUNTS.staff }, (_, index) => {
    const { name, email } = person(9000 + index);
    const [role, base] = ROLES[index % ROLES.length] as readonly [string, number];
    return [index + 1, name, email, role, (base + whole(200) * 100).toFixed(2)];
  });
  yield* inserts('staff', ['id', 'name', 'email', 'role', 'salary'], staff);

  const orders: Value[][] = [];
  const items: Value[][] = [];
  for (let id = 1; id <= SAMPLE_COUNTS.orders; id += 1) {
    const customer = customers[whole(customers.length)] as Value[];
    const chosen = new Set(Array.from({ length: 1 + whole(4) }, () => pick(products)));
    let total = 0;
    for (const { id: product, cents } of chosen) {
      const quantity = 1 + whole(3);
      total += quantity * cents;
      items.push([id, product, quantity, (cents / 100).toFixed(2)]);
    }
    const note = random() < 0.04 ? `Please write to ${customer[2]} before delivery.` : null;
    orders.push([id, customer[0] as number, pick(STATUSES), (total / 100).toFixed(2), note, at(300 + random() * 300)]);
  }
  yield* inserts('orders', ['id', 'customer_id', 'status', 'total', 'note', 'placed_at'], orders);
  yield* inserts('order_items', ['order_id', 'product_id', 'quantity', 'price'], items);
  yield* FINISH;
}
