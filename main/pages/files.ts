import { randomBytes } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import {
  cacheControl,
  contentType,
  isPage,
  NONCE_PLACEHOLDER,
  pageFile,
  securityHeaders,
} from '../../gateway/contract/page.ts';

/** Serves the built console, as the gateway does in a browser. @param path of the URL, still percent-encoded. */
export async function serveFile(folder: string, path: string): Promise<Response> {
  const name = pageFile(path);
  if (name === null) return notFound();
  if (isPage(name)) {
    const html = await readWithin(folder, 'index.html');
    if (html === null) return notFound();
    const nonce = randomBytes(18).toString('base64');
    return new Response(html.toString('utf8').replaceAll(NONCE_PLACEHOLDER, nonce), {
      headers: { ...securityHeaders(nonce), 'content-type': contentType('index.html')!, 'cache-control': 'no-store' },
    });
  }
  const type = contentType(name);
  const bytes = type === null ? null : await readWithin(folder, name);
  if (bytes === null) return notFound();
  return new Response(new Uint8Array(bytes), {
    headers: { ...securityHeaders('none'), 'content-type': type!, 'cache-control': cacheControl(name) },
  });
}

export const notFound = () => new Response('Not found\n', { status: 404, headers: securityHeaders('none') });

/** Links are followed first, so that none leads out. */
async function readWithin(folder: string, name: string): Promise<Buffer | null> {
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, name));
    return file.startsWith(root + sep) ? await readFile(file) : null;
  } catch {
    return null;
  }
}
