/** The scheme is registered as standard and secure, so that this is an origin of its own as https would be. */
export const PAGE_SCHEME = 'app';
export const PAGE_HOST = 'countersign';
export const PAGE_ORIGIN = `${PAGE_SCHEME}://${PAGE_HOST}`;

/** Whether a URL is one of the app's own pages. */
export function isOwnPage(url: string): boolean {
  try {
    const { protocol, host, username, password } = new URL(url);
    return protocol === `${PAGE_SCHEME}:` && host === PAGE_HOST && username === '' && password === '';
  } catch {
    return false;
  }
}
