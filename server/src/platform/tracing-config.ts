import type { SamplerConfig, TracingConfig } from './tracing-sdk.ts'

type Text = (name: string) => string | null

/** What the collector's side of a connection may speak. */
const PROTOCOL = 'http/protobuf'
const EXPORTERS = ['otlp', 'console', 'none'] as const
const SAMPLERS: Readonly<Record<string, Omit<SamplerConfig, 'ratio'>>> = {
  always_on: { isParentBased: false, root: 'always_on' },
  always_off: { isParentBased: false, root: 'always_off' },
  traceidratio: { isParentBased: false, root: 'traceidratio' },
  parentbased_always_on: { isParentBased: true, root: 'always_on' },
  parentbased_always_off: { isParentBased: true, root: 'always_off' },
  parentbased_traceidratio: { isParentBased: true, root: 'traceidratio' },
}
/** Where nobody says which traces are kept: all while they are few, and this many a second of each process. */
const PER_SECOND = 100
const ASKING = ['OTEL_TRACES_EXPORTER', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] as const

/**
 * What the standard variables say of traces; null where none of them asks for any. Throws where one says what cannot be
 * done. Endpoint, headers, time-out, compression and certificates of the collector, name and attributes of the service
 * are read by the SDK itself.
 *
 * @source OpenTelemetry Environment Variable Specification
 */
export function readTracing(text: Text): TracingConfig | null {
  if (text('OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null
  if (ASKING.every((name) => text(name) === null)) return null
  const exporters = exportersOf(text('OTEL_TRACES_EXPORTER'))
  if (exporters.includes('otlp')) checkCollector(text)
  return {
    exporters,
    // Nobody would see what is recorded: only what others ask for is passed on.
    sampler: exporters.length === 0 ? { isParentBased: true, root: 'always_off', ratio: 0 } : samplerOf(text),
    batches: {
      ...milliseconds(text, 'OTEL_BSP_SCHEDULE_DELAY', 'delayMs'),
      ...milliseconds(text, 'OTEL_BSP_EXPORT_TIMEOUT', 'timeoutMs'),
      ...count(text, 'OTEL_BSP_MAX_QUEUE_SIZE', 'queueMax'),
      ...count(text, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'batchMax'),
    },
  }
}

function exportersOf(given: string | null): TracingConfig['exporters'] {
  const names = (given ?? 'otlp').split(',').map((each) => each.trim().toLowerCase())
  for (const name of names) {
    if (!EXPORTERS.some((each) => each === name))
      throw new Error(`OTEL_TRACES_EXPORTER must be of ${EXPORTERS.join(', ')}, not ${JSON.stringify(name)}`)
  }
  return (['otlp', 'console'] as const).filter((each) => names.includes(each))
}

function checkCollector(text: Text): void {
  for (const name of ['OTEL_EXPORTER_OTLP_PROTOCOL', 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL']) {
    const protocol = text(name)
    if (protocol !== null && protocol !== PROTOCOL)
      throw new Error(`${name} must be ${PROTOCOL}, which collectors take at port 4318`)
  }
  for (const name of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']) {
    const url = text(name)
    if (url !== null && !(URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)))
      throw new Error(`${name} must be an address such as http://collector:4318`)
  }
}

function samplerOf(text: Text): SamplerConfig {
  const name = text('OTEL_TRACES_SAMPLER')
  if (name === null) return { isParentBased: true, root: 'rate', ratio: 1, perSecond: PER_SECOND }
  const sampler = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined
  if (sampler === undefined) throw new Error(`OTEL_TRACES_SAMPLER must be one of ${Object.keys(SAMPLERS).join(', ')}`)
  const ratio = Number(text('OTEL_TRACES_SAMPLER_ARG') ?? 1)
  if (sampler.root === 'traceidratio' && !(ratio >= 0 && ratio <= 1))
    throw new Error('OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1')
  return { ...sampler, ratio }
}

function milliseconds<K extends string>(text: Text, name: string, key: K): { [P in K]?: number } {
  return wholeNumber(text, name, key, 0)
}

function count<K extends string>(text: Text, name: string, key: K): { [P in K]?: number } {
  return wholeNumber(text, name, key, 1)
}

function wholeNumber<K extends string>(text: Text, name: string, key: K, least: number): { [P in K]?: number } {
  const given = text(name)
  if (given === null) return {}
  const value = Number(given)
  if (!Number.isInteger(value) || value < least || value > 2 ** 31 - 1)
    throw new Error(`${name} must be a whole number from ${least}`)
  return { [key]: value } as { [P in K]?: number }
}
