import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import { isOption, type Parsed } from '../options.ts';
import { hasOption, type Row } from '../row.ts';
import { literal } from '../words.ts';

const REMOTE = { text: null, remote: true };

/** Programs that speak to other machines. */
export const NETWORK: readonly Row[] = [
  {
    names: 'curl',
    class: 'network',
    values:
      '-o -d -F -H -X -u -A -e -b -c -T -K -m -x -r -w -C -E -t -Y -y -z -D -U -P -Q -h --output --data --data-raw --data-binary --data-ascii --data-urlencode --json --form --form-string --header --request --user --user-agent --referer --cookie --cookie-jar --upload-file --config --max-time --connect-timeout --proxy --range --write-out --cert --key --cacert --capath --url --resolve --connect-to --retry --retry-delay --unix-socket --interface --dump-header --output-dir --trace --trace-ascii --stderr --netrc-file --proto --limit-rate --variable --expand-data --dns-servers --socks5 --hsts --alt-svc --etag-save --etag-compare',
    reads: '-K --config -E --cert --key --cacert --netrc-file',
    writes:
      '-o --output -c --cookie-jar -D --dump-header --trace --trace-ascii --stderr --output-dir --hsts --alt-svc --etag-save',
    worse: [
      { when: '-K --config', class: 'unknown', says: 'curl takes its options from a file' },
      { when: '-T --upload-file -F --form', class: 'network', says: 'Sends files', flags: 'upload' },
      {
        when: '-O --remote-name -J --remote-header-name',
        class: 'write',
        says: 'Saves what it loads under its remote name',
        flags: 'downloads',
      },
      { when: '-n --netrc --netrc-file --netrc-optional', class: 'secret-read', says: 'Sends a password from .netrc' },
      {
        when: '--unix-socket --abstract-unix-socket',
        class: 'privilege',
        says: 'Speaks to a service of this computer by its socket',
      },
    ],
    does: curl,
  },
  {
    names: 'wget wget2',
    class: 'network',
    values:
      '-O -o -a -P -i -e -U -t -T -w -Q -l -A -R -D -B --output-document --output-file --append-output --directory-prefix --input-file --execute --user-agent --post-data --post-file --body-data --body-file --method --header --user --password --tries --timeout --config --load-cookies --save-cookies --ca-certificate --certificate --private-key --use-askpass',
    writes: '-O --output-document -o --output-file -a --append-output -P --directory-prefix --save-cookies',
    reads: '-i --input-file --post-file --body-file --load-cookies --config --private-key --certificate',
    worse: [
      { when: '--post-file --body-file', class: 'network', says: 'Sends files', flags: 'upload' },
      { when: '--post-data --body-data --method', class: 'network', says: 'Sends data', flags: 'upload' },
      { when: '-e --execute --config --use-askpass', class: 'unknown', says: 'wget runs commands of its settings' },
    ],
    does: (call, parsed) => {
      hosts(call, parsed);
      call.effects.flag('downloads');
      if (!hasOption(parsed, '-O --output-document --spider'))
        call.effects.worsen('write', 'Saves what it loads under its remote name');
      return REMOTE;
    },
  },
  {
    names:
      'http https xh xhs httpie aria2c lynx w3m links elinks ftp lftp tftp telnet nmap masscan socat openvpn cloudflared ngrok tailscale wg wg-quick mosh autossh sshpass rclone croc magic-wormhole wormhole',
    class: 'network',
    says: 'Speaks to other machines',
    does: (call) => {
      call.effects.unknown(`what ${call.name} sends and runs is not followed`);
      for (const word of call.args) if (word.text?.includes('://')) call.host(word);
      if (/^(ngrok|cloudflared|socat)$/.test(call.name)) call.effects.flag('listener');
      return REMOTE;
    },
  },
  {
    names: 'nc ncat netcat',
    class: 'network',
    says: 'Opens a raw connection',
    values: '-p -w -s -e -c -x -X -i -q -I -O -T -g -G --exec --sh-exec',
    worse: [
      { when: '-l --listen', class: 'network', says: 'Listens for connections', flags: 'listener' },
      {
        when: '-e -c --exec --sh-exec',
        class: 'unknown',
        says: 'a program is given to whoever connects',
        flags: 'remote-code',
      },
    ],
    does: (call, parsed) => {
      if (!hasOption(parsed, '-l --listen') && parsed.operands[0]) call.host(parsed.operands[0]);
      sends(call);
      return REMOTE;
    },
  },
  {
    names: 'ping ping6 traceroute tracepath mtr',
    class: 'network',
    values: '-c -i -W -w -s -t -I -m -q -p',
    says: 'Looks for {}',
    operands: 'hosts',
  },
  {
    names: 'dig host nslookup whois',
    class: 'network',
    says: 'Asks a name server for {}',
    values: '-p -t -x -f -k -b -c -q',
    reads: '-f -k',
    does: (call, { operands }) => {
      for (const word of operands) if (word.text === null || /[.@]/.test(word.text)) call.host(word);
      return REMOTE;
    },
  },
  {
    names: 'ssh slogin',
    class: 'network',
    values: '-B -b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w',
    stops: true,
    does: ssh,
  },
  { names: 'scp', class: 'network', values: '-c -D -F -i -J -l -o -P -S -X', reads: '-F', does: copies },
  {
    names: 'rsync',
    class: 'network',
    values:
      '-e -f -B -M -T --rsh --exclude --include --exclude-from --include-from --files-from --filter --rsync-path --password-file --log-file --backup-dir --bwlimit --port --out-format --temp-dir --partial-dir --compare-dest --link-dest --copy-dest --timeout --chmod --chown --info',
    reads: '--exclude-from --include-from --files-from --password-file',
    writes: '--log-file --backup-dir',
    worse: [
      {
        when: '-e --rsh --rsync-path -M --remote-option',
        class: 'unknown',
        says: 'rsync is told which program to run',
      },
      {
        when: '--delete --delete-before --delete-after --delete-during --delete-excluded --delete-delay --del',
        class: 'destructive',
        says: 'Removes what the source does not have',
      },
      { when: '--remove-source-files', class: 'destructive', says: 'Removes the files it has sent' },
    ],
    does: copies,
  },
  {
    names: 'sftp',
    class: 'network',
    values: '-b -c -D -F -i -J -l -o -P -R -S -s -B',
    does: (call, { operands }) => {
      if (operands[0]) call.host(operands[0]);
      call.effects.unknown('what sftp is told to do is not followed');
      return REMOTE;
    },
  },
  {
    names: 'ssh-keygen',
    class: 'privilege',
    says: 'Makes or changes keys',
    values: '-t -b -C -f -N -P -R -F -I -n -s -V -Y -m -D',
    writes: '-f',
    worse: [{ when: '-D', class: 'unknown', says: 'ssh-keygen loads code' }],
  },
  {
    names: 'ssh-add ssh-agent ssh-copy-id ssh-keyscan',
    class: 'privilege',
    says: 'Changes or shows what keys may sign in',
    operands: 'reads',
  },
  {
    names: 'ss netstat ip ifconfig route arp',
    values: '-f',
    worse: [
      {
        when: 'link set|link add|link delete|addr add|addr del|address add|route add|route del|route replace|rule add|netns exec|netns add|tuntap add',
        class: 'privilege',
        says: 'Changes the network of this computer',
      },
    ],
    does: (call, parsed) => {
      if (
        /^(ip|ifconfig|route|arp)$/.test(call.name) &&
        parsed.operands.length > 1 &&
        !parsed.operands.slice(1).every(({ text }) => /^(show|list|ls|get|dev|[\w.-]*\d)$/.test(text ?? '?'))
      )
        call.effects.worsen('privilege', 'Changes the network of this computer');
      if (hasOption(parsed, call.name === 'ss' ? '-K --kill' : call.name === 'arp' ? '-d -s --delete --set' : '-del'))
        call.effects.worsen('privilege', 'Changes the network of this computer');
      if (call.name === 'ip' && hasOption(parsed, '-b -batch')) call.effects.unknown('ip takes commands from a file');
      return PRINTS;
    },
  },
  {
    names: 'iptables ip6tables nft ufw firewall-cmd pfctl tcpdump tshark wireshark nmcli networksetup scutil',
    class: 'privilege',
    says: 'Changes or listens to the network of this computer',
  },
  {
    names: 'mail mailx sendmail mutt msmtp swaks',
    class: 'network',
    says: 'Sends mail',
    flags: 'upload',
    operands: 'hosts',
  },
];

