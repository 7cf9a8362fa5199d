import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { newSecret, signedHeaders } from './signing.ts'

const message = fc.record({
  id: fc.stringMatching(/^msg_[a-z0-9]{1,26}$/),
  body: fc.json({ stringUnit: 'binary' }),
  at: fc.constant(new Date()),
})

test('whatever the body, the receiver’s library takes it, and takes no other', () => {
  fc.assert(
    fc.property(message, fc.json(), ({ id, body, at }, other) => {
      const secret = newSecret()
      const headers = signedHeaders({ id, body, at, secrets: [secret] })
      const verify = (text: string, key = secret) => new Webhook(key).verify(text, headers)
      expect(() => verify(body)).not.toThrow()
      if (other !== body) expect(() => verify(other)).toThrow()
      expect(() => verify(body, newSecret())).toThrow()
    }),
    { numRuns: 50 },
  )
})

test('with two secrets a receiver may hold either', () => {
  const secrets = [newSecret(), newSecret()]
  const body = '{"eventType":"alert.created"}'
  const headers = signedHeaders({ id: 'msg_1', body, at: new Date(), secrets })
  for (const secret of secrets) expect(() => new Webhook(secret).verify(body, headers)).not.toThrow()
  expect(headers['webhook-signature']?.split(' ')).toHaveLength(2)
})

test('the signature is that of the specification’s example', () => {
  const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
  const at = new Date(1_614_265_330_000)
  const body = '{"test": 2432232314}'
  expect(signedHeaders({ id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body, at, secrets: [secret] })).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
})

test('a secret is 32 random bytes in the form that libraries take', () => {
  const secrets = Array.from({ length: 100 }, newSecret)
  expect(new Set(secrets).size).toBe(100)
  for (const secret of secrets) {
    expect(secret.startsWith('whsec_')).toBe(true)
    expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32)
  }
})
