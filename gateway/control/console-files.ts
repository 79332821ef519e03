import { randomBytes } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { cacheControl, contentType, isPage, NONCE_PLACEHOLDER, pageFile, securityHeaders } from '../contract/page.ts';

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Countersign</title></head>
<body><h1>Countersign</h1>
<p>The gateway runs, but its console is not built. Run <code>npm run build:renderer</code> and load this page again.</p>
</body></html>
`;

/**
 * Serves the built console. Paths of the app itself (no extension) get index.html with a fresh nonce;
 * files are served only from within the folder, symbolic links followed first.
 * @param path of the URL, still percent-encoded.
 */
export async function serveConsole(folder: string, path: string): Promise<Response> {
  const name = pageFile(path);
  if (name === null) return new Response('Not found\n', { status: 404, headers: securityHeaders('none') });
  if (isPage(name)) return serveIndex(folder);
  const bytes = await readWithin(folder, name);
  const type = contentType(name);
  if (bytes === null || type === null) {
    return new Response('Not found\n', { status: 404, headers: securityHeaders('none') });
  }
  return new Response(new Uint8Array(bytes), {
    headers: {
      ...securityHeaders('none'),
      'content-type': type,
      'cache-control': cacheControl(name),
    },
  });
}

async function serveIndex(folder: string): Promise<Response> {
  const nonce = randomBytes(18).toString('base64');
  const html = (await readWithin(folder, 'index.html'))?.toString('utf8') ?? NOT_BUILT;
  return new Response(html.replaceAll(NONCE_PLACEHOLDER, nonce), {
    headers: { ...securityHeaders(nonce), 'content-type': contentType('index.html')!, 'cache-control': 'no-store' },
  });
}

async function readWithin(folder: string, name: string): Promise<Buffer | null> {
  try {
    const root = await realpath(folder);
    const file = await realpath(join(root, name));
    return file.startsWith(root + sep) ? await readFile(file) : null;
  } catch {
    return null;
  }
}
