import { AsyncLocalStorage } from 'node:async_hooks'
import {
  createTraceState,
  DiagLogLevel,
  diag,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span as SdkSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { setGlobalErrorHandler } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type IdGenerator,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { Log } from './log.ts'
import { isLink, parentAndState, type Span, type TracePlace, type Tracing } from './tracing.ts'

/** What the standard variables of OpenTelemetry ask for. */
export interface TracingConfig {
  /** None: places are taken in and passed on, and no span is sent. */
  exporters: readonly ('otlp' | 'console')[]
  sampler: SamplerConfig
  /** `OTEL_BSP_…`; of the SDK where absent. */
  batches: { delayMs?: number; queueMax?: number; batchMax?: number; timeoutMs?: number }
}

export interface SamplerConfig {
  isParentBased: boolean
  /** `rate`: so many traces a second begin here, and no more. */
  root: 'always_on' | 'always_off' | 'traceidratio' | 'rate'
  ratio: number
  perSecond?: number
}

export interface TracingOptions extends TracingConfig {
  version: string
  log: Log
}

/** A collector that is away is told of this often. */
const COMPLAINT_MS = 60_000
const STOP_MS_MAX = 3000

const KINDS = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  consumer: SpanKind.CONSUMER,
} as const

/**
 * The official SDK behind `Tracing`. Finished spans wait in a queue of bounded length and are dropped beyond it, so a
 * collector that is slow or away costs neither memory nor time.
 */
export function createTracing(options: TracingOptions): Tracing {
  complainTo(options.log)
  const ids = new ChosenIds()
  const sampler = new OverruledSampler(samplerOf(options.sampler))
  const provider = new TracerProvider({
    idGenerator: ids,
    sampler,
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': 'permea', 'service.version': options.version }))
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: options.exporters.map((exporter) =>
      exporter === 'console'
        ? new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })
        : new BatchSpanProcessor({ exporter: new OTLPTraceExporter(), ...batchesOf(options.batches) }),
    ),
  })
  const tracer = provider.getTracer('permea', options.version)
  const places = new AsyncLocalStorage<TracePlace | null>()

  return {
    begin(wanted) {
      const { beneath = null } = wanted
      const link = beneath !== null && isLink(beneath) ? contextOf(beneath.slice(1)) : null
      const parent = beneath === null || link !== null ? null : contextOf(beneath)
      const traceId = wanted.traceId ?? (parent === null ? ids.generateTraceId() : null)
      // What is linked is kept where that which it is linked to is; what begins here, where it is drawn.
      const isKept = link === null ? parent !== null || sampler.draws(traceId ?? '') : (link.traceFlags & 1) === 1
      if (!isKept) return NOT_KEPT
      ids.next = { spanId: wanted.spanId ?? null, traceId }
      sampler.overruled = parent === null ? true : null
      const span = tracer.startSpan(
        wanted.name,
        {
          kind: KINDS[wanted.kind ?? 'internal'],
          ...(wanted.startedAt === undefined ? {} : { startTime: wanted.startedAt }),
          ...(wanted.attributes === undefined ? {} : { attributes: wanted.attributes }),
          ...(link === null ? {} : { links: [{ context: link }] }),
        },
        parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
      )
      ids.next = { spanId: null, traceId: null }
      sampler.overruled = null
      return spanOf(span, parent !== null)
    },
    within: (place, work) => places.run(place, work),
    here: () => places.getStore() ?? null,
    async stop() {
      const stopped = provider.shutdown().catch(() => {})
      const tooLong = new Promise<void>((resolve) => setTimeout(resolve, STOP_MS_MAX).unref())
      await Promise.race([stopped, tooLong])
    },
  }
}

/** Most spans, where only some traces are kept: nothing is made for them. */
const NOT_KEPT: Span = { place: null, end() {} }

function spanOf(span: SdkSpan, isAsked: boolean): Span {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext()
  const state = traceState?.serialize() ?? ''
  const flags = traceFlags.toString(16).padStart(2, '0')
  const place = `00-${traceId}-${spanId}-${flags}${state === '' ? '' : ` ${state}`}`
  return {
    place: span.isRecording() || isAsked ? place : null,
    end(more = {}) {
      if (more.attributes !== undefined) span.setAttributes(more.attributes)
      if (more.error !== undefined && more.error !== null)
        span.setStatus({ code: SpanStatusCode.ERROR, message: more.error })
      span.end()
    },
  }
}

