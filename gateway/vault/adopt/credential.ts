/** A way into a PostgreSQL server that lies in a file which an agent can read. */
export interface FoundCredential {
  file: string;
  /** From 1. */
  line: number;
  host: string;
  port: number;
  user: string;
  database: string;
  /** It is good for every database of the server. */
  anyDatabase: boolean;
  /** libpq's sslmode, where the file says one. */
  sslmode: string | null;
  password: string;
}

/** What an adopted credential is now. */
export interface Adopted {
  id: string;
  database: string;
  /** Where the gateway is reached. */
  host: string;
  port: number;
}

/** A file with credentials, and how it looks without those that were adopted. */
export interface CredentialFile {
  file: string;
  text: string;
  credentials: FoundCredential[];
  /** Lines that hold a password which cannot be adopted, with why. */
  left: { line: number; why: string }[];
  without(adopted: ReadonlyMap<FoundCredential, Adopted>): string;
}
