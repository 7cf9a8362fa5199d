import crypto from 'node:crypto'
import { readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { openTrial } from './trial.ts'

const { returned, sandbox } = openTrial({ children: 1 })
afterAll(() => sandbox.stop())

/** Keys of every kind, in every form that is written down, and what they signed. */
function material() {
  const kinds = {
    rsa: crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
    p256: crypto.generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
    p384: crypto.generateKeyPairSync('ec', { namedCurve: 'secp384r1' }),
    p521: crypto.generateKeyPairSync('ec', { namedCurve: 'secp521r1' }),
    ed25519: crypto.generateKeyPairSync('ed25519'),
    x25519: crypto.generateKeyPairSync('x25519'),
  }
  return Object.fromEntries(
    Object.entries(kinds).map(([name, { publicKey, privateKey }]) => {
      const der = publicKey.export({ type: 'spki', format: 'der' })
      return [
        name,
        {
          spkiPem: publicKey.export({ type: 'spki', format: 'pem' }),
          spki: der.toString('base64'),
          jwk: publicKey.export({ format: 'jwk' }),
          raw: der
            .subarray(name === 'p256' ? -65 : name === 'p384' ? -97 : name === 'p521' ? -133 : -32)
            .toString('base64'),
          pkcs8Pem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
          pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
          privateJwk: privateKey.export({ format: 'jwk' }),
          ...(name === 'rsa'
            ? {
                pkcs1Pem: publicKey.export({ type: 'pkcs1', format: 'pem' }),
                encryptedPem: privateKey.export({
                  type: 'pkcs8',
                  format: 'pem',
                  cipher: 'aes-256-cbc',
                  passphrase: 'pass',
                }),
              }
            : {}),
          signed:
            name === 'x25519'
              ? ''
              : crypto.sign(name === 'ed25519' ? null : 'sha256', DATA, privateKey).toString('base64'),
        },
      ] as const
    }),
  )
}

const DATA = Buffer.from('what is signed: ä €')
const keys = material()

/** Each body runs as a function of the sandbox and in Node, and gives the same in both. */
async function same(bodies: readonly string[], given: object = {}): Promise<void> {
  const args = { keys, ...given }
  const names = ['args', 'crypto', 'Buffer', 'zlib']
  for (const body of bodies) {
    const node = await new Function(...names, `return (async () => { ${body} })()`)(args, crypto, Buffer, zlib)
    const imports = "import crypto from 'node:crypto'\nimport zlib from 'node:zlib'"
    const source = `${imports}\nexport default async (args) => { ${body} }`
    expect({ body, value: await returned(source, { args, limits: { cpuMs: 2000 } }) }).toEqual({
      body,
      value: JSON.parse(JSON.stringify(node ?? null)) ?? undefined,
    })
  }
}

test('a public key is read from every form that it is written in, and verifies', async () => {
  const verify = (key: string, kind: string) =>
    `return crypto.verify(${kind === 'ed25519' ? 'null' : "'sha256'"}, Buffer.from('${DATA.toString()}'), ${key}, Buffer.from(args.keys.${kind}.signed, 'base64'))`
  await same([
    ...['rsa', 'p256', 'p384', 'p521', 'ed25519'].flatMap((kind) => [
      verify(`args.keys.${kind}.spkiPem`, kind),
      verify(
        `crypto.createPublicKey({ key: Buffer.from(args.keys.${kind}.spki, 'base64'), format: 'der', type: 'spki' })`,
        kind,
      ),
      verify(`crypto.createPublicKey({ key: args.keys.${kind}.jwk, format: 'jwk' })`, kind),
      verify(`crypto.createPublicKey(args.keys.${kind}.pkcs8Pem)`, kind),
    ]),
    verify('args.keys.rsa.pkcs1Pem', 'rsa'),
    verify("crypto.createPublicKey({ key: args.keys.rsa.encryptedPem, passphrase: 'pass' })", 'rsa'),
    verify('args.keys.p256.spkiPem', 'rsa').replace('return', 'try { return').concat(" } catch (e) { return 'threw' }"),
  ])
})

test('signatures are made and checked as in Node: PKCS#1, PSS, DER, P1363, Ed25519', async () => {
  const roundTrip = (kind: string, options: string, algorithm: string) => `
    const data = Buffer.from('x')
    const signature = crypto.sign(${algorithm}, data, { key: args.keys.${kind}.pkcs8Pem, ${options} })
    const good = crypto.verify(${algorithm}, data, { key: args.keys.${kind}.spkiPem, ${options} }, signature)
    const bad = crypto.verify(${algorithm}, Buffer.from('y'), { key: args.keys.${kind}.spkiPem, ${options} }, signature)
    return [good, bad, ${kind.startsWith('p') && !options ? 0 : 'signature.length'}]`
  await same([
    roundTrip('rsa', '', "'RSA-SHA256'"),
    roundTrip('rsa', '', "'sha1'"),
    roundTrip('rsa', 'padding: crypto.constants.RSA_PKCS1_PSS_PADDING, saltLength: 32', "'sha512'"),
    roundTrip('p256', '', "'sha256'"),
    roundTrip('p256', "dsaEncoding: 'ieee-p1363'", "'sha256'"),
    roundTrip('p384', "dsaEncoding: 'ieee-p1363'", "'sha384'"),
    roundTrip('ed25519', '', 'null'),
    `const sign = crypto.createSign('RSA-SHA256').update('a').update(Buffer.from('b'))
     const signature = sign.sign(args.keys.rsa.pkcs8Pem, 'base64')
     return [signature, crypto.createVerify('sha256').update('ab').verify(args.keys.rsa.spkiPem, signature, 'base64')]`,
    `return new Promise((resolve) => crypto.verify(null, Buffer.from('${DATA}'), args.keys.ed25519.spkiPem, Buffer.from(args.keys.ed25519.signed, 'base64'), (e, ok) => resolve([e, ok])))`,
    `const key = crypto.createPublicKey(args.keys.p256.spkiPem)
     return [key.type, key.asymmetricKeyType, key.asymmetricKeyDetails, key.export({ format: 'jwk' }), key.export({ type: 'spki', format: 'pem' })]`,
    `try { crypto.createPublicKey('nonsense') } catch (e) { return [e instanceof Error, e.code, e.message] }`,
  ])
})

test('subtle imports keys in their standard forms, and verifies with them', async () => {
  const importing = (kind: string, format: string, algorithm: string) => `
    const key = await crypto.subtle.importKey('${format}', ${format === 'jwk' ? `args.keys.${kind}.jwk` : `Buffer.from(args.keys.${kind}.${format}, 'base64')`}, ${algorithm}, true, ['verify'])
    const own = await crypto.subtle.importKey('pkcs8', Buffer.from(args.keys.${kind}.pkcs8, 'base64'), ${algorithm}, true, ['sign'])
    const how = { ...${algorithm}, hash: 'SHA-256', saltLength: 32 }
    const signature = await crypto.subtle.sign(how, own, Buffer.from('x'))
    const jwk = await crypto.subtle.exportKey('jwk', key)
    return [key.type, key.extractable, key.usages, signature.byteLength, jwk.kty, jwk.x ?? jwk.n, jwk.key_ops,
      await crypto.subtle.verify(how, key, signature, Buffer.from('x')),
      await crypto.subtle.verify(how, key, signature, Buffer.from('y'))]`
  const ec = (curve: string) => `{ name: 'ECDSA', namedCurve: '${curve}' }`
  await same([
    ...['spki', 'raw', 'jwk'].map((format) => importing('p256', format, ec('P-256'))),
    ...['spki', 'raw', 'jwk'].map((format) => importing('p384', format, ec('P-384'))),
    ...['spki', 'raw', 'jwk'].map((format) => importing('p521', format, ec('P-521'))),
    ...['spki', 'raw', 'jwk'].map((format) => importing('ed25519', format, "{ name: 'Ed25519' }")),
    ...['spki', 'jwk'].map((format) => importing('rsa', format, "{ name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }")),
    ...['spki', 'jwk'].map((format) => importing('rsa', format, "{ name: 'RSA-PSS', hash: 'SHA-256' }")),
    `const key = await crypto.subtle.importKey('raw', Buffer.from('k'), { name: 'HMAC', hash: 'SHA-512' }, false, ['sign'])
     return [key.algorithm, Buffer.from(await crypto.subtle.sign('HMAC', key, Buffer.from('x'))).toString('hex')]`,
    `const key = await crypto.subtle.importKey('raw', Buffer.alloc(32, 1), 'AES-GCM', false, ['encrypt', 'decrypt'])
     const how = { name: 'AES-GCM', iv: Buffer.alloc(12), additionalData: Buffer.from('a') }
     const made = await crypto.subtle.encrypt(how, key, Buffer.from('text'))
     return [Buffer.from(made).toString('hex'), Buffer.from(await crypto.subtle.decrypt(how, key, made)).toString()]`,
    `const key = await crypto.subtle.importKey('raw', Buffer.from('pw'), 'PBKDF2', false, ['deriveBits'])
     return Buffer.from(await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: Buffer.from('s'), iterations: 10 }, key, 256)).toString('hex')`,
    `const [mine, theirs] = [await crypto.subtle.importKey('pkcs8', Buffer.from(args.keys.x25519.pkcs8, 'base64'), 'X25519', false, ['deriveBits']),
       await crypto.subtle.importKey('raw', Buffer.from(args.keys.x25519.raw, 'base64'), 'X25519', true, [])]
     return Buffer.from(await crypto.subtle.deriveBits({ name: 'X25519', public: theirs }, mine, 256)).toString('hex')`,
    `try { await crypto.subtle.importKey('spki', Buffer.from(args.keys.rsa.spki, 'base64'), ${ec('P-256')}, true, ['verify']) } catch (e) { return e.name }`,
    `return Buffer.from(await crypto.subtle.digest('SHA-384', Buffer.from('x'))).toString('hex')`,
  ])
})

test('ciphers, derivations and packing are Node’s', async () => {
  await same([
    `const c = crypto.createCipheriv('aes-256-cbc', Buffer.alloc(32, 1), Buffer.alloc(16, 2))
     const made = c.update('plain ä', 'utf8', 'hex') + c.final('hex')
     const d = crypto.createDecipheriv('aes-256-cbc', Buffer.alloc(32, 1), Buffer.alloc(16, 2))
     return [made, d.update(made, 'hex', 'utf8') + d.final('utf8')]`,
    `const c = crypto.createCipheriv('aes-128-gcm', Buffer.alloc(16, 1), Buffer.alloc(12, 2))
     c.setAAD(Buffer.from('aad'))
     const made = Buffer.concat([c.update('plain'), c.final()])
     const d = crypto.createDecipheriv('aes-128-gcm', Buffer.alloc(16, 1), Buffer.alloc(12, 2))
     d.setAAD(Buffer.from('aad')); d.setAuthTag(c.getAuthTag())
     return [made.toString('hex'), c.getAuthTag().toString('hex'), Buffer.concat([d.update(made), d.final()]).toString()]`,
    `const made = crypto.publicEncrypt({ key: args.keys.rsa.spkiPem, oaepHash: 'sha256' }, Buffer.from('secret'))
     return crypto.privateDecrypt({ key: args.keys.rsa.pkcs8Pem, oaepHash: 'sha256' }, made).toString()`,
    "return Buffer.from(crypto.hkdfSync('sha256', 'key', 'salt', 'info', 42)).toString('hex')",
    "return crypto.pbkdf2Sync('pw', 'salt', 1000, 32, 'sha512').toString('hex')",
    "return crypto.scryptSync('pw', 'salt', 32).toString('hex')",
    "return ['ripemd160', 'sha3-256', 'sha512-256', 'RSA-SHA256'].map((name) => crypto.createHash(name).update('x').digest('hex'))",
    "return [zlib.crc32('hello'), zlib.crc32(Buffer.from('lo'), zlib.crc32('hel'))]",
    "return [zlib.gunzipSync(zlib.gzipSync('ä'.repeat(1000))).toString().length, zlib.inflateSync(zlib.deflateSync('x')).toString(), zlib.inflateRawSync(zlib.deflateRawSync('y')).toString()]",
    `return [zlib.brotliDecompressSync(Buffer.from('${zlib.brotliCompressSync('br').toString('base64')}', 'base64')).toString(),
      zlib.zstdDecompressSync(Buffer.from('${zlib.zstdCompressSync('zs').toString('base64')}', 'base64')).toString()]`,
    'return new Promise((resolve) => zlib.gunzip(zlib.gzipSync("async"), (e, made) => resolve([e, String(made)])))',
  ])
})

test('keys, passwords and packing of the newer kinds are as in Node', async () => {
  const argon2 =
    "'argon2id', { message: 'pw', nonce: Buffer.alloc(16, 1), parallelism: 1, tagLength: 32, memory: 64, passes: 2"
  await same([
    `return crypto.argon2Sync(${argon2} }).toString('hex')`,
    `return crypto.argon2Sync(${argon2}, secret: 'pepper', associatedData: Buffer.from('x') }).toString('hex')`,
    `return await new Promise((settle) => crypto.argon2(${argon2} }, (e, made) => settle([e, made.toString('hex')])))`,
    "return [crypto.generateKeySync('hmac', { length: 123 }).export().length, crypto.generateKeySync('aes', { length: 256 }).symmetricKeySize]",
    "return await new Promise((settle) => crypto.generateKey('hmac', { length: 64 }, (e, key) => settle([e, key.type, key.export().length])))",
    `const [e, a, b] = await new Promise((settle) => crypto.generateKeyPair('ed25519', (...told) => settle(told)))
     return [e, a.type, b.type, crypto.verify(null, Buffer.from('x'), a, crypto.sign(null, Buffer.from('x'), b))]`,
    `const encoding = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }
     const told = await new Promise((settle) => crypto.generateKeyPair('ec', { namedCurve: 'P-256', ...encoding }, (...all) => settle(all)))
     return told.map((each) => each && each.slice(0, 20))`,
    "return zlib.brotliCompressSync('ä'.repeat(1000)).toString('hex')",
    "return zlib.brotliCompressSync('ä'.repeat(1000), { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }).toString('hex')",
    'return await new Promise((settle) => zlib.brotliCompress("x", (e, made) => settle([e, zlib.brotliDecompressSync(made).toString()])))',
    "return zlib.zstdDecompressSync(zlib.zstdCompressSync('ä'.repeat(1000))).toString().length",
  ])
})

test.each([
  [
    "crypto.argon2Sync('argon2id', { message: 'pw', nonce: Buffer.alloc(16), parallelism: 1, tagLength: 32, memory: 2 ** 20, passes: 1 })",
    'memory must be from 1 to 65536 here',
  ],
  [
    "crypto.argon2Sync('argon2id', { message: 'pw', nonce: Buffer.alloc(16), parallelism: 1, tagLength: 32, memory: 65536, passes: 9 })",
    'passes with a memory of 65536 must be from 1 to 3 here',
  ],
  ['zlib.brotliCompressSync(Buffer.alloc(2 ** 20 + 1))', 'brotli takes 1048576 bytes at most here'],
  ["crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })", 'keys of the kind rsa cannot be generated here'],
  ['crypto.createDiffieHellman(2048)', 'createDiffieHellman is not there in functions: use createECDH'],
  ['crypto.generatePrimeSync(2048)', 'generatePrimeSync is not there in functions'],
])('what takes longer than a function may compute is refused by name: %s', async (call, said) => {
  const message = await returned(`import crypto from 'node:crypto'
    import zlib from 'node:zlib'
    export default () => { try { return ['made', ${call}] } catch (error) { return error.message } }`)
  expect(message).toContain(said)
})

/** A root, who issued the middle one, who issued the leaf; and a root that nobody knows. Valid from November 2026, ten years. */
const PEMS: Record<'root' | 'middle' | 'leaf' | 'other', string> = JSON.parse(
  readFileSync(new URL('./certificates.json', import.meta.url), 'utf8'),
)

test('certificates are read and checked as in Node', async () => {
  await same(
    [
      `const c = new crypto.X509Certificate(args.leaf), issuer = new crypto.X509Certificate(args.middle)
       return [c.subject, c.issuer, c.subjectAltName, c.validTo, c.serialNumber, c.ca, issuer.ca, c.fingerprint256,
         c.checkHost('hooks.example.com'), c.checkHost('a.wild.example'), c.checkHost('evil.example') ?? null,
         c.checkIssued(issuer), c.verify(issuer.publicKey), c.verify(c.publicKey), c.publicKey.asymmetricKeyType,
         c.raw.length, c.toString() === new crypto.X509Certificate(c.raw).toString(), c.validToDate.toISOString()]`,
      "return crypto.createPublicKey(args.leaf).export({ type: 'spki', format: 'pem' })",
    ],
    PEMS,
  )
})

test('a chain is followed to a root that is trusted; another name, another root, a gap or an old one is refused', async () => {
  const check = (certificates: string, options: string) =>
    returned(
      `import { verifyCertificateChain } from 'permea:webhooks'
       export default (args) => { try { return verifyCertificateChain(${certificates}, ${options}).subject } catch (e) { return e.message } }`,
      { args: PEMS },
    )
  const good = "{ roots: args.root, host: 'hooks.example.com', at: '2027-06-01T00:00:00Z' }"
  expect(await check('[args.leaf, args.middle]', good)).toBe('CN=leaf')
  expect(await check('args.leaf + args.middle', good)).toBe('CN=leaf')
  expect(await check('[args.leaf, args.middle]', "{ roots: args.root, host: 'evil.example', at: '2027-06-01' }")).toBe(
    'the certificate is not for evil.example',
  )
  expect(await check('[args.leaf]', good)).toContain('nobody that is trusted issued')
  expect(await check('[args.leaf, args.middle]', "{ roots: args.other, at: '2027-06-01' }")).toContain(
    'nobody that is trusted',
  )
  expect(await check('[args.leaf, args.middle]', "{ at: '2027-06-01' }")).toContain('nobody that is trusted')
  expect(await check('[args.leaf, args.middle]', "{ roots: args.root, at: '2099-01-01T00:00:00Z' }")).toContain(
    'expired',
  )
  expect(await check('[args.leaf, args.middle]', "{ roots: args.root, at: '2001-01-01T00:00:00Z' }")).toContain(
    'not valid yet',
  )
})

test('what takes a callback in Node calls it, and refusals carry the codes of Node', async () => {
  const called = (call: string, shown: string) =>
    `return await new Promise((settle, fail) => crypto.${call.replace('CALLBACK', `(error, value) => error ? fail(error) : settle(${shown})`)})`
  const code = (call: string) => `try { return crypto.${call} } catch (error) { return [error.code, error.name] }`
  await same([
    called('randomBytes(8, CALLBACK)', 'value.length'),
    called('randomInt(1, CALLBACK)', 'value'),
    called('randomInt(7, 8, CALLBACK)', 'value'),
    called("scrypt('password', 'salt', 16, CALLBACK)", "value.toString('hex')"),
    called("scrypt('password', 'salt', 16, { N: 1024 }, CALLBACK)", "value.toString('hex')"),
    called("hkdf('sha256', 'key', 'salt', 'info', 16, CALLBACK)", "Buffer.from(value).toString('hex')"),
    'const filled = crypto.randomFillSync(Buffer.alloc(40), 3, 36); return [filled[0], filled[39], filled.length, filled.subarray(3, 39).some(Boolean)]',
    'return [...crypto.randomFillSync(new Uint16Array(9), 1, 7)].map((each, at) => at % 8 === 0 ? each : null)',
    'try { crypto.randomFillSync(Buffer.alloc(4), 5) } catch (error) { return error.name }',
    code("timingSafeEqual(Buffer.from('a'), Buffer.from('ab'))"),
    code("timingSafeEqual('a', 'a')"),
  ])
})
