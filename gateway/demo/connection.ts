import type { ConnectionInput } from '../contract/connection.ts';

export const DEMO_CONNECTION = 'demo';

/** The connection `demo` as it is registered at every start; its password goes to the vault, not here. */
export function demoConnection(server: {
  host: string;
  port: number;
  appUser: string;
  database: string;
}): ConnectionInput {
  return {
    id: DEMO_CONNECTION,
    kind: 'postgres',
    host: server.host,
    port: server.port,
    user: server.appUser,
    database: server.database,
    // Loopback to a server of our own, which has no certificate.
    tls: { mode: 'disable' },
    columns: [
      { table: 'customers', column: 'email', entity: 'EMAIL_ADDRESS', action: 'redact' },
      { table: 'customers', column: 'phone', entity: 'PHONE_NUMBER', action: 'partial' },
      { table: 'customers', column: 'card_number', entity: 'CREDIT_CARD', action: 'partial' },
      { table: 'customers', column: 'ssn', entity: 'US_SSN', action: 'redact' },
      { table: 'staff', column: 'email', entity: 'EMAIL_ADDRESS', action: 'hash' },
      { table: 'staff', column: 'salary', entity: 'CUSTOM', action: 'redact' },
    ],
    environment: 'development',
    description: 'Embedded PostgreSQL with sample data of a small shop',
  };
}