function hosts(call: Call, { operands }: Parsed) {
  for (const word of operands) {
    call.host(word);
    if (word.text?.startsWith('file:')) call.read(literal(word.text.replace(/^file:(\/\/[^/]*)?/, '')));
  }
}

/** What comes in by a pipe goes out. */
function sends(call: Call) {
  if (call.input.kind === 'none') return;
  call.effects.worsen('network', 'Sends what another command gives it');
  call.effects.flag('upload');
}

function curl(call: Call, parsed: Parsed) {
  const { effects } = call;
  hosts(call, parsed);
  effects.worsen(
    'network',
    `Asks ${
      parsed.operands
        .map((word) => word.source)
        .slice(0, 4)
        .join(', ') || 'a server'
    }`,
  );
  for (const option of parsed.options) {
    const text = option.value?.text ?? null;
    if (option.value === null) continue;
    if (isOption(option, '--url')) call.host(option.value);
    if (isOption(option, '-o --output')) effects.flag('downloads');
    if (
      isOption(
        option,
        '-d --data --data-binary --data-ascii --data-urlencode --json -F --form -T --upload-file --data-raw --form-string',
      )
    ) {
      effects.flag('upload');
      effects.worsen('network', 'Sends data');
      if (option.value.text === null && option.value.prefix === '')
        effects.unknown('what curl sends is known only when it runs');
      const isUpload = isOption(option, '-T --upload-file');
      if (!isOption(option, '--data-raw --form-string')) {
        const file = isUpload
          ? text
          : (/(?:^|=)[@<]([^;,]*)/.exec(text ?? '')?.[1] ?? /^[^=@]*@(.*)$/.exec(text ?? '')?.[1]);
        if (file != null && file !== '-') call.read(literal(file));
        else if (file === '-') sends(call);
      }
    }
    if (isOption(option, '-H --header -b --cookie') && text?.startsWith('@')) call.read(literal(text.slice(1)));
    if (isOption(option, '-X --request') && text !== null && !/^(GET|HEAD|OPTIONS)$/i.test(text)) {
      effects.flag('upload');
      effects.worsen(/^DELETE$/i.test(text) ? 'destructive' : 'network', `Sends ${text}`);
    }
    if (isOption(option, '--variable --expand-data'))
      effects.unknown('curl reads files or the environment into its request');
  }
  return REMOTE;
}

