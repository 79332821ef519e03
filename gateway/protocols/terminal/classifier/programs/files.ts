import type { Call } from '../call.ts';
import { PRINTS } from '../call.ts';
import type { Parsed } from '../options.ts';
import { hasOption, type Row } from '../row.ts';

const TARGET = '-t --target-directory';

/** Programs that change files. */
export const FILES: readonly Row[] = [
  {
    names: 'rm unlink rmdir shred srm trash rimraf',
    class: 'destructive',
    values: '-n -s --iterations --size --random-source',
    operands: 'removes',
    deep: '-r -R --recursive',
    reads: '--random-source',
  },
  { names: 'mv', class: 'write', values: '-S -t --suffix --target-directory', does: moved },
  {
    names: 'cp install ginstall ditto',
    class: 'write',
    values: '-S -t -m -o -g --suffix --target-directory --mode --owner --group',
    does: copied,
  },
  { names: 'ln link', class: 'write', values: '-S -t --suffix --target-directory', does: copied },
  { names: 'mkdir mkfifo touch', class: 'write', values: '-m --mode -t -d -r --date --reference', operands: 'writes' },
  { names: 'mktemp', class: 'write', values: '-p --tmpdir --suffix' },
  { names: 'mknod', class: 'privilege', says: 'Makes the device {}', operands: 'writes' },
  { names: 'truncate', class: 'destructive', says: 'Cuts {}', values: '-s -r --size --reference', operands: 'writes' },
  {
    names: 'tee',
    operands: 'writes',
    does: ({ input }) => ({ text: input.text, remote: input.remote }),
  },
  { names: 'sponge', class: 'write', operands: 'writes' },
  {
    names: 'split csplit',
    class: 'write',
    says: 'Splits {} into files',
    values: '-a -b -C -l -n -t --filter --additional-suffix',
    worse: [{ when: '--filter', class: 'unknown', says: 'a filter command is run for each part' }],
    does: (call, { operands }) => {
      if (operands[0]) call.read(operands[0]);
      if (operands[1]) call.write(operands[1]);
      return PRINTS;
    },
  },
  {
    names: 'chmod chown chgrp chattr setfacl xattr chflags',
    class: 'privilege',
    says: 'Changes who may use {}',
    operands: 'writes',
    skip: 1,
    deep: '-R --recursive',
  },
  { names: 'setcap', class: 'privilege', says: 'Gives {} rights of the administrator', operands: 'writes', skip: 1 },
  {
    names: 'dd',
    class: 'write',
    does: (call) => {
      for (const word of call.args) {
        const [, key, path] = /^(if|of)=(.*)$/s.exec(word.text ?? word.prefix) ?? [];
        if (key === undefined) {
          if (word.text === null) call.effects.unknown('what dd copies is known only when it runs');
          continue;
        }
        const file = { ...word, text: word.text === null ? null : (path ?? '') };
        if (key === 'if') call.read(file);
        else {
          call.write(file);
          call.effects.worsen('destructive', `Overwrites ${file.text ?? 'a file'} byte by byte`);
        }
      }
      return { text: null, remote: call.input.remote };
    },
  },
  {
    names:
      'mkfs mkfs.ext2 mkfs.ext3 mkfs.ext4 mkfs.xfs mkfs.btrfs mkfs.vfat mkfs.ntfs mke2fs mkswap wipefs fdisk sfdisk cfdisk gdisk sgdisk parted diskutil lvremove vgremove pvremove zpool zfs btrfs cryptsetup blkdiscard hdparm',
    class: 'destructive',
    says: 'Formats or partitions disks',
    flags: 'system-file',
    operands: 'writes',
  },
  { names: 'mount umount losetup swapoff swapon fsck', class: 'privilege', says: 'Changes which disks are in use' },
  { names: 'tar bsdtar gtar', does: tar },
  {
    names: 'zip',
    class: 'write',
    values: '-x -i -P -b -t -T -TT --unzip-command',
    does: (call, parsed) => {
      const [archive, ...files] = parsed.operands;
      if (archive) call.write(archive);
      files.forEach((word) => {
        call.read(word, hasOption(parsed, '-r --recurse-paths'));
      });
      if (hasOption(parsed, '-T -TT --unzip-command')) call.effects.unknown('zip runs a command to test');
      if (hasOption(parsed, '-m --move'))
        files.forEach((word) => {
          call.remove(word, true);
        });
      return PRINTS;
    },
  },
  {
    names: 'unzip 7z 7za unrar',
    class: 'write',
    says: 'Unpacks {}',
    values: '-d -x -P',
    operands: 'reads',
    writes: '-d',
    worse: [{ when: '-l', class: 'read', says: 'Lists {}' }],
  },
  {
    names: 'gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd lz4 compress uncompress',
    class: 'write',
    says: 'Packs or unpacks {}',
    operands: 'writes',
    values: '-S --suffix -o',
    writes: '-o',
  },
  {
    names: 'patch',
    class: 'write',
    says: 'Applies a patch',
    values: '-i -d -o -p -r -B --input --directory --output --strip',
    reads: '-i --input',
    writes: '-o --output -r -B',
    operands: 'writes',
    does: ({ effects }) => {
      effects.unknown('which files the patch changes is known only when it runs');
      return PRINTS;
    },
  },
  {
    names: 'rename prename',
    class: 'write',
    says: 'Renames files',
    does: ({ effects }) => {
      effects.unknown('rename runs an expression');
      return PRINTS;
    },
  },
  {
    names: 'crontab',
    class: 'execute',
    says: 'Changes what runs at set times',
    flags: 'schedule',
    operands: 'reads',
    values: '-u',
    worse: [{ when: '-r', class: 'destructive', says: 'Removes all scheduled commands' }],
  },
  {
    names: 'openssl',
    class: 'write',
    values:
      '-in -out -inkey -key -keyout -CA -CAkey -cert -pass -passin -passout -subj -days -connect -newkey -config -k',
    single: true,
    reads: '-in -inkey -key -CAkey -cert',
    writes: '-out -keyout',
    does: (call, { operands, options }) => {
      const sub = operands[0]?.text ?? '';
      if (
        !/^(dgst|x509|req|genrsa|genpkey|rand|version|enc|verify|base64|md5|sha256|rsa|ec|pkey|s_client|s_server|passwd|pkcs12)$/.test(
          sub,
        )
      )
        call.effects.unknown(`openssl ${sub} is not known`);
      if (/^s_/.test(sub)) call.effects.worsen('network', 'Speaks TLS');
      if (sub === 's_server') call.effects.flag('listener');
      for (const { name, value } of options) {
        if (name === '-connect' && value) call.host(value);
        if (/^-(engine|config|provider)/.test(name)) call.effects.unknown('openssl loads code');
      }
      return { text: null, remote: call.input.remote || sub === 's_client' };
    },
  },
  {
    names: 'gpg gpg2 age',
    class: 'write',
    says: 'Encrypts, decrypts or signs',
    values: '-o --output -r --recipient -u -i --identity -d',
    writes: '-o --output',
    operands: 'reads',
    reads: '-i --identity',
    worse: [
      { when: '-d --decrypt', class: 'secret-read', says: 'Shows what is encrypted' },
      { when: '--export-secret-keys --export-secret-subkeys', class: 'secret-read', says: 'Exports private keys' },
      { when: '--delete-secret-keys --delete-keys', class: 'destructive', says: 'Deletes keys' },
    ],
  },
  { names: 'pbcopy pbpaste xclip xsel wl-copy wl-paste', class: 'secret-read', says: 'Uses the clipboard' },
  {
    names: 'open xdg-open start',
    class: 'execute',
    says: 'Opens {} with whatever program is set for it',
    does: ({ effects }) => {
      effects.unknown('which program opens it is not known');
      return PRINTS;
    },
  },
];

