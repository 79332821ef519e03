/** Variables that hold or lead to credentials, by the names that their programs gave them. */
const NAMES = new Set([
  'DATABASE_URL',
  'REDIS_URL',
  'MONGODB_URI',
  'MONGO_URL',
  'AMQP_URL',
  'RABBITMQ_URL',
  'KUBECONFIG',
  'SSH_AUTH_SOCK',
  'SSH_AGENT_PID',
  'SSH_ASKPASS',
  'GIT_ASKPASS',
  'SUDO_ASKPASS',
  'GPG_AGENT_INFO',
  'MYSQL_PWD',
  'MYSQL_HOST',
  'MYSQL_TCP_PORT',
  'MYSQL_UNIX_PORT',
  'REDISCLI_AUTH',
  'RESTIC_PASSWORD_FILE',
  'BW_SESSION',
  'NETRC',
  'CURL_HOME',
]);
const PREFIXES = [
  'AWS_',
  'AZURE_',
  'ARM_',
  'GOOGLE_',
  'GCLOUD_',
  'CLOUDSDK_',
  'VAULT_',
  'PG',
  'OP_SESSION_',
  'DOCKER_AUTH',
];
/** libpq has names that begin with PG; others that do are kept. */
const KEPT = /^PG(?:DATA|_|ADMIN|CLIENTENCODING|TZ|DATESTYLE|GEQO|APPNAME|OPTIONS|LOCALEDIR|SYSCONFDIR)/;
const ENDINGS =
  /(?:^|_)(?:TOKEN|TOKENS|SECRET|SECRETS|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY|KEY_ID|CREDENTIALS?|AUTH|DSN|CONNECTION_STRING|DATABASE_URL|DB_URL|JDBC_URL)$/i;
/** `scheme://user:password@host`, in any variable. */
const PASSWORD_IN_URL = /^[a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:[^/@\s]+@/i;
const WORKING_FOLDERS = new Set(['PWD', 'OLDPWD']);

/** Whether a variable may be what lets its holder in somewhere. */
export function isCredential(name: string, value: string): boolean {
  if (WORKING_FOLDERS.has(name) || name.startsWith('COUNTERSIGN_')) return false;
  if (PASSWORD_IN_URL.test(value)) return true;
  if (KEPT.test(name)) return false;
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix)) || ENDINGS.test(name);
}

/** Keeps usual programs from finding the developer's own credentials in the home folder. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  PGPASSFILE: '/dev/null',
  PGSERVICEFILE: '/dev/null',
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  KUBECONFIG: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
};

/** The environment of the command: the gateway's variables win; `clean` leaves the developer's credentials out. */
export function childEnvironment(
  own: NodeJS.ProcessEnv,
  how: 'keep' | 'clean',
  variables: Readonly<Record<string, string>>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(own)) {
    if (value === undefined || (how === 'clean' && isCredential(name, value))) continue;
    env[name] = value;
  }
  if (how === 'clean') {
    Object.assign(env, ELSEWHERE);
    // An empty helper ends the list of those in the developer's files (gitcredentials(7)).
    const count = Number(env.GIT_CONFIG_COUNT ?? 0) || 0;
    env[`GIT_CONFIG_KEY_${count}`] = 'credential.helper';
    env[`GIT_CONFIG_VALUE_${count}`] = '';
    env.GIT_CONFIG_COUNT = String(count + 1);
  }
  return { ...env, ...variables };
}
