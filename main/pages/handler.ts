import { securityHeaders } from '../../gateway/contract/page.ts';
import { type ApiForwardDeps, createApiForward } from './api-forward.ts';
import { notFound, serveFile } from './files.ts';
import { isOwnPage, PAGE_ORIGIN } from './origin.ts';

export interface PagesDeps extends ApiForwardDeps {
  /** The built console (renderer/dist). */
  folder: string;
}

const FILE_METHODS = new Set(['GET', 'HEAD']);
const API_METHODS = new Set(['GET', 'POST', 'PUT', 'DELETE']);

/** Answers everything under app://countersign, and nothing else. */
export function createPageHandler(deps: PagesDeps): (request: Request) => Promise<Response> {
  const forward = createApiForward(deps);
  return async (request) => {
    if (!isOwnPage(request.url)) return notFound();
    const origin = request.headers.get('origin');
    if (origin !== null && origin !== PAGE_ORIGIN) return refused(403);
    const { pathname } = new URL(request.url);
    if (pathname === '/api' || pathname.startsWith('/api/')) {
      return API_METHODS.has(request.method) ? forward(request) : refused(405);
    }
    if (!FILE_METHODS.has(request.method)) return refused(405);
    const answer = await serveFile(deps.folder, pathname);
    return request.method === 'HEAD' ? new Response(null, answer) : answer;
  };
}

const refused = (status: number) => new Response('Refused\n', { status, headers: securityHeaders('none') });
