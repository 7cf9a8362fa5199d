import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { silentLog } from './log.ts'
import { beneathItself, isLink, linkedTo, placeIn, spanIdOf, traceFields, traceHeaders, traceIdOf } from './tracing.ts'
import { readTracing } from './tracing-config.ts'
import { createTracing, type SamplerConfig } from './tracing-sdk.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const PARENT = `00-${TRACE}-${SPAN}-01`
const RUN = '01890a5d-ac96-774b-bcce-b302099a8057'

describe('the place that a request names', () => {
  test.each([
    [{ traceparent: PARENT }, PARENT],
    [{ traceparent: PARENT, tracestate: 'a=1,b=2' }, `${PARENT} a=1,b=2`],
    [{ traceparent: PARENT, tracestate: ['a=1', 'b=2'] }, `${PARENT} a=1,b=2`],
    // A later version may say more than we know of.
    [{ traceparent: `cc-${TRACE}-${SPAN}-01-more` }, PARENT],
    [{}, null],
    [{ traceparent: `${PARENT}-more` }, null],
    [{ traceparent: PARENT.toUpperCase() }, null],
    [{ traceparent: `ff-${TRACE}-${SPAN}-01` }, null],
    [{ traceparent: `00-${'0'.repeat(32)}-${SPAN}-01` }, null],
    [{ traceparent: `00-${TRACE}-${'0'.repeat(16)}-01` }, null],
    [{ traceparent: PARENT, tracestate: 'a='.padEnd(600, '1') }, PARENT],
    [{ traceparent: PARENT, tracestate: 'a=\u0000' }, PARENT],
  ])('%j', (headers, place) => {
    expect(placeIn(headers)).toBe(place)
  })

  test('is null or well-formed, whatever stands there', () => {
    const hex = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 30, maxLength: 34 })
    const near = fc.tuple(fc.constantFrom('00', 'ff', '01'), hex, hex).map((parts) => `${parts.join('-')}-01`)
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), fc.string(), (traceparent, tracestate) => {
        const place = placeIn({ traceparent, tracestate })
        if (place !== null)
          expect(traceHeaders(place).traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)
      }),
    )
  })
})

test('what follows from a thing stands beneath the span that the thing itself will have', () => {
  expect(beneathItself(`${PARENT} a=1`, { id: RUN, traceOf: RUN })).toBe(`00-${TRACE}-bcceb302099a8057-01 a=1`)
  expect(spanIdOf(RUN)).toBe('bcceb302099a8057')
  const linked = linkedTo(PARENT) ?? ''
  expect([isLink(linked), traceIdOf(linked, RUN)]).toEqual([true, RUN.replaceAll('-', '')])
  expect(beneathItself(linked, { id: RUN, traceOf: RUN })).toBe(`00-${RUN.replaceAll('-', '')}-bcceb302099a8057-01`)
  expect(traceFields(PARENT)).toEqual({ trace_id: TRACE, span_id: SPAN })
})

describe('what the standard variables ask for', () => {
  const read = (env: Record<string, string>) => readTracing((name) => env[name] ?? null)
  const collector = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }

  test('nothing, where none of them is set or all is switched off', () => {
    for (const env of [{}, { OTEL_SERVICE_NAME: 'x' }, { ...collector, OTEL_SDK_DISABLED: 'true' }])
      expect(read(env)).toBeNull()
  })

  test('where spans go, which are kept, and how many wait', () => {
    expect(read(collector)).toEqual({
      exporters: ['otlp'],
      sampler: { isParentBased: true, root: 'rate', ratio: 1, perSecond: 100 },
      batches: {},
    })
    expect(read({ ...collector, OTEL_TRACES_SAMPLER: 'always_on' })).toMatchObject({
      sampler: { isParentBased: false, root: 'always_on' },
    })
    expect(
      read({
        OTEL_TRACES_EXPORTER: 'console, otlp',
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.05',
        OTEL_BSP_SCHEDULE_DELAY: '100',
        OTEL_BSP_MAX_QUEUE_SIZE: '5000',
      }),
    ).toEqual({
      exporters: ['otlp', 'console'],
      sampler: { isParentBased: true, root: 'traceidratio', ratio: 0.05 },
      batches: { delayMs: 100, queueMax: 5000 },
    })
    expect(read({ ...collector, OTEL_TRACES_EXPORTER: 'none' })).toMatchObject({
      exporters: [],
      sampler: { isParentBased: true, root: 'always_off' },
    })
  })

  test.each([
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector:4318'],
    ['OTEL_TRACES_SAMPLER', 'constructor'],
    ['OTEL_BSP_SCHEDULE_DELAY', 'soon'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(() => read({ ...collector, [name]: value })).toThrow(name)
  })

  test('a ratio that is none is refused', () => {
    const sampler = { ...collector, OTEL_TRACES_SAMPLER: 'traceidratio' }
    expect(() => read({ ...sampler, OTEL_TRACES_SAMPLER_ARG: '5' })).toThrow('OTEL_TRACES_SAMPLER_ARG')
  })
})

