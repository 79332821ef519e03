/**
 * Objects of the mailbox, below `<org>/mailbox/`: `requests/<device>/<end>-<nonce>.age`, where the device is who asks;
 * `decisions/<device>/<end>-<nonce>.<random>.age`, where it is who asked; `notices/<device>/<end>-<id>.age`. `<end>` is
 * when it is of no use any more: milliseconds since the epoch, 13 digits. What a name says counts for nothing until
 * the signed content says the same.
 */
export const MAIL_KINDS = ['requests', 'decisions', 'notices'] as const;
export type MailKind = (typeof MAIL_KINDS)[number];

export interface MailName {
  name: string;
  device: string;
  end: number;
  /** Of the request, or the notice. */
  nonce: string;
}

const LAST = /^(\d{13})-([0-9a-f]{32})(?:\.[0-9a-f]{16})?\.age$/;
const DEVICE = /^[0-9A-HJKMNP-TV-Z]{26}$/;

export const folderOf = (org: string, kind: MailKind, device?: string): string =>
  `${org}/mailbox/${kind}/${device === undefined ? '' : `${device}/`}`;

export const mailName = (
  org: string,
  kind: MailKind,
  { device, end, nonce }: Omit<MailName, 'name'>,
  random?: string,
): string => {
  const last = `${String(end).padStart(13, '0')}-${nonce}${random === undefined ? '' : `.${random}`}.age`;
  return `${folderOf(org, kind, device)}${last}`;
};

/** null: it is no object of that kind. */
export function parseMailName(org: string, kind: MailKind, name: string): MailName | null {
  const folder = folderOf(org, kind);
  const [device = '', last = '', more] = name.startsWith(folder) ? name.slice(folder.length).split('/') : [];
  const match = LAST.exec(last);
  if (!DEVICE.test(device) || match === null || more !== undefined) return null;
  return { name, device, end: Number(match[1]), nonce: match[2]! };
}