function contextOf(place: TracePlace): SpanContext | null {
  const { parent, state } = parentAndState(place)
  const context: SpanContext = {
    traceId: parent.slice(3, 35),
    spanId: parent.slice(36, 52),
    traceFlags: Number.parseInt(parent.slice(53, 55), 16),
    isRemote: true,
    ...(state === null ? {} : { traceState: createTraceState(state) }),
  }
  return isSpanContextValid(context) ? context : null
}

/** Random ids, but where the next one is known beforehand. */
class ChosenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator()
  next: { spanId: string | null; traceId: string | null } = { spanId: null, traceId: null }

  generateSpanId(): string {
    return this.next.spanId ?? this.#random.generateSpanId()
  }

  generateTraceId(): string {
    return this.next.traceId ?? this.#random.generateTraceId()
  }
}

class OverruledSampler implements Sampler {
  readonly #inner: Sampler
  overruled: boolean | null = null

  constructor(inner: Sampler) {
    this.#inner = inner
  }

  /** Whether a trace that begins here is kept. */
  draws(traceId: string): boolean {
    const { decision } = this.#inner.shouldSample(ROOT_CONTEXT, traceId, '', SpanKind.INTERNAL, {}, [])
    return decision === SamplingDecision.RECORD_AND_SAMPLED
  }

  shouldSample(...given: Parameters<Sampler['shouldSample']>): ReturnType<Sampler['shouldSample']> {
    if (this.overruled === null) return this.#inner.shouldSample(...given)
    return { decision: this.overruled ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD }
  }

  toString(): string {
    return `OverruledSampler{${this.#inner.toString()}}`
  }
}

/** All of them while they are few, and a bounded cost when they are many. */
class RateSampler implements Sampler {
  readonly #perSecond: number
  #left: number
  #filledAtMs = performance.now()

  constructor(perSecond: number) {
    this.#perSecond = perSecond
    this.#left = perSecond
  }

  shouldSample(): ReturnType<Sampler['shouldSample']> {
    const nowMs = performance.now()
    const more = ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond
    this.#left = Math.min(this.#perSecond, this.#left + more)
    this.#filledAtMs = nowMs
    if (this.#left < 1) return { decision: SamplingDecision.NOT_RECORD }
    this.#left -= 1
    return { decision: SamplingDecision.RECORD_AND_SAMPLED }
  }

  toString(): string {
    return `RateSampler{${this.#perSecond}}`
  }
}

function rootSamplerOf({ root, ratio, perSecond = 0 }: SamplerConfig): Sampler {
  if (root === 'rate') return new RateSampler(perSecond)
  if (root === 'always_on') return new AlwaysOnSampler()
  return root === 'always_off' ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio)
}

function samplerOf(config: SamplerConfig): Sampler {
  const sampler = rootSamplerOf(config)
  return config.isParentBased ? new ParentBasedSampler({ root: sampler }) : sampler
}

function batchesOf({ delayMs, queueMax, batchMax, timeoutMs }: TracingConfig['batches']) {
  return {
    ...(delayMs === undefined ? {} : { scheduledDelayMillis: delayMs }),
    ...(queueMax === undefined ? {} : { maxQueueSize: queueMax }),
    ...(batchMax === undefined ? {} : { maxExportBatchSize: batchMax }),
    ...(timeoutMs === undefined ? {} : { exportTimeoutMillis: timeoutMs }),
  }
}

/** What goes wrong with sending spans is told of at most once a minute, however much it is. */
function complainTo(log: Log): void {
  let complainedMs = Number.NEGATIVE_INFINITY
  const complain = (message: string) => {
    if (performance.now() - complainedMs < COMPLAINT_MS) return
    complainedMs = performance.now()
    log.warn({ message }, 'spans could not be sent; the engine goes on without them')
  }
  setGlobalErrorHandler((error) => complain(error instanceof Error ? error.message : JSON.stringify(error)))
  const drop = () => {}
  diag.setLogger(
    { error: complain, warn: complain, info: drop, debug: drop, verbose: drop },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  )
}
