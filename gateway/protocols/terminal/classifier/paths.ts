/** What reveals a credential or lets its reader act as somebody. Paths are compared in lower case. */
const SECRETS: readonly RegExp[] = [
  /(^|\/)\.ssh(\/(?!known_hosts|config$|[^/]*\.pub$)|$)/,
  /(^|\/)\.aws(\/(credentials|config|sso|cli)|$)/,
  /(^|\/)\.kube(\/|$)/,
  /(^|\/)\.(netrc|pgpass|my\.cnf|mylogin\.cnf|npmrc|yarnrc\.yml|pypirc|git-credentials|vault-token|s3cfg|boto)$/,
  /(^|\/)_netrc$/,
  /(^|\/)\.docker(\/config\.json|$)/,
  /(^|\/)\.(gnupg|azure|password-store|countersign)(\/|$)/,
  /(^|\/)\.config(\/(gcloud|gh|hub|rclone|op|containers\/auth\.json|glab-cli|git\/credentials|countersign)|$)/,
  /(^|\/)\.(cargo|gem|terraform\.d)\/credentials/,
  /(^|\/)\.envrc$/,
  /(^|\/)(\.m2\/settings(-security)?\.xml|gradle\.properties|wp-config\.php)$/,
  /\.tfstate(\.backup)?$/,
  /(^|\/)\.env(\.(?!example$|sample$|template$|dist$)[^/]*)?$/,
  /(^|\/)[^/]+\.env$/,
  /(^|\/)id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/,
  /\.(pem|key|p12|pfx|jks|keystore|kdbx|ppk|agekey)$/,
  /(^|\/)(credentials|client_secret[^/]*|service[-_]?account[^/]*)(\.json)?$/,
  /(^|\/)\.?secrets?(\.[^/]*)?$/,
  /(^|\/)(keychains|keyrings)(\/|$)/,
  /\.keychain(-db)?$/,
  /\/(cookies|login data|key4\.db|logins\.json)$/,
  /^\/etc\/(g?shadow-?|sudoers|master\.passwd|ssl\/private|krb5\.keytab)(\/|\.|$)/,
  /^\/proc\/[^/]+\/(task\/[^/]+\/)?(environ|mem|maps|root|fd|cwd)(\/|$)/,
  /^\/(var\/)?run\/secrets(\/|$)/,
  /(^|\/)\.[a-z_]*_?history$/,
  /(^|\/)\.local\/share\/(keyrings|countersign)(\/|$)/,
];

/** Files that a program runs or obeys when it starts. */
const START_FILES: readonly RegExp[] = [
  /(^|\/)\.(bashrc|bash_profile|bash_login|bash_logout|bash_aliases|profile|zshrc|zshenv|zprofile|zlogin|zlogout|kshrc|cshrc|tcshrc|login|inputrc|vimrc|exrc|gdbinit|pythonrc|npmrc|yarnrc|gitconfig|pam_environment|xinitrc|xprofile|xsessionrc|tmux\.conf|screenrc|curlrc|wgetrc|psqlrc|pryrc|irbrc|emacs|envrc|pre-commit-config\.yaml)$/,
  /(^|\/)\.git\/(hooks(\/|$)|config$|info\/attributes$|modules\/)/,
  /(^|\/)\.husky\//,
  /(^|\/)\.config\/(fish|autostart|systemd|git|nvim|environment\.d)(\/|$)/,
  /(^|\/)library\/(launchagents|launchdaemons)(\/|$)/,
  /^\/etc\/(profile|bash\.bashrc|zsh|rc\.local|cron|init\.d|systemd|ld\.so|environment|pam\.d|xdg)/,
  /^\/var\/spool\/cron/,
  /(^|\/)\.vscode\/(tasks|settings|launch)\.json$/,
  /(^|\/)\.github\/workflows\//,
  /(^|\/)\.local\/bin(\/|$)/,
  /(^|\/)sitecustomize\.py$/,
];

/** What holds the agent to its limits: a change of it is the agent's approval of itself. */
const GUARDS: readonly RegExp[] = [
  /(^|\/)\.cursor(\/(?!rules(\/|$))|$)/,
  /^\/etc\/(cursor|claude-code|codex|countersign)(\/|$)/,
  /(^|\/)application support\/(cursor|countersign)(\/|$)/,
  /(^|\/)(hooks|mcp|sandbox|permissions|cli-config)\.json$/,
  /(^|\/)\.mcp\.json$/,
  /(^|\/)\.(claude|codex|gemini|codeium|copilot)(\/|$)/,
  /(^|\/)\.github\/hooks(\/|$)/,
  /(^|\/)\.?countersign(\/|$)/,
  /(^|\/)\.cursorignore$/,
];