describe('spans', () => {
  const tracing = (sampler: SamplerConfig) =>
    createTracing({ exporters: [], sampler, batches: {}, version: '0', log: silentLog })
  const NEVER = { isParentBased: true, root: 'traceidratio', ratio: 0 } as const
  const ALWAYS = { isParentBased: true, root: 'always_on', ratio: 1 } as const

  test('that nobody keeps have no place, unless who asked has one', () => {
    const { begin } = tracing(NEVER)
    expect(begin({ name: 'a' }).place).toBeNull()
    expect(begin({ name: 'a', beneath: PARENT }).place).toMatch(new RegExp(`^00-${TRACE}-[0-9a-f]{16}-01$`))
    expect(begin({ name: 'a', beneath: PARENT.replace(/01$/, '00') }).place).toMatch(/-00$/)
    // Kept where that which it is linked to is, whatever the share is.
    expect(begin({ name: 'a', beneath: `~${PARENT}`, traceId: 'f'.repeat(32) }).place).toMatch(/^00-f{32}-.*-01$/)
    expect(begin({ name: 'a', beneath: `~${PARENT.replace(/01$/, '00')}` }).place).toBeNull()
  })

  test('are kept whole: so many traces a second begin, and what is beneath one is kept or not as it is', () => {
    const beganMs = performance.now()
    const { begin } = tracing({ isParentBased: true, root: 'rate', ratio: 1, perSecond: 5 })
    const places = Array.from({ length: 5000 }, () => begin({ name: 'a' }).place)
    const most = 5 + (5 * (performance.now() - beganMs)) / 1000
    const kept = places.flatMap((each) => each ?? [])
    expect(kept.length).toBeGreaterThanOrEqual(5)
    expect(kept.length).toBeLessThanOrEqual(most)
    // However many there are: what they, or others, began is gone on with.
    for (const place of [...kept, PARENT]) expect(begin({ name: 'b', beneath: place }).place).toMatch(/-01$/)
  })

  test('have the ids that were chosen, and others again afterwards', () => {
    const { begin } = tracing(ALWAYS)
    const chosen = { spanId: 'a'.repeat(16), traceId: 'b'.repeat(32) }
    expect(begin({ name: 'a', ...chosen }).place).toBe(`00-${'b'.repeat(32)}-${'a'.repeat(16)}-01`)
    expect(begin({ name: 'a' }).place).not.toMatch(/a{16}|b{32}/)
    expect(begin({ name: 'a', beneath: `${PARENT} vendor=1`, spanId: chosen.spanId }).place).toBe(
      `00-${TRACE}-${'a'.repeat(16)}-01 vendor=1`,
    )
  })

  test('are where things are done that were begun within them, and nowhere else', async () => {
    const { within, here } = tracing(ALWAYS)
    const found = within(PARENT, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return [here(), within(null, here)]
    })
    expect(here()).toBeNull()
    expect(await found).toEqual([PARENT, null])
  })
})

test('lines that are logged within a span name it, others do not', () => {
  const at = (file: string) => JSON.stringify(new URL(file, import.meta.url).href)
  const { stderr } = spawnSync(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `const [{ createLog, silentLog }, { traceFields }, { createTracing }] = await Promise.all([${['./log.ts', './tracing.ts', './tracing-sdk.ts'].map((file) => `import(${at(file)})`).join(', ')}])
       const sampler = { isParentBased: true, root: 'always_on', ratio: 1 }
       const tracing = createTracing({ exporters: [], sampler, batches: {}, version: '0', log: silentLog })
       const log = createLog('info', () => traceFields(tracing.here()))
       tracing.within(${JSON.stringify(PARENT)}, () => log.info({}, 'within'))
       log.info({}, 'outside')
       process.exit()`,
    ],
    { encoding: 'utf8' },
  )
  // A line that is being written when the process ends may come after the last one.
  const line = (msg: string) => stderr.split('\n').find((each) => each.includes(JSON.stringify(msg))) ?? 'null'
  expect(JSON.parse(line('within'))).toMatchObject({ trace_id: TRACE, span_id: SPAN })
  expect(JSON.parse(line('outside'))).not.toHaveProperty('trace_id')
})
