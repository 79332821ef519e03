/** How the console's page is served, whichever program serves it: the gateway, the auditor's, or the desktop app. */

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  ico: 'image/x-icon',
  woff2: 'font/woff2',
  json: 'application/json',
  webmanifest: 'application/manifest+json',
  txt: 'text/plain; charset=utf-8',
};

/** In index.html, where the nonce of the response goes. */
export const NONCE_PLACEHOLDER = '__CSP_NONCE__';

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

/** Of a file by its name; null: not served. */
export function contentType(name: string): string | null {
  return TYPES[extension(name).toLowerCase()] ?? null;
}

/** Paths of the app itself have no extension: they are index.html. */
export const isPage = (name: string): boolean => extension(name) === '' || name === 'index.html';

/** Names under assets hold a hash of the content. */
export const cacheControl = (name: string): string =>
  name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';

/**
 * The path of a URL, still percent-encoded, as a plain relative path; null for anything that could mean
 * something else to a file system.
 */
export function pageFile(path: string): string | null {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    return null;
  }
  const segments = decoded.split('/').filter((segment) => segment !== '');
  return segments.every((segment) => /^[A-Za-z0-9_@-][A-Za-z0-9._@-]*$/.test(segment)) ? segments.join('/') : null;
}

function extension(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  return dot <= 0 ? '' : base.slice(dot + 1);
}
