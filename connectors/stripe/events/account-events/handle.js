import { createHmac, timingSafeEqual } from 'node:crypto'

const MAX_AGE_SECONDS = 300

export default function handle({ headers, rawBody, data, state }) {
  verify(headers['stripe-signature'], rawBody, state.secret)
  return { events: [data] }
}

// https://docs.stripe.com/webhooks#verify-manually
function verify(header, rawBody, secret) {
  const parts = (header ?? '').split(',').map((part) => part.split('='))
  const sentAt = parts.find(([name]) => name === 't')?.[1]
  if (!(Math.abs(Date.now() / 1000 - Number(sentAt)) <= MAX_AGE_SECONDS))
    throw new Error('the request was signed too long ago, or not by Stripe')
  const expected = Buffer.from(createHmac('sha256', secret).update(`${sentAt}.${rawBody}`).digest('hex'))
  const isSigned = parts.some(([name, value]) => {
    const given = Buffer.from(value ?? '')
    return name === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
  if (!isSigned) throw new Error('the signature of this request is not Stripe’s')
}
