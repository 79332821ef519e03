import { isCountersignError } from '../../contract/errors.ts';
import { full, refused, unreachable } from './failures.ts';

export const codeOf = (error: unknown) => String((error as NodeJS.ErrnoException | null)?.code ?? '');

/** For `.catch`: undefined for these codes. */
export function ignore(...codes: string[]): (error: unknown) => undefined {
  return (error) => {
    if (!codes.includes(codeOf(error))) throw error;
  };
}

export const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);
export const REFUSALS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS']);
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

export async function inWords<T>(description: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw told(error, description);
  }
}

/** A file system's error as one of the store's, in words. */
export function told(error: unknown, description: string): unknown {
  const code = codeOf(error);
  if (isCountersignError(error) || !/^E[A-Z0-9]+$/.test(code)) return error;
  if (FULL.has(code)) return full(`There is no room left in ${description} (${code}).`, error);
  if (REFUSALS.has(code)) return refused(`${description} may not be used (${code}); look at its permissions.`, error);
  return unreachable(`${description} does not work (${code}).`, error);
}
