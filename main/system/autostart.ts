import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { App } from 'electron';

/** Whether the app starts when the person logs in. */
export interface Autostart {
  readonly on: boolean;
  set(on: boolean): void;
}

/** What it was started by itself with: no window then. */
export const AT_LOGIN = '--at-login';

interface AutostartDeps {
  platform: NodeJS.Platform;
  app: Pick<App, 'getLoginItemSettings' | 'setLoginItemSettings'>;
  env: NodeJS.ProcessEnv;
  home: string;
  /** Of the app: the AppImage where it is one, since its mount is another each time. */
  executable: string;
}

export function createAutostart({ platform, app, env, home, executable }: AutostartDeps): Autostart {
  if (platform !== 'linux') {
    const options = { path: executable, args: [AT_LOGIN] };
    return {
      get on() {
        return app.getLoginItemSettings(platform === 'win32' ? options : undefined).openAtLogin;
      },
      set: (on) => app.setLoginItemSettings({ openAtLogin: on, ...(platform === 'win32' ? options : {}) }),
    };
  }
  const config = env.XDG_CONFIG_HOME?.startsWith('/') ? env.XDG_CONFIG_HOME : join(home, '.config');
  const file = join(config, 'autostart', 'countersign.desktop');
  return {
    get on() {
      return existsSync(file);
    },
    set(on) {
      if (!on) return rmSync(file, { force: true });
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(file, desktopEntry(executable), { mode: 0o644 });
    },
  };
}

/** "Desktop Entry Specification" 1.5; "Desktop Application Autostart Specification". */
function desktopEntry(executable: string): string {
  return [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Countersign',
    'Comment=Asks before your AI coding agent acts',
    `Exec=${execWord(executable)} ${AT_LOGIN}`,
    'Terminal=false',
    'X-GNOME-Autostart-enabled=true',
    '',
  ].join('\n');
}

/** "The Exec key": quoted, with what a shell would take escaped; the string's own backslashes are doubled on top. */
function execWord(path: string): string {
  const quoted = `"${path.replaceAll('%', '%%').replaceAll(/(["`$\\])/g, '\\$1')}"`;
  return quoted.replaceAll('\\', '\\\\');
}