function targetOf(call: Call, parsed: Parsed) {
  const option = parsed.options.find(({ name }) => TARGET.split(' ').includes(name));
  const target = option?.value ?? parsed.operands.at(-1);
  const sources = option?.value ? parsed.operands : parsed.operands.slice(0, -1);
  if (target) {
    call.write(target);
    for (const { text } of sources) {
      const name = text?.replace(/\/+$/, '').split('/').at(-1);
      // Into a folder the file keeps its name, which may be one that is obeyed there.
      if (target.text !== null && name)
        call.write({ ...target, text: `${target.text}/${name}`, source: `${target.text}/${name}` });
    }
  }
  return sources;
}

function copied(call: Call, parsed: Parsed) {
  for (const word of targetOf(call, parsed)) call.read(word, hasOption(parsed, '-r -R -a --recursive --archive'));
  if (hasOption(parsed, '--remove-destination -f --force') && call.name === 'ln')
    call.effects.worsen('write', 'Replaces what is there');
  if (call.name === 'ln' && parsed.operands.length === 1 && parsed.operands[0]) call.read(parsed.operands[0]);
  if (call.name === 'install' && hasOption(parsed, '-m -o --mode --owner'))
    call.effects.worsen('privilege', 'Sets who may use the copies');
  return PRINTS;
}

function moved(call: Call, parsed: Parsed) {
  for (const word of targetOf(call, parsed)) {
    call.read(word, true);
    call.write(word);
  }
  return PRINTS;
}

function tar(call: Call, parsed: Parsed) {
  const { effects, args } = call;
  const first = args[0]?.text ?? '';
  const letters = /^-?[a-zA-Z]+$/.test(first)
    ? first.replace(/^-/, '')
    : parsed.options.map(({ name }) => name).join('');
  const known = (option: string, long: string) =>
    letters.includes(option) || parsed.options.some(({ name }) => name === long);
  const bundled = args.findIndex((word) => /^-?[a-zA-Z]*f$/.test(word.text ?? ''));
  const archive = bundled >= 0 ? args[bundled + 1] : undefined;
  const files = args.slice(1).filter((word) => word !== archive && !word.text?.startsWith('-'));
  if (
    args.some((word) => /^--(to-c|checkpoint-|use-c|rs|inf|new-v|rmt)|^-[IF]/.test(word.text ?? '')) ||
    /[IF]/.test(letters)
  )
    effects.unknown('tar runs a command of its options');
  if (known('c', '--create') || known('r', '--append') || known('u', '--update')) {
    for (const word of files) call.read(word, true);
    if (archive) call.write(archive);
    if (parsed.options.some(({ name }) => name === '--remove-files'))
      files.forEach((word) => {
        call.remove(word, true);
      });
  } else if (known('x', '--extract')) {
    if (archive) call.read(archive);
    effects.worsen('write', `Unpacks ${archive?.source ?? 'an archive'}`);
    if (/P/.test(letters)) effects.unknown('where the archive unpacks to is not known');
    const to = args.findIndex((word) => word.text === '-C');
    const directory = to >= 0 ? args[to + 1] : undefined;
    if (directory) call.write(directory);
  } else if (known('t', '--list')) {
    if (archive) call.read(archive);
  } else effects.unknown('what tar does is not understood');
  return { text: null, remote: call.input.remote };
}
