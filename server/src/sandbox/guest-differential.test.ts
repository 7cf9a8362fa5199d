import crypto from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { openTrial } from './trial.ts'

const { returned, sandbox } = openTrial({ children: 1 })
afterAll(() => sandbox.stop())

// The same in Node and in the sandbox, expression by expression: what it gives, or the class of what it throws.

const pair = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const certificates = JSON.parse(readFileSync(new URL('./certificates.json', import.meta.url), 'utf8'))
const args = {
  rsaPublic: pair.publicKey.export({ type: 'spki', format: 'pem' }),
  rsaPrivate: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  ecPublic: ec.publicKey.export({ type: 'spki', format: 'pem' }),
  ecPrivate: ec.privateKey.export({ type: 'pkcs8', format: 'pem' }),
  compressed: crypto.ECDH.convertKey(
    ec.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65),
    'prime256v1',
    undefined,
    'base64',
    'compressed',
  ),
  ...certificates,
}

/** What both sides do with each expression; it is written once and runs in both. */
const TRY = `async (runs) => {
  const shown = (value) => {
    if (value instanceof Uint8Array) return [value.constructor.name === 'Buffer' ? 'Buffer' : 'Uint8Array', Buffer.from(value).toString('hex')]
    if (value instanceof ArrayBuffer) return ['ArrayBuffer', Buffer.from(value).toString('hex')]
    if (typeof value === 'bigint') return ['bigint', String(value)]
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
    if (value === undefined) return 'undefined'
    if (Array.isArray(value)) return value.map(shown)
    return value
  }
  const seen = []
  for (const run of runs) {
    try { seen.push({ gave: JSON.parse(JSON.stringify(shown(await run())) ?? 'null') }) } catch (error) { seen.push({ threw: error.name }) }
  }
  return seen
}`

async function same(expressions: readonly string[]): Promise<void> {
  const runs = `[${expressions.map((each) => `async () => (${each})`).join(',\n')}]`
  const node = (await new Function('args', 'crypto', 'Buffer', `return (${TRY})(${runs})`)(
    args,
    crypto,
    Buffer,
  )) as object[]
  const source = `import crypto from 'node:crypto'\nexport default (args) => (${TRY})(${runs})`
  const guest = (await returned(source, { args, limits: { cpuMs: 5000, wallMs: 50_000 } })) as object[]
  const name = (index: number) => expressions[index] ?? ''
  expect(guest.map((seen, index) => [name(index), seen])).toEqual(node.map((seen, index) => [name(index), seen]))
}

/** Each of these with each of those put in the place of `$`. */
const each = (templates: readonly string[], values: readonly string[]) =>
  templates.flatMap((template) => values.map((value) => template.replaceAll('$', () => value)))

