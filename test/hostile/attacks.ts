/**
 * enforced: it does not work. detected: it works, and shows afterwards. possible: it works, and only the note
 * limits it.
 */
export type Outcome = 'enforced' | 'detected' | 'possible';

export interface Attack {
  /** What a process does that runs as the developer's user and holds an agent's token. */
  title: string;
  protected: Outcome;
  unprotected: Outcome;
  /** What stops it, shows it or limits it. */
  note: string;
}

/** Every attempt of the hostile-process test. The table in SECURITY.md is made of this list, and a test compares the two. */
export const ATTACKS = {
  'routes-loopback': {
    title:
      'Calls every route of the control API on loopback: without a session, with forged cookies, another Host, another Origin',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'Loopback answers to its own Host and Origin, and to a session opened with a one-time code.',
  },
  'routes-socket': {
    title:
      'Calls the control socket without the PIN: approves, accepts a policy, changes a connection, sets the PIN, asks for a console code',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'Over the socket everything that gives leave takes the PIN, whatever the policy says.',
  },
  'routes-evidence': {
    title:
      'Calls the control socket without the PIN: stops sync, names another store, adds and removes SIEM destinations, deletes a recording, lifts a hold',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'What keeps evidence on the machine, sends it elsewhere or deletes it takes the PIN.',
  },
  detached: {
    title: 'Does that from a process that forked twice into a session of its own (setsid)',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'Where a process comes from gives it nothing; process ancestry is only shown.',
  },
  'systemd-run': {
    title: 'Does that from a unit of systemd-run --user',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'The same. Tested where a user manager runs, else skipped by name.',
  },
  'guess-pin': {
    title: 'Guesses the PIN over the socket, one after the other and many at once',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'Five wrong PINs lock it, each further one for twice as long, up to a day; a try is counted on disk before it is checked. Locking the person out this way works.',
  },
  'guess-code': {
    title: 'Guesses the one-time code',
    protected: 'enforced',
    unprotected: 'enforced',
    note: '50 bits, ten wrong ones a minute over all callers, ten minutes of life. Keeping the person from logging in this way works.',
  },
  'replay-decision': {
    title: 'Runs an approved statement again, and sends the old decision for it',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'A decision is for one waiting request and one digest, once.',
  },
  'race-decision': {
    title: 'Sends a hundred approvals while a person denies',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'The first decision that proves what the policy demands counts, and none of these does.',
  },
  'root-socket': {
    title: 'Takes a one-time code from the socket that is there for root',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'It lies in the gateway’s home. In unprotected mode there is none.',
  },
  'direct-database': {
    title: 'Connects to the database itself: without a password, with usual ones, with its own token',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'The database’s own authentication, as long as only the vault has the password.',
  },
  'read-secrets': {
    title:
      'Searches the files it can read, and arguments and environments of all processes, for the database password, the keys of vault and masking, hashes of PIN and tokens',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'Unprotected: the vault’s key lies beside the vault; what it finds opens the database directly.',
  },
  'read-memory': {
    title: 'Reads the gateway’s memory, environment and open files in /proc',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'Another OS user’s process is closed. Arguments are open to all and hold no secret.',
  },
  debugger: {
    title: 'Attaches a debugger to the gateway and runs code in it (ptrace; SIGUSR1 and Node’s inspector)',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'Signals and ptrace stop at the OS user.',
  },
  'crack-pin': {
    title: 'Reads the PIN’s hash and tries PINs against it offline',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'Unprotected: only the length of the PIN resists, at about 100 ms a guess.',
  },
  'replace-pin': {
    title: 'Puts a PIN of its own in place of the person’s, and approves with it',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'Unprotected: the person sees that their PIN is wrong.',
  },
  'take-socket': {
    title: 'Puts a socket of its own in place of the control socket, to be told the PIN',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'The socket’s folder is the gateway’s.',
  },
  'replace-program': {
    title: 'Changes the gateway’s program',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'Protected: a copy that only root can change; the gateway refuses to start from any other.',
  },
  'edit-policy': {
    title: 'Edits the policy file',
    protected: 'enforced',
    unprotected: 'detected',
    note: 'What no person accepted is not in force, also after a restart, and is told as such.',
  },
  'forge-policy': {
    title: 'Edits the policy file together with the record of its acceptance, and restarts the gateway',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'The hash of the policy in force is in every recording.',
  },
  'edit-connections': {
    title: 'Edits connections.json (observe instead of enforce, masking off), and restarts the gateway',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'A running gateway keeps what it read and refuses to write over it. Mode and masking are in every recording.',
  },
  'edit-watch': {
    title: 'Edits sync.json, siem.json and alerts.json (no store, no destination, no rule), and restarts the gateway',
    protected: 'enforced',
    unprotected: 'detected',
    note: 'The device’s log has the hash of the configuration at each start and change. What the store had before stays there, and that nothing follows shows there.',
  },
  'read-evidence': {
    title: 'Reads what is on its way: the device’s key, the outbox and its staging, the events for the SIEM',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'Unprotected: whoever has the device’s key can sign another history from then on; the one that has left the machine stays.',
  },
  'edit-device-log': {
    title: 'Changes an entry of the device’s log, and restarts the gateway',
    protected: 'enforced',
    unprotected: 'detected',
    note: 'The gateway says so, and forwards nothing until a person has looked.',
  },
  'forge-token': {
    title: 'Writes a token of its own into tokens.json, and restarts the gateway',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'It gains little: see the row on tokens below.',
  },
  'edit-recording': {
    title: 'Changes a recording',
    protected: 'enforced',
    unprotected: 'detected',
    note: 'It does not verify any more. Unprotected: a whole session can be made anew under another key; only a head that had left the machine shows that.',
  },
  'delete-recording': {
    title: 'Deletes a session’s recording',
    protected: 'enforced',
    unprotected: 'detected',
    note: 'The device’s log still names the session, and no entry says that it was removed; what is in the team’s store stays there.',
  },
  'edit-index': {
    title: 'Changes the search index, so that lists show another statement',
    protected: 'enforced',
    unprotected: 'possible',
    note: 'The index is a convenience: the recording itself still says what ran, and the index can be built anew from it.',
  },
  kill: {
    title: 'Kills the gateway in the middle of a session',
    protected: 'enforced',
    unprotected: 'detected',
    note: 'Nothing is forwarded then. The session is closed as incomplete at the next start.',
  },
  'browser-profile': {
    title: 'Copies the profile of the browser in which the console is open, and opens it in a browser of its own',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'The cookie has no lifetime, so Chromium keeps it in memory; the key beside it, which is in the profile, opens nothing alone. A browser that is set to restore its tabs may write the cookie down; then it is the row on cookie and key below.',
  },
  'cookie-alone': {
    title: 'Runs a server on another port, and uses the console’s cookie that the browser sends it there',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'The cookie opens nothing without a key that only pages of the console’s own origin can read.',
  },
  'stolen-session': {
    title: 'Uses the console’s cookie and key, taken from the browser’s memory, to approve what asks for a click',
    protected: 'possible',
    unprotected: 'possible',
    note: 'A click proves that somebody, or something, of the developer’s user clicked. Let the policy ask for the PIN where that is not enough. Ends with signing out, and after twelve hours.',
  },
  'stolen-session-pin': {
    title: 'The same for what asks for the PIN',
    protected: 'enforced',
    unprotected: 'enforced',
    note: 'The PIN comes with each single decision and is in no session. (A process that reads the keys as the person types gets it: see below.)',
  },
  'synthetic-input': {
    title: 'Clicks Approve in the person’s open console, by synthetic input',
    protected: 'possible',
    unprotected: 'possible',
    note: 'As in the row on cookie and key: for what asks for a click, and not for the PIN.',
  },
  'mint-token': {
    title: 'Lets itself in to any registered connection (asks for a token over the socket)',
    protected: 'possible',
    unprotected: 'possible',
    note: 'Meant so: an agent works within the policy, and every token’s statements are decided and recorded.',
  },
  'read-sessions': {
    title: 'Reads what was recorded in all sessions, over the socket',
    protected: 'possible',
    unprotected: 'possible',
    note: 'As the clients saw it, so masked values are masked there too.',
  },
  'deny-service': {
    title: 'Denies what waits, ends sessions, stages policies that nobody wants',
    protected: 'possible',
    unprotected: 'possible',
    note: 'All of it takes leave away, or waits for a person. Denials and ended sessions are recorded.',
  },
} as const satisfies Record<string, Attack>;

export type AttackId = keyof typeof ATTACKS;
export const ATTACK_IDS = Object.keys(ATTACKS) as AttackId[];

/** As it stands in SECURITY.md, between its markers. */
export function attackTable(): string {
  const rows = ATTACK_IDS.map((id) => {
    const { title, protected: isolated, unprotected, note } = ATTACKS[id];
    const mark = (outcome: Outcome) => (outcome === 'enforced' ? outcome : `**${outcome}**`);
    return `| ${title} | ${mark(isolated)} | ${mark(unprotected)} | ${note} |`;
  });
  return [
    '| A hostile process of the developer’s user … | protected | unprotected | |',
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}
