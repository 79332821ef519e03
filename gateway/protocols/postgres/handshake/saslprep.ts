/** Mapped to a space: RFC 3454, table C.1.2. */
const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu;
/** Mapped to nothing: RFC 3454, table B.1. */
const nothing = /\u00ad|\u034f|\u1806|[\u180b-\u180d]|[\u200b-\u200d]|\u2060|[\ufe00-\ufe0f]|\ufeff/gu;
/** Prohibited output: RFC 4013, section 2.3 (controls, private use, non-characters, surrogates, marks of direction). */
const prohibited =
  /[\p{Cc}\p{Co}\p{Cs}\u06dd\u070f\u180e\u200c-\u200f\u2028-\u202e\u2060-\u2063\u206a-\u206f\ufdd0-\ufdef\ufeff\ufff9-\uffff\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]|\u0340|\u0341|[\u2ff0-\u2ffb]|\p{Noncharacter_Code_Point}/u;

/**
 * SASLprep (RFC 4013) as PostgreSQL applies it to passwords: what cannot be prepared is used as it is
 * (common/saslprep.c, scram-common.c). Bidirectional checks and unassigned code points are not looked at.
 */
export function saslprep(password: string): string {
  if (/^[\x20-\x7e]*$/.test(password)) return password;
  const prepared = password.replace(otherSpaces, ' ').replace(nothing, '').normalize('NFKC');
  return prepared === '' || prohibited.test(prepared) ? password : prepared;
}
