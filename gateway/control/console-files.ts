import { randomBytes } from 'node:crypto';
import { readFile, realpath } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.txt': 'text/plain; charset=utf-8',
};

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Countersign</title></head>
<body><h1>Countersign</h1>
<p>The gateway runs, but its console is not built. Run <code>npm run build:renderer</code> and load this page again.</p>
</body></html>
`;

export function securityHeaders(nonce: string): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      "script-src 'self'",
      `style-src 'self' 'nonce-${nonce}'`,
      "connect-src 'self'",
      "img-src 'self' data:",
      "font-src 'self'",
      "manifest-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  };
}

/**
 * Serves the built console. Paths of the app itself (no extension) get index.html with a fresh nonce;
 * files are served only from within the folder, symbolic links followed first.
 * @param path of the URL, still percent-encoded.
 */
export async function serveConsole(folder: string, path: string): Promise<Response> {
  const name = safeName(path);
  if (name === null) return new Response('Not found\n', { status: 404, headers: securityHeaders('none') });
  if (extname(name) === '' || name === 'index.html') return serveIndex(folder);
  const bytes = await readWithin(folder, name);
  const type = TYPES[extname(name).toLowerCase()];
  if (bytes === null || type === undefined) {
    return new Response('Not found\n', { status: 404, headers: securityHeaders('none') });
  }
  return new Response(new Uint8Array(bytes), {
    headers: {
      ...securityHeaders('none'),
      'content-type': type,
      // Names under assets hold a hash of the content.
      'cache-control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
    },
  });
}

async function serveIndex(folder: string): Promise<Response> {
  const nonce = randomBytes(18).toString('base64');
  const html = (await readWithin(folder, 'index.html'))?.toString('utf8') ?? NOT_BUILT;
  return new Response(html.replaceAll('__CSP_NONCE__', nonce), {
    headers: { ...securityHeaders(nonce), 'content-type': TYPES['.html']!, 'cache-control': 'no-store' },
  });
}

/** A plain relative path; null for anything that could mean something else to a file system. */
function safeName(path: string): string | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return null;
  }
  const segments = decoded.split('/').filter((segment) => segment !== '');
  return segments.every((segment) => /^[A-Za-z0-9_@-][A-Za-z0-9._@-]*$/.test(segment)) ? segments.join('/') : null;
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