describe('as in Node', () => {
  test('digests: names, lengths, copies, what is done twice', async () => {
    const names = [
      'sha256',
      'SHA-256',
      'Sha1',
      'sha512-256',
      'sha3-256',
      'SHA3-512',
      'blake2b512',
      'RSA-SHA256',
      'shake128',
      'shake256',
      'foo',
      '',
      'sha512/256',
      'MD5',
      'ripemd160',
      'sm3',
    ]
    await same([
      ...each(
        [
          "crypto.createHash('$').update('ä').digest('hex')",
          "crypto.createHmac('$', 'k').update('ä').digest('base64url')",
        ],
        names,
      ),
      ...each(
        ["crypto.createHash('$')", "crypto.createHmac('$', 'k')", "crypto.hash('$', 'a')"],
        ['foo', 'sha256 ', 'SHA256'],
      ).map((one) => `typeof ${one}`),
      ...each(
        [
          "crypto.createHash('shake128', { outputLength: $ }).update('a').digest()",
          "crypto.createHash('shake256', { outputLength: $ }).update('a').digest('hex')",
          "crypto.createHash('sha256', { outputLength: $ }).update('a').digest('hex')",
        ],
        ['0', '1', '16', '32', '500', '-1', '1.5', "'8'", 'undefined'],
      ),
      "(() => { const h = crypto.createHash('sha256').update('a'); const c = h.copy(); return [h.update('b').digest('hex'), c.update('c').digest('hex')] })()",
      "(() => { const h = crypto.createHash('shake128', { outputLength: 4 }).update('a'); return [h.copy().digest('hex'), h.copy({ outputLength: 8 }).digest('hex'), h.digest('hex')] })()",
      "(() => { const h = crypto.createHash('md5'); h.digest(); return h.digest() })()",
      "(() => { const h = crypto.createHash('md5'); h.digest(); return h.update('a') })()",
      "(() => { const h = crypto.createHash('md5'); h.digest(); return h.copy() })()",
      "(() => { const h = crypto.createHmac('md5', 'k'); return [h.digest('hex'), h.digest('hex'), h.digest()] })()",
      "(() => { const h = crypto.createHmac('md5', 'k'); h.digest(); return h.update('a') })()",
      "typeof crypto.createHmac('md5', 'k').copy",
      ...each(
        ["crypto.createHash('md5').update($).digest('hex')", "crypto.createHmac('md5', $).digest('hex')"],
        [
          '5',
          'null',
          'undefined',
          '{}',
          '[]',
          "''",
          'new Uint16Array([1, 2])',
          'new DataView(new ArrayBuffer(2))',
          "Buffer.from('a')",
        ],
      ),
      "crypto.createHash('md5').update('6162', 'hex').digest('latin1')",
      "crypto.createHash('md5').update('a').digest('nope')",
      'crypto.createHash()',
      'crypto.createHash(5)',
      "crypto.createHmac('sha256')",
      'crypto.createHmac()',
      "crypto.hash('sha1', 'a')",
      "crypto.hash('sha1', 'a', 'buffer')",
      "crypto.hash('sha1', 'a', 'base64')",
      "crypto.hash('shake128', 'a', { outputLength: 4 })",
      "crypto.hash('sha1', 5)",
      "(() => { const b = Buffer.from('a'); const h = crypto.createHash('md5').update(b); b[0] = 98; return h.digest('hex') })()",
      "crypto.getHashes().includes('RSA-SHA256') && crypto.getCurves().includes('prime256v1')",
    ])
  }, 60_000)

  test('curves: ECDH, points in every form', async () => {
    await same([
      ...each(
        ["crypto.ECDH.convertKey(args.compressed, 'prime256v1', 'base64', 'hex', $)"],
        ["'compressed'", "'uncompressed'", "'hybrid'", 'undefined', "'nope'"],
      ),
      ...each(
        [
          "(() => { const e = crypto.createECDH('$'); e.setPrivateKey(Buffer.alloc(crypto.createECDH('$').generateKeys().length >> 1, 1).subarray(0, 28)); return [e.getPublicKey('hex', 'compressed'), e.getPublicKey('base64').length, e.getPrivateKey('hex')] })()",
        ],
        ['prime256v1', 'secp256k1', 'secp384r1'],
      ),
      "crypto.createECDH('nope')",
      'crypto.createECDH()',
      "crypto.createECDH('prime256v1').getPublicKey()",
      "crypto.createECDH('prime256v1').getPrivateKey()",
      "crypto.createECDH('prime256v1').computeSecret(Buffer.alloc(65))",
      "crypto.createECDH('prime256v1').setPrivateKey(Buffer.alloc(32))",
      "(() => { const [a, b] = [crypto.createECDH('secp256k1'), crypto.createECDH('secp256k1')]; a.generateKeys(); const p = b.generateKeys('hex', 'compressed'); return a.computeSecret(p, 'hex', 'hex') === b.computeSecret(a.getPublicKey(), null, 'hex') })()",
      "(() => { const e = crypto.createECDH('prime256v1'); e.setPrivateKey('01'.repeat(32), 'hex'); return e.computeSecret(args.compressed, 'base64', 'hex') })()",
      "crypto.subtle.importKey('raw', Buffer.from(args.compressed, 'base64'), { name: 'ECDSA', namedCurve: 'P-256' }, true, ['verify']).then((key) => crypto.subtle.exportKey('raw', key)).then((raw) => Buffer.from(raw).toString('hex'))",
      "crypto.subtle.importKey('raw', Buffer.alloc(33, 2), { name: 'ECDH', namedCurve: 'P-256' }, true, []).then(() => 'read', () => 'refused')",
      "(() => { const spki = Buffer.concat([Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex'), Buffer.from(args.compressed, 'base64')]); const key = crypto.createPublicKey({ key: spki, format: 'der', type: 'spki' }); return crypto.verify('sha256', Buffer.from('x'), key, crypto.sign('sha256', Buffer.from('x'), args.ecPrivate)) })()",
      'crypto.diffieHellman({ privateKey: crypto.createPrivateKey(args.ecPrivate), publicKey: crypto.createPublicKey(args.ecPublic) })',
    ])
  }, 60_000)

  test('RSA the other way round, and randomness that is asked for wrongly', async () => {
    await same([
      "crypto.publicDecrypt(args.rsaPublic, crypto.privateEncrypt(args.rsaPrivate, Buffer.from('signed'))).toString()",
      "crypto.privateEncrypt(args.rsaPrivate, Buffer.from('signed'))",
      'crypto.privateEncrypt({ key: args.rsaPrivate, padding: crypto.constants.RSA_NO_PADDING }, Buffer.alloc(256, 1))',
      'crypto.publicDecrypt({ key: args.rsaPublic, padding: crypto.constants.RSA_NO_PADDING }, Buffer.alloc(256, 1))',
      'crypto.publicDecrypt(args.rsaPublic, Buffer.alloc(256, 1))',
      'crypto.privateEncrypt(args.rsaPrivate, Buffer.alloc(300))',
      "crypto.privateEncrypt(args.rsaPublic, Buffer.from('a'))",
      "crypto.privateEncrypt({ key: args.rsaPrivate, padding: 4 }, Buffer.from('a'))",
      'crypto.randomBytes(-1)',
      "crypto.randomBytes('a')",
      'crypto.randomBytes(0).length',
      'crypto.randomInt(5, 1)',
      "crypto.randomInt('a')",
      'crypto.randomInt(1, 2)',
      'crypto.randomInt(0)',
      'crypto.randomInt(0, 2 ** 48)',
      'crypto.randomUUID().length',
      ...each(
        ['crypto.timingSafeEqual($)'],
        [
          "Buffer.from('a'), Buffer.from('a')",
          "Buffer.from('a'), Buffer.from('b')",
          "Buffer.from('a'), Buffer.from('bc')",
          "'a', 'a'",
          'new Uint8Array([1]).buffer, new Uint8Array([1])',
          "Buffer.from('a')",
        ],
      ),
    ])
  }, 60_000)

  test('certificates', async () => {
    const fields = [
      'subject',
      'issuer',
      'validFrom',
      'validTo',
      'fingerprint',
      'fingerprint256',
      'fingerprint512',
      'serialNumber',
      'subjectAltName',
      'infoAccess',
      'ca',
      'keyUsage',
      'raw.length',
      'validFromDate.getTime()',
      'toString()',
      'toJSON()',
      "publicKey.export({ type: 'spki', format: 'pem' })",
      'publicKey.asymmetricKeyType',
      'publicKey.asymmetricKeyDetails.namedCurve',
    ]
    await same([
      ...each(['new crypto.X509Certificate(args.leaf).$', 'new crypto.X509Certificate(args.root).$'], fields),
      ...each(
        ['new crypto.X509Certificate(args.leaf).checkHost($)'],
        [
          "'hooks.example.com'",
          "'HOOKS.example.com'",
          "'a.wild.example'",
          "'a.b.wild.example'",
          "'evil.example'",
          "''",
          "'hooks.example.com', { subject: 'never' }",
        ],
      ),
      "new crypto.X509Certificate(args.leaf).checkEmail('a@example.com')",
      "new crypto.X509Certificate(args.leaf).checkIP('127.0.0.1')",
      ...each(
        [
          'new crypto.X509Certificate(args.leaf).verify(new crypto.X509Certificate(args.$).publicKey)',
          'new crypto.X509Certificate(args.leaf).checkIssued(new crypto.X509Certificate(args.$))',
        ],
        ['middle', 'root', 'other', 'leaf'],
      ),
      "new crypto.X509Certificate('nonsense')",
      'new crypto.X509Certificate()',
      'new crypto.X509Certificate(new crypto.X509Certificate(args.leaf).raw).subject',
      'new crypto.X509Certificate(args.leaf).checkPrivateKey(crypto.createPrivateKey(args.ecPrivate))',
    ])
  }, 60_000)

  test('base64, text and copies', async () => {
    const texts = [
      "''",
      "'a'",
      "'YQ=='",
      "'YQ'",
      "'Y Q = ='",
      "'a-_b'",
      "'YQ==YQ=='",
      "'\\u00e9'",
      "'\\u20ac'",
      'null',
      'undefined',
      '12',
      "'====' ",
      "'YWI=\\n'",
      "'Y'",
    ]
    await same([
      ...each(
        [
          'atob($)',
          'btoa($)',
          "Buffer.from(String($), 'base64')",
          "Buffer.from(String($), 'base64url')",
          "Buffer.from(String($), 'hex')",
          "Buffer.from(String($)).toString('base64url')",
          "Buffer.from(String($), 'utf16le')",
        ],
        texts,
      ),
      ...each(
        ["new TextDecoder('$').decode(Buffer.from('80e9ff41e28241f0908df0828281ed', 'hex'))"],
        [
          'utf-8',
          'latin1',
          'windows-1251',
          'utf-16le',
          'utf-16be',
          'shift_jis',
          'euc-kr',
          'gb18030',
          'big5',
          'koi8-r',
          'nope',
          'iso-8859-16',
          'macintosh',
        ],
      ),
      ...each(
        ["Buffer.from('$', 'hex').toString()"],
        ['c3', 'c328', 'e282', 'e28241', 'f0908d', 'f4908080', 'eda080', 'c080', 'fffe', 'efbbbf61', '61ff62'],
      ),
      ...each(
        ['structuredClone($)'],
        [
          'undefined',
          'null',
          '[1, , 3]',
          '({ a: [1] })',
          'new Date(5)',
          'new Map([[1, 2]]).get(1)',
          '() => 1',
          'Symbol()',
          "Buffer.from('a')",
          'new Uint8Array([1, 2])',
          '1n',
          "({ a: [Buffer.from('a')] }).a",
        ],
      ),
      "new TextEncoder().encode('\\ud800a\\u20ac')",
      'new TextEncoder().encode()',
      "new TextEncoder().encodeInto('a\\u20ac', new Uint8Array(3))",
    ])
  }, 60_000)

  test('forms and heads', async () => {
    const inits = [
      "''",
      "'?a=1&b=2'",
      "'a=1&a=2'",
      "'a=%zz&b=%E9&c=%C3%A9'",
      "'a+b=c+d'",
      '{ a: 1, b: null }',
      "[['a', 'b'], ['a', 'c']]",
      'new Map([[1, 2]])',
      "new URLSearchParams('x=y')",
      "[['a']]",
      '5',
      'null',
      'undefined',
      "'&&=&a'",
      "{ 'ä': '€ &=+' }",
    ]
    await same([
      ...each(['String(new URLSearchParams($))', '[...new URLSearchParams($)]'], inits),
      "(() => { const p = new URLSearchParams('a=1&b=2&a=3'); p.append('c', 4); p.set('a', 5); p.delete('b'); p.sort(); return [String(p), p.has('a'), p.getAll('a'), p.get('x'), p.size] })()",
      "(() => { const p = new URLSearchParams('a=1&a=2'); return [p.has('a', '2'), p.has('a', '3'), (p.delete('a', '1'), String(p))] })()",
      "(() => { const u = new URL('https://x.example/a?b=1#c'); u.searchParams.append('d', 'e f'); return [u.href, u.search, u.searchParams.get('d')] })()",
      "[...new URLSearchParams('a=1&b=2').keys()]",
      "(() => { const s = []; new URLSearchParams('a=1').forEach((v, k) => s.push(k, v)); return s })()",
      ...each(
        ['[...new Headers($)]'],
        [
          "{ b: '2', A: ' 1 ' }",
          "[['a', '1'], ['A', '2']]",
          'undefined',
          "{ 'a b': '1' }",
          "{ a: 'x\\ny' }",
          "{ a: '\\u20ac' }",
          "new Headers({ a: '1' })",
          "[['a']]",
          '{ a: 5 }',
        ],
      ),
      "(() => { const h = new Headers({ a: '1' }); h.append('A', '2'); h.set('b', '3'); h.delete('c'); return [h.get('a'), h.has('B'), h.get('x'), [...h.keys()]] })()",
      "(() => { const h = new Headers(); h.append('set-cookie', 'a=1'); h.append('set-cookie', 'b=2'); return [h.getSetCookie(), [...h]] })()",
      "(() => { const f = new FormData(); f.append('a', 1); f.append('a', 'x'); f.set('b', null); f.append('c', new Blob(['z'], { type: 'T/x' }), 'n.txt'); return [f.getAll('a'), f.get('b'), f.get('c').name, f.get('c').type, f.get('c').size, [...f.keys()], f.has('d'), f.get('d')] })()",
      "(() => { const f = new FormData(); f.append('a', 'b', 'c') })()",
      'new FormData({})',
      "new Blob(['a', Buffer.from('b'), new Blob(['c'])]).text()",
      "new Blob(['abc']).slice(1, 2).text()",
      "new Blob(['abc']).slice(-1).size",
      "new Blob('abc')",
      "new Blob(['a'], { type: 'A/B' }).type",
      "new Blob(['\\ufeffa']).text().then((t) => t.length)",
      'new Blob([5, null]).text()',
      "new Blob(['a']).bytes()",
      "new Blob(['a']).arrayBuffer()",
      "new File(['a'], 'n', { type: 'x/y', lastModified: 5 }).lastModified",
    ])
  }, 60_000)

  test('Buffer, further off the way', async () => {
    await same([
      ...each(
        ["Buffer.from('héllo wörld').$"],
        [
          "toString('ascii')",
          "toString('latin1')",
          "toString('hex', 1, 4)",
          'toString(undefined, 2)',
          "indexOf('w', -5)",
          "indexOf('')",
          "lastIndexOf('l', -6)",
          "includes('wör')",
          'readUInt16BE(1)',
          'readIntLE(0, 6)',
          "subarray(-3).toString('hex')",
          'slice(3, 1).length',
          'at(-1)',
          'equals(new Uint8Array(3))',
          "fill('ab', 2, 6).toString('hex')",
          'swap16()',
          'toJSON().data.length',
          'readFloatLE(0)',
          'readBigInt64BE(1)',
          "write('x', 20)",
          "write('xy', 0, 1)",
          'readUInt8(50)',
          'writeInt8(200)',
          'byteLength',
          "map((b) => b + 1).toString('hex')",
          'filter((b) => b > 110).toString()',
          'toReversed()',
          "compare(Buffer.from('h'))",
          'copy(new Uint8Array(3), 1)',
        ],
      ),
      ...each(
        ['Buffer.from($)'],
        [
          '[256, -1, 1.9, "7", null, {}]',
          'new ArrayBuffer(3)',
          'new ArrayBuffer(3), 1',
          'new ArrayBuffer(3), 5',
          '{ length: 2, 0: 5 }',
          'new Uint16Array([258, 1])',
          'true',
          "'abc', 'ucs2'",
          "'abc', 'BASE64'",
          "'a', 5",
          '{ valueOf() { return "v" } }',
          'Symbol()',
          '5n',
        ],
      ),
      ...each(
        ['Buffer.concat($)'],
        [
          '[]',
          "[Buffer.from('a'), new Uint8Array([98])]",
          "[Buffer.from('abc')], 2",
          "[Buffer.from('a')], 3",
          '[[1]]',
          '5',
        ],
      ),
      ...each(
        ["Buffer.byteLength('aé€😀\\ud800', $)"],
        ["'utf8'", "'latin1'", "'utf16le'", "'hex'", "'base64'", 'undefined', "'nope'"],
      ),
      ...each(
        ['Buffer.alloc($)'],
        ['3', '0', "3, 'ab'", '3, 5', "3, ''", '2, 256', "4, 'YQ', 'base64'", '-1', 'NaN', '1.5', '2 ** 53'],
      ),
      'Buffer.compare(new Uint8Array([1]), new Uint8Array([1, 2]))',
      "Buffer.compare('a', 'b')",
      'Buffer.isBuffer(new Uint8Array(1))',
      "Buffer.isEncoding('utf-16le')",
      'Buffer.isEncoding()',
      'typeof Buffer.poolSize',
    ])
  }, 60_000)
})