const SYSTEM = /^\/(etc|usr|bin|sbin|lib\d*|boot|opt|root|sys|proc|var\/lib|system|library|applications)(\/|$)/;
const CREDENTIALS = /(^|\/)\.(ssh|aws|kube|gnupg|docker)(\/|$)/;
const HARMLESS_DEVICE = /^\/dev\/(null|stdout|stderr|stdin|tty|zero|u?random|full|fd\/\d+)$/;

/** Stand for all others where a pattern or a whole folder is read. Below the home unless absolute. */
const SAMPLES = [
  '.ssh',
  '.ssh/id_rsa',
  '.ssh/id_ed25519',
  '.aws',
  '.aws/credentials',
  '.kube',
  '.kube/config',
  '.netrc',
  '.pgpass',
  '.npmrc',
  '.git-credentials',
  '.docker/config.json',
  '.gnupg/private-keys-v1.d/a.key',
  '.config/gh/hosts.yml',
  '.config/gcloud/credentials.db',
  '.bash_history',
  '.env',
  '/etc/shadow',
  '/proc/self/environ',
  '/proc/1/environ',
];
const LOCAL_SAMPLES = [
  '.env',
  '.env.local',
  '.npmrc',
  'id_rsa',
  'server.key',
  'server.pem',
  'credentials.json',
  'secrets.yaml',
];

export interface Place {
  cwd: string | null;
  home: string;
}

const some = (rules: readonly RegExp[], path: string) => rules.some((rule) => rule.test(path));

/** Absolute where the directory is known; `.` and `..` are taken away. */
export function resolvePath(path: string, place: Place): string {
  const whole = path.startsWith('/') || place.cwd === null ? path : `${place.cwd}/${path}`;
  const absolute = whole.startsWith('/');
  const parts: string[] = [];
  for (const part of whole.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '..' || !absolute) parts.push(part);
  }
  return absolute ? `/${parts.join('/')}` : parts.join('/') || '.';
}

/** @param deep everything below it is meant too. */
export function isSecret(path: string, place: Place, glob: boolean, deep: boolean): boolean {
  const lower = path.toLowerCase();
  if (some(SECRETS, lower)) return true;
  const samples = [
    ...SAMPLES.map((sample) => (sample.startsWith('/') ? sample : `${place.home}/${sample}`)),
    ...LOCAL_SAMPLES.map((sample) => resolvePath(sample, place)),
  ].map((sample) => sample.toLowerCase());
  if (deep && samples.slice(0, SAMPLES.length).some((sample) => sample.startsWith(lower === '/' ? '/' : `${lower}/`)))
    return true;
  if (!glob) return false;
  const last = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
  const folder = path.slice(0, path.length - last.length).toLowerCase();
  return (
    samples.some((sample) => matchesGlob(lower, sample, deep)) ||
    LOCAL_SAMPLES.some(
      (sample) => /[^*]/.test(last) && matchesGlob(last, sample, false) && matchesGlob(folder, folder, false),
    )
  );
}

/** Linear in pattern times path; brackets count as any one character, so it errs on matching. */
function matchesGlob(pattern: string, path: string, deep: boolean): boolean {
  const parts = pattern.replace(/\[[^\]]*\]/g, '?').split('/');
  const names = path.split('/');
  if (parts.includes('**')) return matchesGlob(pattern.slice(0, pattern.indexOf('**')), path, true);
  if (deep ? parts.length > names.length : parts.length !== names.length) return false;
  return parts.every((part, i) => part === '' || matchesName(part, names[i] ?? ''));
}

function matchesName(pattern: string, name: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false;
  let p = 0;
  let star = -1;
  let mark = 0;
  for (let n = 0; n < name.length; ) {
    if (pattern[p] === '*') {
      star = p++;
      mark = n;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[n])) {
      p += 1;
      n += 1;
    } else if (star >= 0) {
      p = star + 1;
      n = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

export type WriteKind = 'nothing' | 'file' | 'device' | 'system' | 'start-file' | 'guard' | 'credentials';

/** What a write to that path amounts to. */
export function writeKind(path: string): WriteKind {
  const lower = path.toLowerCase();
  if (HARMLESS_DEVICE.test(lower)) return 'nothing';
  if (lower.startsWith('/dev/') && !lower.startsWith('/dev/shm/')) return 'device';
  if (some(GUARDS, lower)) return 'guard';
  if (CREDENTIALS.test(lower)) return 'credentials';
  if (some(START_FILES, lower)) return 'start-file';
  return SYSTEM.test(lower) ? 'system' : 'file';
}

/** Losing it loses far more than the name says: the root, a system folder, the home, what holds the home or the work. */
export function isWide(path: string, place: Place): boolean {
  const bare = path.replace(/\/(\.?\*+)?$/, '') || '/';
  if (bare === '/' || /^\/[^/]+$/.test(bare) || bare === '.' || bare === '*') return true;
  const holds = (inner: string) => inner === bare || inner.startsWith(`${bare}/`);
  return holds(place.home) || (place.cwd !== null && holds(place.cwd)) || bare.endsWith('/.git');
}
