import { createHash } from 'node:crypto';

/** 'md5' + md5(md5(password + user) + salt), in hexadecimal: protocol-flow.html, AuthenticationMD5Password. */
export function md5Password(user: string, password: string, salt: Uint8Array): string {
  const inner = createHash('md5').update(`${password}${user}`, 'utf8').digest('hex');
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`;
}
