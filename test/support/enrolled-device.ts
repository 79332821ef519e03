import { openDevice } from '../../gateway/evidence/device/device.ts';
import { acceptEnrolment, askEnrolment, takeTrust } from '../../gateway/evidence/device/membership.ts';
import { deviceSurroundings } from '../../gateway/evidence/device/surroundings.ts';
import type { TrustNote } from '../../gateway/evidence/format/documents.ts';
import { signDocument } from '../../gateway/evidence/format/signed-document.ts';
import { testSigner } from '../../gateway/evidence/format/test-keys.ts';
import { firstNote, rootVkey, signedNote, vkeyOf } from '../../gateway/evidence/trust/test-trust.ts';

const EVER = { from: '2020-01-01T00:00:00.000Z', until: '9999-01-01T00:00:00.000Z', revoked: null };
const authority = testSigner('countersign/authority/helpdesk');

export const devicePassphrase = async () => 'a passphrase of the test';

/**
 * Makes the home's device that of the organisation `acme`, with an auditor to encrypt to.
 * @returns the device's id, and the trust note as it lies in a store.
 */
export async function enrolDevice(
  home: string,
  recipient: string,
  more: Partial<TrustNote> = {},
): Promise<{ device: string; note: Uint8Array }> {
  const surroundings = { home, protection: 'unprotected', clock: { now: Date.now }, account: 'ada' } as const;
  const device = await openDevice(deviceSurroundings({ ...surroundings, passphrase: devicePassphrase }));
  try {
    await askEnrolment(device, rootVkey);
    const note = signedNote(
      firstNote({
        issuedAt: EVER.from,
        validUntil: EVER.until,
        authorities: [{ ...EVER, vkey: vkeyOf(authority) }],
        auditors: [{ ...EVER, name: 'Eve', role: 'auditor', recipient, vkey: null }],
        ...more,
      }),
    );
    await takeTrust(device, [note]);
    const { revoked: _, ...valid } = EVER;
    const enrolment = {
      v: 1,
      org: 'acme',
      device: device.id,
      vkey: device.key.vkey,
      name: device.file.name,
      account: device.file.account,
      protection: 'unprotected',
      ...valid,
      by: 'helpdesk',
    } as const;
    await acceptEnrolment(device, signDocument('enrolment', enrolment, [authority]));
    return { device: device.id, note };
  } finally {
    await device.close();
  }
}
