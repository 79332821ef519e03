import { oneLine } from '../cli/visible-text.ts';
import { CountersignError } from '../contract/errors.ts';
import type { NotificationDaemon } from './board/service.ts';
import { BUS, type BusConnection, connectBus } from './dbus/connection.ts';
import type { DBusMessage } from './dbus/message.ts';

export interface DaemonListeners {
  arrived(daemon: NotificationDaemon): void;
  /** None of its notifications is there any more. */
  gone(sentence: string): void;
  invoked(id: number, action: string): void;
  closed(id: number): void;
  /** The connection to the bus ended. */
  disconnected(sentence: string): void;
}

/** A way to the notification service of a bus, whoever that is at the time. */
export interface DaemonLink {
  /** Has the bus start one where none runs. Throws CountersignError where there is none to start. */
  wake(): Promise<void>;
  end(): void;
}

/** "Desktop Notifications Specification" 1.2. */
const SERVICE = 'org.freedesktop.Notifications';
const PATH = '/org/freedesktop/Notifications';
const MATCHES = [
  `type='signal',sender='${SERVICE}',path='${PATH}',interface='${SERVICE}'`,
  `type='signal',sender='${BUS.destination}',interface='${BUS.destination}',member='NameOwnerChanged',arg0='${SERVICE}'`,
];

/** Connects to the bus and tells of its notification service. Throws CountersignError. */
export async function connectDaemon(path: string, uid: number, listeners: DaemonListeners): Promise<DaemonLink> {
  let owner = '';
  const bus = await connectBus(path, uid, { signal: hear, closed: (sentence) => listeners.disconnected(sentence) });
  const ask = (member: string, signature = '', body: readonly (string | number)[] = []) =>
    bus.call({ ...BUS, interface: BUS.destination, member, signature, body });

  const nameOwner = async () => String((await ask('GetNameOwner', 's', [SERVICE])).body[0]);

  /** Only what the owner of the name says counts: any program on the bus can send a signal to this one. */
  function hear(signal: DBusMessage): void {
    if (signal.sender === BUS.destination && signal.member === 'NameOwnerChanged' && signal.signature === 'sss') {
      if (signal.body[0] === SERVICE) void owned(String(signal.body[2]));
      return;
    }
    if (owner === '' || signal.sender !== owner || signal.interface !== SERVICE || signal.path !== PATH) return;
    if (signal.member === 'ActionInvoked' && signal.signature === 'us') {
      listeners.invoked(Number(signal.body[0]), String(signal.body[1]));
    }
    if (signal.member === 'NotificationClosed' && signal.signature === 'uu') listeners.closed(Number(signal.body[0]));
  }

  async function owned(name: string): Promise<void> {
    if (name === owner) return;
    if (owner !== '') listeners.gone('the notification service of the desktop went away');
    owner = name;
    if (name === '') return;
    try {
      const daemon = await introduced(bus, name);
      if (owner === name) listeners.arrived(daemon);
    } catch {
      if (owner === name) listeners.gone('the notification service of the desktop does not answer');
    }
  }

  try {
    for (const match of MATCHES) await ask('AddMatch', 's', [match]);
  } catch (error) {
    bus.end();
    throw error;
  }
  return {
    async wake() {
      try {
        // Only where nobody has the name: the bus starts nothing that it has no file about, even if it runs.
        const name = await nameOwner().catch(async () => {
          await ask('StartServiceByName', 'su', [SERVICE, 0]);
          return nameOwner();
        });
        await owned(name);
      } catch (error) {
        throw new CountersignError('NO_NOTIFICATIONS', 'there is no notification service on the session bus', {
          cause: error,
        });
      }
    },
    end: () => bus.end(),
  };
}

async function introduced(bus: BusConnection, owner: string): Promise<NotificationDaemon> {
  const service = { destination: owner, path: PATH, interface: SERVICE };
  const information = await bus.call({ ...service, member: 'GetServerInformation' });
  const { body } = await bus.call({ ...service, member: 'GetCapabilities' });
  const named = (part: unknown) => (typeof part === 'string' ? oneLine(part, 60) : '');
  return {
    name: `${named(information.body[0])} ${named(information.body[2])}`.trim(),
    capabilities: new Set(Array.isArray(body[0]) ? body[0].map(String) : []),
    async notify({ summary, body: text, urgency, actions, expireMs }, replaces) {
      const hints = [['urgency', { signature: 'y', value: URGENCY[urgency] }]] as const;
      const answer = await bus.call({
        ...service,
        member: 'Notify',
        signature: 'susssasa{sv}i',
        body: [
          'Countersign',
          replaces,
          '',
          summary,
          text,
          actions.flatMap(({ key, label }) => [key, label]),
          hints,
          expireMs,
        ],
      });
      const id = answer.body[0];
      if (typeof id !== 'number' || id === 0) {
        throw new CountersignError('NO_NOTIFICATIONS', 'the notification service gave no id');
      }
      return id;
    },
    close: (id) => bus.send({ ...service, member: 'CloseNotification', signature: 'u', body: [id] }),
  };
}

const URGENCY = { low: 0, normal: 1, critical: 2 } as const;
