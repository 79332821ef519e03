import type { ServerResponse } from 'node:http';

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
};

/** What the browser shows at the end of a sign-in. @param text of our own, never what came in. */
export function answerPage(response: ServerResponse, status: number, text: string, sent?: () => void): void {
  response
    .writeHead(status, HEADERS)
    .end(
      `<!doctype html><html lang="en"><meta charset="utf-8"><title>Countersign</title><body><h1>Countersign</h1><p>${text}</p></body></html>`,
      sent,
    );
}

export const CLOSE_THIS_PAGE = 'You can close this page. Countersign says how the sign-in went.';
export const NOT_BEGUN_HERE = 'This sign-in was not begun here, or is over. Begin it again in Countersign.';
