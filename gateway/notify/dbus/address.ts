import { statSync } from 'node:fs';
import { CountersignError } from '../../contract/errors.ts';

const none = (sentence: string) => new CountersignError('NO_SESSION_BUS', sentence);

/**
 * Where the session bus of this user listens: what `net.connect` takes as a path. Addresses that run a
 * program or lead to another machine are not followed. Throws NO_SESSION_BUS with the reason.
 */
export function sessionBusPath(env: NodeJS.ProcessEnv, uid: number): string {
  const given = env.DBUS_SESSION_BUS_ADDRESS;
  const usual = `/run/user/${uid}/bus`;
  const path = given ? pathOf(given) : usual;
  if (path === null) throw none('the session bus has an address that is not a unix socket');
  if (path.startsWith('\0')) return path;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) {
    throw none(given ? 'the session bus is not where its address says' : 'there is no session bus here');
  }
  // Whoever owns the bus says who clicked.
  if (found.uid !== uid) throw none('the session bus here is that of another user');
  return path;
}

/** `unix:path=/a%20b,guid=…;…`: the first that is a unix socket ("Server Addresses"). */
function pathOf(address: string): string | null {
  for (const one of address.slice(0, 4096).split(';')) {
    const [transport, parameters = ''] = one.split(/:(.*)/s);
    if (transport !== 'unix') continue;
    for (const parameter of parameters.split(',')) {
      const [key, value = ''] = parameter.split(/=(.*)/s);
      if (key !== 'path' && key !== 'abstract') continue;
      const plain = unescaped(value);
      if (plain !== null && plain !== '') return key === 'path' ? plain : `\0${plain}`;
    }
  }
  return null;
}

function unescaped(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
