#!/usr/bin/env python3
"""Makes trust-1.json from SPEC.md and the C2SP pages with Python's standard library and openssl: a second implementation."""
import base64, hashlib, json, os, struct, subprocess, tempfile

sha = lambda b: hashlib.sha256(b).digest()
b64 = lambda b: base64.b64encode(b).decode()
b64url = lambda b: base64.urlsafe_b64encode(b).decode().rstrip('=')
dump = lambda o: json.dumps(o, separators=(',', ':'), ensure_ascii=False)
work = tempfile.mkdtemp()


def run(*args, data=b''):
    return subprocess.run(args, input=data, capture_output=True, check=True).stdout


class Key:
    """An Ed25519 key whose seed is SHA-256 of its label."""

    def __init__(self, name, label, kind=1):
        self.file = os.path.join(work, b64url(sha((name + label).encode()))[:12])
        with open(self.file, 'wb') as f:
            f.write(bytes.fromhex('302e020100300506032b657004220420') + sha(label.encode()))
        spki = run('openssl', 'pkey', '-in', self.file, '-inform', 'DER', '-pubout', '-outform', 'DER')
        self.name, self.raw = name, spki[-32:]
        self.hash = sha(name.encode() + b'\n' + bytes([kind]) + self.raw)[:4]
        self.vkey = f'{name}+{self.hash.hex()}+{b64(bytes([kind]) + self.raw)}'

    def sign(self, message):
        path = os.path.join(work, 'message')
        with open(path, 'wb') as f:
            f.write(message)
        return run('openssl', 'pkeyutl', '-sign', '-rawin', '-inkey', self.file, '-keyform', 'DER', '-in', path)

    def line(self, text):
        return f'— {self.name} {b64(self.hash + self.sign(text.encode()))}\n'

    def cosign(self, text, seconds):
        message = f'cosignature/v1\ntime {seconds}\n{text}'.encode()
        return f'— {self.name} {b64(self.hash + struct.pack(">Q", seconds) + self.sign(message))}\n'


def document(kind, subject, value, *keys):
    text = f'countersign/{kind}/{subject}\n{dump(value)}\n'
    return text + '\n' + ''.join(key.line(text) for key in keys)


month = lambda n: f'2026-{n:02d}-01T00:00:00.000Z'
END = '2028-01-01T00:00:00.000Z'
entry = lambda **more: {'from': month(1), 'until': END, 'revoked': None, **more}
DEVICE = '01JABCDEFGHJKMNPQRSTVWXYZ0'
root, second = Key('countersign/org/acme', 'root'), Key('countersign/org/acme', 'second root')
thief = Key('countersign/org/acme', 'thief')
authority = Key('countersign/authority/berlin', 'berlin')
witness = Key('witness.example/w1', 'w1', 4)
old, new = (Key(f'countersign/device/{DEVICE}', label) for label in ('device', 'second key'))

rsa = os.path.join(work, 'rsa.pem')
run('openssl', 'genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', rsa)
modulus = bytes.fromhex(run('openssl', 'rsa', '-in', rsa, '-noout', '-modulus').decode().strip().split('=')[1])
ISSUER = 'https://login.example.com/'


def jwt(claims):
    body = b64url(dump({'alg': 'RS256', 'kid': 'one'}).encode()) + '.' + b64url(dump(claims).encode())
    return body + '.' + b64url(run('openssl', 'dgst', '-sha256', '-sign', rsa, data=body.encode()))


base = dict(v=1, org='acme', n=1, prev='', issuedAt=month(1), validUntil='2027-01-01T00:00:00.000Z', root=root.vkey,
            authorities=[entry(vkey=authority.vkey)], witnesses=[entry(vkey=witness.vkey)], quorum=1, tsas=[], auditors=[],
            issuers=[entry(issuer=ISSUER, audience='app', keys=[entry(kty='RSA', kid='one', n=b64url(modulus), e='AQAB')],
                           rules=[entry(claim='realm_access.roles', value='agents')])],
            passkeys=[], devices=[], policies=[], sync=dict(prompts='sync', thoughts='sync', files='sync'))


def chain(steps):
    notes, value = [], base
    for n, (change, key) in enumerate(steps, 1):
        prev = b64(sha(notes[-1].encode())) if notes else ''
        value = {**value, 'n': n, 'prev': prev, 'issuedAt': month(n), **change}
        notes.append(document('trust', 'acme', value, key))
    return notes


stolen = dict(at=month(5), reason='stolen')
revoked = {'authorities': [{**base['authorities'][0], 'revoked': stolen}]}
notes = chain([({}, root), ({'quorum': 0}, root), ({'root': second.vkey}, root), (revoked, second)])
forged = chain([({}, root), ({'quorum': 0}, root), ({}, thief)])[2]
other = chain([({}, root), ({}, root)])[1]
out = {
    'root': root.vkey, 'secondRoot': second.vkey, 'now': '2026-12-15T00:00:00.000Z', 'device': DEVICE, 'notes': notes,
    'attacks': [
        dict(name='the note taken away that names the second root', notes=notes[:2] + notes[3:], kinds=['signature'], newest=2),
        dict(name='a note taken away', notes=notes[:1] + notes[2:], kinds=['missing'], newest=4),
        dict(name='the newest two taken away and one forged', notes=notes[:2] + [forged], kinds=['signature'], newest=2),
        dict(name='a byte changed', notes=notes[:3] + [notes[3].replace('stolen', 'stolem')], kinds=['signature'], newest=3),
        dict(name='another second note, signed too', notes=[notes[0], other] + notes[2:], kinds=['prev'], newest=4),
        dict(name='two second notes', notes=notes + [other], kinds=['twice'], newest=4),
        dict(name='a signature taken from another note', newest=3, kinds=['signature'],
             notes=notes[:3] + [notes[3].split('\n\n')[0] + '\n\n' + notes[2].split('\n\n')[1]]),
    ],
}
text = f'countersign/device/{DEVICE}\n3\n{b64(sha(b"root"))}\n'
seconds = 1775001600  # 2026-04-01
out['checkpoint'] = dict(note=text + '\n' + old.line(text) + witness.cosign(text, seconds), size=3, key=old.vkey, witnessed=month(4))
enrolment = dict(v=1, org='acme', device=DEVICE, vkey=old.vkey, name='laptop-7', account='ada', protection='protected',
                 **{'from': month(1)}, until=END, by='admin')
out['enrolment'] = document('enrolment', 'acme', enrolment, authority)
change = dict(v=1, device=DEVICE, old=old.vkey, new=new.vkey, at=month(3))
out['change'] = document('key-change', DEVICE, change, old, new)
out['oldKey'], out['newKey'] = old.vkey, new.vkey
random = bytes(range(16))
third = Key(f'countersign/device/{DEVICE}', 'bound key')
claims = dict(iss=ISSUER, aud='app', sub='u-1', email='ada@example.com', iat=1772323200, exp=1772323500,
              nonce=b64url(sha(third.raw + random)), realm_access=dict(roles=['agents']))
binding = dict(v=1, org='acme', device=DEVICE, vkey=third.vkey, name='laptop-7', idToken=jwt(claims), random=b64(random))
out['binding'], out['boundKey'] = document('binding', 'acme', binding, third), third.vkey

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'trust-1.json'), 'w') as f:
    json.dump(out, f, indent=1, ensure_ascii=False)
    f.write('\n')
