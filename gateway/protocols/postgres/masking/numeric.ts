/** numeric_send and numeric_recv: digits of base 10,000 with weight, sign and display scale. */

const POSITIVE = 0x0000;
const NEGATIVE = 0x4000;
/** Beyond this no number is turned into text: scale and weight go up to 131,072 digits. */
const MAX_DIGITS = 200;

/** @returns the number as the server prints it; null for NaN, infinities and what is too long or malformed. */
export function decodeNumeric(bytes: Uint8Array): string | null {
  if (bytes.length < 8) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getInt16(0);
  const weight = view.getInt16(2);
  const sign = view.getUint16(4);
  const scale = view.getUint16(6);
  if (count < 0 || bytes.length !== 8 + count * 2 || (sign !== POSITIVE && sign !== NEGATIVE)) return null;
  if (weight > MAX_DIGITS / 4 || weight < -MAX_DIGITS / 4 || scale > MAX_DIGITS) return null;
  const group = (position: number) => {
    const index = weight - position;
    return index >= 0 && index < count ? view.getInt16(8 + index * 2) : 0;
  };
  let whole = '';
  for (let position = Math.max(weight, 0); position >= 0; position -= 1)
    whole += String(group(position)).padStart(4, '0');
  let fraction = '';
  for (let position = -1; fraction.length < scale; position -= 1) fraction += String(group(position)).padStart(4, '0');
  whole = whole.replace(/^0+(?=\d)/, '');
  return `${sign === NEGATIVE ? '-' : ''}${whole}${scale > 0 ? `.${fraction.slice(0, scale)}` : ''}`;
}

/** @param text -?digits(.digits)? */
export function encodeNumeric(text: string): Uint8Array {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = text.replace('-', '').split('.');
  const left = whole.padStart(Math.ceil(whole.length / 4) * 4, '0');
  const right = fraction.padEnd(Math.ceil(fraction.length / 4) * 4, '0');
  const digits = left + right;
  const groups: number[] = [];
  for (let i = 0; i < digits.length; i += 4) groups.push(Number(digits.slice(i, i + 4)));
  let weight = left.length / 4 - 1;
  while (groups.length > 0 && groups[0] === 0) {
    groups.shift();
    weight -= 1;
  }
  while (groups.at(-1) === 0) groups.pop();
  const out = new Uint8Array(8 + groups.length * 2);
  const view = new DataView(out.buffer);
  view.setInt16(0, groups.length);
  view.setInt16(2, groups.length === 0 ? 0 : weight);
  view.setUint16(4, negative && groups.length > 0 ? NEGATIVE : POSITIVE);
  view.setUint16(6, fraction.length);
  groups.forEach((group, i) => {
    view.setInt16(8 + i * 2, group);
  });
  return out;
}
