#!/usr/bin/env python3
"""Makes format-1.json from SPEC.md with Python's standard library, openssl and zstd: a second implementation."""
import base64, hashlib, json, os, struct, subprocess, tempfile, zlib

def sha(b): return hashlib.sha256(b).digest()
def run(args, data=b''): return subprocess.run(args, input=data, capture_output=True, check=True).stdout
def zstd(b): return run(['zstd', '-1', '-q', '-c', '--no-check'], b)
def keystream(key, n): return run(['openssl', 'enc', '-aes-128-ctr', '-K', key.hex(), '-iv', '00' * 16], b'\0' * n)
def unit_hash(salt, kind, at, b): return sha(salt + bytes([kind]) + struct.pack('>Q', at) + b)

T = 1772600767000000
out = {}
salt = bytes(range(16))
out['unit'] = dict(salt=salt.hex(), kind=1, at=T, bytes=b'SELECT 1'.hex(), hash=unit_hash(salt, 1, T, b'SELECT 1').hex())
key = bytes(range(100, 116))
salts = keystream(key, 48)
out['keystream'] = dict(key=key.hex(), salts=salts.hex())

leaves = [f'{{"seq":{i}}}' for i in range(7)]
hashes = [sha(b'\0' + l.encode()) for l in leaves]
def mth(h):
    if not h: return sha(b'')
    if len(h) == 1: return h[0]
    k = 1
    while k * 2 < len(h): k *= 2
    return sha(b'\1' + mth(h[:k]) + mth(h[k:]))
def path(m, h):
    if len(h) == 1: return []
    k = 1
    while k * 2 < len(h): k *= 2
    return path(m, h[:k]) + [mth(h[k:])] if m < k else path(m - k, h[k:]) + [mth(h[:k])]
out['tree'] = dict(leaves=leaves, leafHashes=[h.hex() for h in hashes], roots=[mth(hashes[:n]).hex() for n in range(8)],
                   proofOf3In7=[h.hex() for h in path(3, hashes)])

with tempfile.TemporaryDirectory() as tmp:
    pem, text = os.path.join(tmp, 'k'), os.path.join(tmp, 't')
    der = bytes.fromhex('302e020100300506032b657004220420') + bytes(range(32))
    open(pem, 'wb').write(b'-----BEGIN PRIVATE KEY-----\n' + base64.b64encode(der) + b'\n-----END PRIVATE KEY-----\n')
    public = run(['openssl', 'pkey', '-in', pem, '-pubout', '-outform', 'DER'])[12:]
    origin = 'countersign/session/01JTEST0000000000000000001'
    body = f'{origin}\n5\n{base64.b64encode(mth(hashes[:5])).decode()}\n'
    open(text, 'w').write(body)
    signature = run(['openssl', 'pkeyutl', '-sign', '-inkey', pem, '-rawin', '-in', text])
    key_hash = sha(origin.encode() + b'\n\1' + public)[:4]
    out['head'] = dict(key=base64.b64encode(public).decode(),
                       note=f'{body}\n\u2014 {origin} {base64.b64encode(key_hash + signature).decode()}\n')

def varint(n):
    b = b''
    while n > 127: b, n = b + bytes([n & 127 | 128]), n >> 7
    return b + bytes([n])
def zigzag(n): return -2 * n - 1 if n < 0 else 2 * n
extra = '{"masked":{"US_SSN":2}}'
columns = '{"masked":{"US_SSN":3},"maskedColumns":[[0,[1]],[2,[0,3]]]}'
steps = [(2, 3), (1, 3), (3, 3, 0, 1000), (5, 3), (2, 300), (6, 300), (4, 300, 129, 0, extra), (4, 300, 2, 3, columns), (0, 4)]
names = {0: ('up', False), 1: ('down', False), 2: ('up', True), 7: ('down', True)}
data, last, entries = b'', 0, []
for code, exchange, *rest in steps:
    data += varint(zigzag(exchange - last) * 8 + code)
    last = exchange
    if code in names: entries.append(dict(kind=names[code][0], exchange=exchange, begins=names[code][1]))
    elif code == 5: entries.append(dict(kind='end', exchange=exchange))
    elif code == 6: entries.append(dict(kind='detail'))
    else:
        data += varint(rest[0]) + varint(rest[1])
        if code == 4: data += varint(len(rest[2])) + rest[2].encode()
        entries.append(dict(kind='statement', exchange=exchange, shape=rest[0], rows=rest[1], extra=rest[2] if code == 4 else None))
