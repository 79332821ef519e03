import { PRINTS } from '../call.ts';
import { hasOption, type Row } from '../row.ts';

/** Programs that act on processes, services and accounts. */
export const SYSTEM: readonly Row[] = [
  {
    names: 'kill killall pkill xkill skill',
    class: 'write',
    values: '-s -n -u -t -g -P -G',
    flags: 'kills',
    says: 'Ends processes ({})',
    worse: [{ when: '-l --list -L', class: 'read', says: 'Lists signals' }],
    loose: true,
    does: ({ effects, args }) => {
      if (
        args.some((word) => word.text === '-1' || word.text === '1') ||
        args.some((word) => /countersign|cursor/i.test(word.text ?? ''))
      ) {
        effects.worsen('privilege', 'May end what watches over the agent, or everything');
        effects.flag('guard');
      }
      for (const word of args) if (word.text === null) effects.flag('unresolved');
      return PRINTS;
    },
  },
  {
    names: 'systemctl service launchctl initctl supervisorctl pm2 sc',
    class: 'read',
    values: '-H -M -t -p -o -n --host --type --property',
    worse: [
      {
        when: 'start|stop|restart|reload|kill|isolate|reboot|poweroff|halt|load|unload|bootout|kickstart|delete|remove|bootstrap|submit',
        class: 'privilege',
        says: 'Starts or stops services: {}',
      },
      {
        when: 'enable|disable|mask|unmask|edit|link|set-property|set-environment|daemon-reload|import-environment|setenv|set-default|preset|revert|config',
        class: 'execute',
        says: 'Changes which services start by themselves',
        flags: 'schedule',
      },
    ],
    only: 'status|show|list-units|list-unit-files|list-timers|is-active|is-enabled|is-failed|cat|list-dependencies|list|print|blame|list-sockets',
    does: (call, parsed) => {
      if (call.name === 'service' && parsed.operands[1]?.text !== 'status')
        call.effects.worsen('privilege', 'Starts or stops a service');
      if (parsed.operands.some(({ text }) => /countersign/i.test(text ?? ''))) {
        call.effects.worsen('privilege', 'Acts on what watches over the agent');
        call.effects.flag('guard');
      }
      return PRINTS;
    },
  },
  {
    names: 'at batch anacron',
    class: 'execute',
    says: 'Sets a command to run later',
    flags: 'schedule',
    does: ({ effects }) => {
      effects.unknown('what runs later is not followed');
      return PRINTS;
    },
  },
  { names: 'reboot shutdown halt poweroff init telinit', class: 'destructive', says: 'Stops the computer' },
  {
    names:
      'useradd adduser usermod userdel deluser groupadd groupdel groupmod passwd chpasswd chsh chfn visudo vipw gpasswd dscl sysadminctl newgrp loginctl',
    class: 'privilege',
    says: 'Changes accounts of this computer',
  },
  {
    names:
      'sysctl modprobe insmod rmmod kextload kldload auditctl setenforce aa-disable apparmor_parser csrutil spctl tccutil nvram defaults update-alternatives ldconfig update-ca-certificates trust timedatectl hostnamectl localectl grub-install update-grub bootctl efibootmgr authselect',
    class: 'privilege',
    says: 'Changes how this computer works',
    does: (call, parsed) => {
      if (call.name === 'defaults' && parsed.operands[0]?.text === 'read')
        call.effects.worsen('secret-read', 'Shows settings of programs');
      return PRINTS;
    },
  },
  {
    names: 'screen tmux byobu zellij dtach',
    class: 'execute',
    says: 'Starts or steers another terminal',
    does: ({ effects, name }) => {
      effects.unknown(`what ${name} runs is not followed`);
      return PRINTS;
    },
  },
  {
    names: 'countersign',
    class: 'privilege',
    says: 'Acts on Countersign itself',
    flags: 'guard',
    only: 'status|version|policy check|policy test|policy show|policy explain-command|sessions list|sessions show',
    does: (call, parsed) => {
      if (hasOption(parsed, '--pin')) call.effects.unknown('a PIN is given');
      return PRINTS;
    },
  },
  { names: 'notify-send say clear reset tput stty', loose: true },
];
