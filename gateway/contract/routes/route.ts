import { z } from 'zod';

export const Id = z.string().min(1).max(64);
/** A PIN as typed; never stored, logged or echoed. */
export const Pin = z.string().min(6).max(64);
export const Nothing = z.object({});
export const page = {
  offset: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(500).default(100),
};

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
/** Who may call: anybody who reached the port, a console session or the gateway's socket. */
type Access = 'anyone' | 'session';

/** What every route of a table is, whatever it takes and gives. */
export interface ApiRoute {
  method: Method;
  path: string;
  access: Access;
  input: z.ZodType;
  output: z.ZodType;
  /** Bytes of its body at most, where the usual 2 MiB are too few. */
  maxBody?: number;
}

/** Path parameters (`:id`) are part of `input`; for GET and DELETE the rest of it is the query string. */
export function route<I extends z.ZodType, O extends z.ZodType>(
  method: Method,
  path: string,
  access: Access,
  input: I,
  output: O,
) {
  return { method, path, access, input, output };
}
