/** What the demo's agent does, and what a person should see happen. */
export interface AgentStep {
  /** What the agent is up to, as a sentence. */
  title: string;
  sql: string;
  /** What the gateway is expected to do with it under the shipped policy. */
  expect: 'masked' | 'asked' | 'denied' | 'passed';
  /** Not told about: it only frames the others. */
  quiet?: boolean;
}

export const AGENT_STEPS: readonly AgentStep[] = [
  {
    title: 'The agent looks at customers.',
    sql: 'SELECT id, name, email, card_number, ssn, city FROM customers ORDER BY id LIMIT 5',
    expect: 'masked',
  },
  {
    title: 'It changes an order.',
    sql: "UPDATE orders SET status = 'packed' WHERE id = 17",
    expect: 'asked',
  },
  // In a transaction that is taken back: whoever approves it keeps the sample data.
  { title: 'It opens a transaction.', sql: 'BEGIN', expect: 'passed', quiet: true },
  {
    title: 'It forgets the WHERE. (If you approve it, the demo takes it back afterwards.)',
    sql: 'DELETE FROM order_items',
    expect: 'asked',
  },
  { title: 'It takes the transaction back.', sql: 'ROLLBACK', expect: 'passed', quiet: true },
  {
    title: 'It tries to drop the whole database.',
    sql: 'DROP DATABASE shop',
    expect: 'denied',
  },
];