out['map'] = dict(bytes=data.hex(), entries=entries)

def count(n): return type(n) is int and 0 <= n < 2 ** 53
def ascends(ns): return all(map(count, ns)) and all(a < b for a, b in zip(ns, ns[1:]))
def masked(value):
    pairs = type(value) is list and value and all(type(e) is list and len(e) == 2 for e in value)
    if not pairs or not ascends([e[0] for e in value]): return None
    good = all(ascends(e[1]) if type(e[1]) is list else e[1] is None and i == len(value) - 1 for i, e in enumerate(value))
    return value if good else None
given = ['[[0,[1]],[2,[0,3]]]', '[[7,[0]],[8,null]]', '[[0,null]]', '[]', 'null', '[[0,[3,0]]]', '[[0,[1,1]]]', '[[2,[0]],[0,[3]]]',
         '[[0,null],[1,[0]]]', '[[0,[-1]]]', '[[0,["1"]]]', '[[0]]', '[0,[1]]', '{"0":[1]}', '"0"']
out['maskedColumns'] = [dict(value=json.loads(text), read=masked(json.loads(text))) for text in given]

def container(units, flags, key, salts, first):
    n = len(units)
    base = next((at for k, at, _ in units if k != 128), 0)
    planes, last, deltas = bytes(k for k, _, _ in units), base, []
    for k, at, _ in units:
        deltas.append(0 if k == 128 else at - last)
        last = last if k == 128 else at
    lengths = [len(b) for _, _, b in units]
    planes += bytes(l & 255 for l in lengths) + bytes(l >> 8 for l in lengths)
    for i in range(4): planes += bytes(d >> 8 * i & 255 for d in deltas)
    content = b''.join(b for k, _, b in units if k == 1) + b''.join(b for k, _, b in units if k == 2) + b''.join(b for k, _, b in units if k > 2)
    raw = bytes([flags]) + key + planes + (salts if flags else b'') + content
    frame = zstd(raw)
    head = struct.pack('<IIIQQ', len(frame), len(raw), n, first, base)
    return b'CSU1' + head + struct.pack('<I', zlib.crc32(head + frame)) + frame
units = [(1, T, b'SELECT 1'), (2, T + 70000, b'1' * 300), (4, T + 70000, bytes.fromhex('0209'))]
hs = [unit_hash(salts[16 * i:16 * i + 16], *u) for i, u in enumerate(units)]
show = lambda us, hs: [dict(kind=k, at=at, bytes=b.hex(), hash=h.hex()) for (k, at, b), h in zip(us, hs)]
out['container'] = dict(file=container(units, 0, key, b'', 40).hex(), units=show(units, hs))
gone = [units[0], (128, T, hs[1]), units[2]]
out['redacted'] = dict(file=container(gone, 1, bytes(16), salts[:16] + bytes(16) + salts[32:48], 40).hex(), units=show(gone, hs))

lines = ['{"v":1,"seq":4}', '{"v":1,"seq":5,"x":"\u00e9"}']
plain = ''.join(l + '\n' for l in lines).encode()
frame = zstd(plain)
head = b'CSE1' + struct.pack('<IIIQQ', len(frame), len(plain), len(lines), 4, 40)
out['segment'] = dict(file=(struct.pack('<II', 0x184D2A50, 36) + head + struct.pack('<I', zlib.crc32(head + frame)) + frame).hex(),
                      lines=lines, firstSeq=4, firstUnit=40)

def record(kind, session, exchange, at, n, payload):
    body = struct.pack('<IIIQQQ', len(payload), kind, session, exchange, at, n) + payload
    return struct.pack('<I', zlib.crc32(body)) + body + b'\0' * (-len(payload) % 8)
header = b'CSJ1' + struct.pack('<Q', 7) + bytes(range(16))
records = [(1, 2, 0, 0, 0, b'01JTEST0000000000000000001'), (3, 2, 5, T, 1, b'SELECT 1'), (5, 2, 0, T + 9, 2, b'{"type":"a","detail":{}}')]
file = header + struct.pack('<I', zlib.crc32(header)) + b''.join(record(*r) for r in records) + record(3, 2, 6, T, 3, b'cut off here')[:-9]
out['journal'] = dict(file=file.hex(), records=[dict(kind=k, session=s, exchange=e, at=at, n=n, payload=b.hex()) for k, s, e, at, n, b in records])

json.dump(out, open(os.path.join(os.path.dirname(__file__), 'format-1.json'), 'w'), indent=1)
