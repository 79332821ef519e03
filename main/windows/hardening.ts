import type { App, Session, WebContents, WebPreferences } from 'electron';
import { isOwnPage } from '../pages/origin.ts';

/** Of every window; none of Electron's safe defaults is left to be a default. */
export function webPreferences(session: Session, preload: string): WebPreferences {
  return {
    session,
    preload,
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
    safeDialogs: true,
    devTools: false,
  };
}

/** A page of the app asks for nothing of the system but to put a command on the clipboard. */
const ALLOWED_PERMISSION = 'clipboard-sanitized-write';

type SessionParts = Pick<
  Session,
  'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler' | 'on' | 'webRequest'
>;

/** What pages may reach of the system and of the network: their own origin, and nothing else. */
export function hardenSession(session: SessionParts): void {
  const allows = (permission: string, url: string) => permission === ALLOWED_PERMISSION && isOwnPage(url);
  session.setPermissionRequestHandler((_contents, permission, done, details) =>
    done(allows(permission, details.requestingUrl)),
  );
  session.setPermissionCheckHandler((_contents, permission, origin) => allows(permission, origin));
  session.setDevicePermissionHandler(() => false);
  session.on('will-download', (event) => event.preventDefault());
  session.webRequest.onBeforeRequest(({ url }, done) => done({ cancel: !isOwnPage(url) }));
}

type ContentsParts = Pick<WebContents, 'on' | 'setWindowOpenHandler'>;

function hardenContents(contents: ContentsParts): void {
  contents.setWindowOpenHandler(() => ({ action: 'deny' }));
  contents.on('will-navigate', (event) => {
    if (!isOwnPage(event.url)) event.preventDefault();
  });
  contents.on('will-frame-navigate', (event) => {
    if (!isOwnPage(event.url)) event.preventDefault();
  });
  contents.on('will-redirect', (event) => event.preventDefault());
  contents.on('will-attach-webview', (event) => event.preventDefault());
}

/** Whatever creates contents in this app, they navigate nowhere, open nothing and trust no certificate. */
export function hardenApp(app: Pick<App, 'on'>): void {
  app.on('web-contents-created', (_event, contents) => hardenContents(contents));
  app.on('certificate-error', (event, _contents, _url, _error, _certificate, done) => {
    event.preventDefault();
    done(false);
  });
  app.on('select-client-certificate', (event) => event.preventDefault());
  app.on('login', (event) => event.preventDefault());
}
