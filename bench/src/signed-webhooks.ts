import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'

/** A way to sign: the proof that requests bring as a bearer token, and a `handle` that verifies it. */
export interface SignedWay {
  token: string
  handle: string
}

const SIGNED = 'what the bench signs'
const SECRET = 'a secret of the bench'

/**
 * By a shared secret, by Ed25519 and by RSA. A fixed text is signed, since the moments in the bodies differ; of the cost
 * of a signature, the body is the least.
 */
export function signedWays(): Record<string, SignedWay> {
  const ed25519 = generateKeyPairSync('ed25519')
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return {
    hmac: {
      token: createHmac('sha256', SECRET).update(SIGNED).digest('base64'),
      handle: handleFor({}, { secret: SECRET }),
    },
    ed25519: {
      token: sign(null, Buffer.from(SIGNED), ed25519.privateKey).toString('base64'),
      handle: handleFor({ engine: 'signature', publicKey: 'pem' }, { publicKey: pemOf(ed25519.publicKey) }),
    },
    rsa: {
      token: sign('sha256', Buffer.from(SIGNED), rsa.privateKey).toString('base64'),
      handle: handleFor({ engine: 'signature', publicKey: 'pem' }, { publicKey: pemOf(rsa.publicKey) }),
    },
  }
}

const pemOf = (key: KeyObject) => key.export({ type: 'spki', format: 'pem' })

function handleFor(scheme: object, given: object): string {
  const all = {
    name: 'the bench',
    at: 'header:authorization',
    prefix: 'Bearer ',
    signed: SIGNED,
    encoding: 'base64',
    takes: {},
    id: [],
    ...scheme,
  }
  return `import { verify } from 'permea:webhooks'

const SCHEME = ${JSON.stringify(all)}
const GIVEN = ${JSON.stringify(given)}

export default async function handle(request) {
  await verify.with(SCHEME, { request, ...GIVEN })
  const { orderId, ...record } = request.data
  return { events: [{ type: 'order.created', record: { id: orderId, ...record } }] }
}`
}
