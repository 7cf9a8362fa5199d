import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { HEAD_MS_MAX, REQUEST_MS_MAX } from '../api/request-bodies.ts'
import { BODY_BYTES_MAX, INTAKE_LIMITS, JSON_DEPTH_MAX, JSON_VALUES_MAX } from '../bodies/limits.ts'
import { COMPUTE_MS } from '../computing/limits.ts'
import { RATE_LIMITS } from './rates.ts'

test('the page of limits says what holds', async () => {
  const page = await readFile(new URL('../../../docs/operate/limits.md', import.meta.url), 'utf8')
  const rows = new Map(
    page
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, limit = '', value = '']) => [limit, value]),
  )
  const said = (limit: string) => Number.parseInt(rows.get(limit) ?? '', 10)
  expect({
    body: said('Bytes of one body'),
    depth: said('Depth of JSON'),
    values: said('Values in one JSON text'),
    inHand: said('Bytes of bodies in hand, over all requests'),
    reserve: said('Reserve for bodies up to 64 KB'),
    head: said('Time for the head of a request'),
    silence: said('Time without a byte of a body'),
    bodyMs: said('Time for a body'),
    request: said('Time for a request that passes through to an app'),
    perAddress: said('Requests at one webhook address (`webhooksPerAddress`)'),
    perCustomer: said('Requests at all webhook addresses of one customer (`webhooksPerCustomer`)'),
    api: said('Requests of the API with tokens of one customer (`apiPerCustomer`)'),
    compute: said('Processor time of a formula with `$jsonata`, or of a check by a JSON Schema'),
  }).toEqual({
    body: BODY_BYTES_MAX,
    depth: JSON_DEPTH_MAX,
    values: JSON_VALUES_MAX,
    inHand: INTAKE_LIMITS.bytesMax,
    reserve: INTAKE_LIMITS.reserveBytes,
    head: HEAD_MS_MAX,
    silence: INTAKE_LIMITS.silenceMsMax,
    bodyMs: INTAKE_LIMITS.bodyMsMax,
    request: REQUEST_MS_MAX,
    perAddress: RATE_LIMITS.webhooksPerAddress,
    perCustomer: RATE_LIMITS.webhooksPerCustomer,
    api: RATE_LIMITS.apiPerCustomer,
    compute: COMPUTE_MS,
  })
  expect([INTAKE_LIMITS.shareOfOne, INTAKE_LIMITS.shareOfWorkspace, INTAKE_LIMITS.smallBytes]).toEqual([
    0.25,
    0.75,
    64 * 1024,
  ])
})
