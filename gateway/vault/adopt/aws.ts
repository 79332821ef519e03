import { optionSections } from './option-sections.ts';
import { decoded, type ReadStored, type StoredSecret } from './stored.ts';

const PARTS = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token', 'aws_security_token'];

/**
 * Profiles of `~/.aws/credentials` and `~/.aws/config` (AWS SDKs and Tools Reference Guide, "Shared config and
 * credentials files"). The key's id goes along with its key: an id alone is an error in every program.
 */
export const readAwsProfiles: ReadStored = (_file, text) => {
  const secrets: StoredSecret[] = [];
  for (const { name, options } of optionSections(text)) {
    const parts = options.filter((one) => PARTS.includes(one.name.toLowerCase()) && one.value !== '');
    const secret = parts.find((one) => one.name.toLowerCase() !== 'aws_access_key_id');
    if (secret === undefined) continue;
    const id = parts.find((one) => one.name.toLowerCase() === 'aws_access_key_id');
    const profile = decoded(name).replace(/^profile\s+/, '');
    secrets.push({
      kind: 'aws',
      line: secret.line.number,
      title: `${id === undefined ? 'a key' : `key ${decoded(id.value)}`} of the AWS profile ${profile}`,
      values: Object.fromEntries(parts.map((one) => [one.name.toLowerCase(), decoded(one.value)])),
      cuts: parts.map(({ name: part, line }) => ({
        from: line.from,
        to: line.to,
        instead: `# ${part} is in the vault of Countersign`,
      })),
    });
  }
  return { secrets, left: [] };
};
