import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCountersignError } from '../../contract/errors.ts';
import { findText, parseError, parseList } from './s3-xml.ts';

const PAGE = `<?xml version="1.0" encoding="UTF-8"?>
<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>
<IsTruncated>true</IsTruncated><NextKeyMarker>a%2Fb</NextKeyMarker><NextVersionIdMarker>v1</NextVersionIdMarker>
<Version><Key>a%2Bx</Key><VersionId>v2</VersionId><Size>5</Size></Version>
<DeleteMarker><Key>gone</Key><VersionId>v3</VersionId></DeleteMarker>
<Version><Key>a%2Fb</Key><VersionId>null</VersionId><Size>0</Size></Version></ListVersionsResult>`;

describe('what a store lists', () => {
  it('is its versions, and where the next page begins', () => {
    expect(parseList(PAGE)).toEqual({
      objects: [
        { key: 'a+x', size: 5, version: 'v2' },
        { key: 'a/b', size: 0, version: 'null' },
      ],
      deleted: [{ key: 'gone', version: 'v3' }],
      next: { 'key-marker': 'a/b', 'version-id-marker': 'v1' },
    });
  });

  it('is objects where it knows no versions', () => {
    const page = `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>
      <Contents><Key>a</Key><Size>1</Size></Contents></ListBucketResult>`;
    const objects = [{ key: 'a', size: 1, version: 'null' }];
    expect(parseList(page)).toEqual({ objects, deleted: [], next: { 'continuation-token': 't&1' } });
  });

  it.each([
    '',
    'not XML',
    '<html><body>Proxy</body>',
    '<a><Version><Size>1</Size></Version></a>',
    '<a><Version><Key>x</Key><Size>-1</Size></Version></a>',
    '<a><IsTruncated>true</IsTruncated></a>',
    '<a><EncodingType>url</EncodingType><Version><Key>%zz</Key><Size>1</Size></Version></a>',
    '<a><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>%</NextKeyMarker></a>',
  ])('is a sentence where it is none: %j', (text) => {
    expect(() => parseList(text)).toThrow('something else than S3');
  });

  it('never fails otherwise, whatever comes', () => {
    const cut = fc
      .tuple(fc.nat(PAGE.length), fc.string({ maxLength: 8 }))
      .map(([at, text]) => PAGE.slice(0, at) + text);
    fc.assert(
      fc.property(fc.oneof(cut, fc.string()), (text) => {
        try {
          parseList(text);
        } catch (error) {
          if (!isCountersignError(error, 'SYNC_UNREACHABLE')) throw error;
        }
        parseError(500, text);
      }),
    );
  });
});

it('makes no objects in memory of a page that is nothing but tags', () => {
  for (const page of [`<a>${'<b/>'.repeat(1_900_000)}</a>`, `<a>${'<b>'.repeat(900_000)}`]) {
    const before = process.memoryUsage().heapUsed;
    expect(() => parseList(page)).toThrow('something else than S3');
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
  }
});

it('does not expand what a document defines', () => {
  const bomb = '<!DOCTYPE a [<!ENTITY x "12345"><!ENTITY y "&x;&x;&x;">]><a><Code>&y;</Code></a>';
  expect(parseError(400, bomb).code).toBe('HTTP 400');
  expect(() => findText(bomb, 'Code')).toThrow('something else than S3');
});

it('keeps what a server says short, and its code a code', () => {
  const error = parseError(403, `<Error><Code>Access\u001bDenied</Code><Message>${'x'.repeat(1000)}</Message></Error>`);
  expect(error).toMatchObject({ status: 403, code: 'HTTP 403' });
  expect(error.message.length).toBeLessThan(210);
  expect(parseError(503, 'no XML')).toEqual({ status: 503, code: 'HTTP 503', message: '' });
});