function ssh(call: Call, parsed: Parsed) {
  const { effects } = call;
  const [host, ...command] = parsed.operands;
  if (host) call.host(host);
  effects.worsen('execute', `Runs a command or shell on ${host?.source ?? 'another machine'}`);
  effects.unknown('what happens on the other machine is not followed');
  if (hasOption(parsed, '-L -R -D -W -w')) effects.flag('listener');
  for (const { name, value } of parsed.options) {
    if (
      name === '-o' &&
      !/^(StrictHostKeyChecking|ConnectTimeout|BatchMode|Port|User|ServerAlive\w+)\b/i.test(value?.text ?? '')
    )
      effects.unknown('an option of ssh can run a program here');
    if (name === '-o' && /StrictHostKeyChecking[= ]*no/i.test(value?.text ?? '')) effects.flag('host-key');
    if (name === '-F' && value) call.script(value);
  }
  if (command.length > 0 && command.every((word) => word.text !== null)) {
    // The same reading on the other machine tells a person what it would do there.
    effects.flag('nested');
    call.run(literal(command.map((word) => word.text).join(' ')));
  }
  sends(call);
  return REMOTE;
}

function copies(call: Call, parsed: Parsed) {
  const { effects } = call;
  const deep = hasOption(parsed, '-r -a --recursive --archive');
  const isRemote = (text: string | null) => text === null || /^[^/]*:/.test(text);
  const target = parsed.operands.at(-1);
  let remote = false;
  for (const word of parsed.operands) {
    if (isRemote(word.text)) {
      remote = true;
      call.host(word);
    } else if (word === target) call.write(word);
    else call.read(word, deep);
  }
  if (target && isRemote(target.text)) {
    effects.flag('upload');
    effects.worsen('network', `Sends files to ${target.source}`);
  } else if (remote) effects.flag('downloads');
  if (call.name === 'scp' && hasOption(parsed, '-S -o -F -D'))
    effects.unknown('an option of scp can run a program here');
  return PRINTS;
}
