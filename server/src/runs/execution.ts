import { type ErrorData, parseExactJson } from '@permea/contract'
import { parseKnownJson } from '../bodies/json.ts'
import type { NodeCall, NodeOutcome, NodeServices } from '../flows/node-type.ts'
import type { Ids } from '../platform/ids.ts'
import type { LaneOutcome } from '../platform/lane.ts'
import { LEAVING } from '../platform/lanes.ts'
import type { Log } from '../platform/log.ts'
import type { ExecutionInput } from './execution-input.ts'
import type { Limits } from './limits.ts'
import { nodeFault } from './node-fault.ts'
import { countNodeRun, type NodeCounts, type NodeRun, type RecordedNodeRun } from './node-run.ts'
import { nodeKeyOfPath, outputsGivenBy } from './node-run-text.ts'
import { doing, walkPages } from './pages.ts'
import { awaiting, tryAgainLater } from './pausing.ts'
import type { RunProgress } from './record-store.ts'
import type { Progressing, Recorder } from './recorder.ts'
import type { Waiting } from './run.ts'
import { type Settled, settled } from './settled.ts'
import { createSlots, type Slots } from './slots.ts'
import { type Iteration, namedFields, type PageVisit, type Visit, withField } from './visit.ts'

export interface ExecutionOptions {
  services: NodeServices
  recorder: Recorder
  ids: Ids
  /** Uniform in [0, 1). */
  random(): number
  log: Log
  limits: Limits
}

const ERRORS_MAX = 20
const UNSAVED_MAX = 100
/** Node runs that wait for another try, beyond which no further page is read. */
const WAITING_MAX = 1000

/**
 * One run on its way through its nodes. Node runs that are recorded are not done again: their outputs are taken from
 * the record, so a run that was interrupted goes on where it stopped. What has an effect outside is begun only when
 * the effects before it are durable; so after a crash at most the steps in flight happen twice.
 */
export class Execution implements Progressing {
  readonly #o: ExecutionOptions
  readonly #in: ExecutionInput
  readonly #startedAt: Date
  #input: unknown
  readonly #beganMs = performance.now()
  readonly #slots = new Map<string, Slots>()
  readonly #counts: NodeCounts = {}
  readonly #errors: ErrorData[] = []
  readonly #waiting: Waiting = {}
  #nodeRuns = 0
  #unsaved: NodeRun[] = []
  #hasUnsavedEffect = false
  #hasEffectInWrite = false
  #isStartTold = false
  /** Whether some of its node runs are in the record already. */
  #isPartlySaved = false
  #isOver = false
  /** Something of it could not be recorded: it is taken up again from its last record, not here. */
  #isLost = false
  #ending: Pick<RunProgress, 'waits' | 'finish' | 'isStopped'> | null = null
  #waiters: ((hasEnded: boolean) => void)[] = []
  #inWrite: ((hasEnded: boolean) => void)[] = []

  constructor(options: ExecutionOptions, input: ExecutionInput) {
    this.#o = options
    this.#in = input
    this.#startedAt = input.item.startedAt ?? options.services.clock.now()
    this.#isStartTold = input.item.startedAt !== null
    this.#isPartlySaved = !input.item.isFresh
  }

  /** Walks the run as far as it goes. `ended` where its final state is recorded by this walk. */
  async run(): Promise<{ outcome: LaneOutcome; ended: 'completed' | 'failed' | null }> {
    const { item, plan, signal } = this.#in
    this.#o.recorder.touchSoon(this)
    const start = plan.get(item.run.startNodeKey)
    if (start === undefined)
      this.#fail({
        type: 'flow_run',
        key: 'node_not_found',
        message: `there is no node ${JSON.stringify(item.run.startNodeKey)}`,
      })
    else
      await this.#walk({
        node: start,
        path: encodeURIComponent(start.key),
        ...(await this.#begin()),
        item: null,
        within: null,
      })
    const now = this.#o.services.clock.now()
    if (signal.aborted) {
      if (signal.reason !== LEAVING) this.#ending = { waits: null, finish: null, isStopped: true }
      await this.#save()
      return { outcome: signal.reason === LEAVING ? { kind: 'waits', until: now } : { kind: 'finished' }, ended: null }
    }
    if (this.#isLost) return { outcome: { kind: 'waits', until: now }, ended: null }
    const waiting = Object.values(this.#waiting)
    if (waiting.length > 0) {
      const until = new Date(Math.min(...waiting.map((each) => each.untilMs)))
      // A pause says nothing about how others do.
      const pace = waiting.every((each) => each.isPause === true) ? 'ok' : 'slow'
      const waits = { until, isOrdered: item.isOrdered, waiting: this.#waiting }
      this.#ending = { waits, finish: null, isStopped: false }
      await this.#save()
      // An event may have come while this was recorded: the lane looks at once, and waits then.
      const isTold = waiting.some((each) => each.awaits !== undefined)
      return { outcome: { kind: 'waits', until: isTold ? now : until, pace }, ended: null }
    }
    const state = this.#errors.length > 0 ? 'failed' : 'completed'
    const finish = { state, endedAt: now, errors: this.#errors, nodeCounts: this.#counts } as const
    this.#ending = { waits: null, finish, isStopped: false }
    const hasEnded = await this.#save()
    return { outcome: { kind: 'finished', pace: 'ok' }, ended: hasEnded ? state : null }
  }

  async #begin(): Promise<{ input: unknown; fed: unknown }> {
    const parsing = parseKnownJson(this.#in.item.input)
    const input = parsing instanceof Promise ? await parsing : parsing
    this.#input = input
    return { input, fed: 'fed' in this.#in ? this.#in.fed : input }
  }

  // ── walking ──

  async #walk(visit: Visit): Promise<void> {
    if (this.#mustStop()) return
    const reader = visit.node.isStreamed && visit.within === null && !visit.page ? visit.node.prepared.pages?.() : null
    if (reader) return walkPages(visit, reader, (page) => this.#walk(page))
    const outputs = await this.#outputsOf(visit)
    if (outputs === null) return
    const gathered = visit.within?.outputs
    gathered?.set(visit.node.key, [...(gathered.get(visit.node.key) ?? []), ...outputs])
    const next: Promise<void>[] = []
    for (const [index, output] of outputs.entries()) {
      if (visit.node.links.length === 0) break
      const input = await withField(visit.input, visit.node.key, output)
      const error = visit.node.node.onError === 'continue' ? (output as { error?: unknown } | null)?.error : undefined
      for (const link of visit.node.links) {
        const node = this.#in.plan.get(link.key)
        if (node === undefined) continue
        if (
          link.filter !== null &&
          !(await this.#holds(link.filter, { ...this.#in.scope, input, output, error }, visit))
        )
          continue
        next.push(
          this.#walk({
            node,
            path: `${visit.path}>${index}.${encodeURIComponent(link.key)}`,
            input,
            fed: output,
            item: null,
            within: visit.within,
          }),
        )
        if (visit.node.type.followsOneLink === true) break
      }
    }
    // Alone in most flows: then there is nothing to gather.
    if (next.length === 1) await next[0]
    else if (next.length > 1) await Promise.all(next)
  }

  async #holds(
    filter: { evaluate(scope: Record<string, unknown>, options: { owner: string }): unknown },
    scope: Record<string, unknown>,
    visit: Visit,
  ): Promise<boolean> {
    try {
      return Boolean(await filter.evaluate(scope, { owner: this.#in.user.id }))
    } catch (error) {
      this.#fail(
        nodeFault(error as Error, this.#o.log, { run: this.#in.item.id, node: visit.node.key }),
        visit.node.key,
      )
      return false
    }
  }

  /** The outputs of the node at this place, from the record or by doing it; null where nothing follows (yet). */
  async #outputsOf(visit: Visit): Promise<unknown[] | null> {
    const record = this.#in.recorded.get(visit.path)
    if (record !== undefined) return this.#recall(record, visit)
    const slots = this.#slotsOf(visit)
    const release = slots.isFree() ? slots.take() : await slots.acquire()
    try {
      return this.#mustStop() ? null : await this.#perform(visit)
    } finally {
      release()
    }
  }

  async #recall(record: RecordedNodeRun, visit: Visit): Promise<unknown[] | null> {
    const text = record.isLong ? await this.#in.longOutputs(record.id) : record.outputs
    const outputs = text === null ? [visit.fed] : (parseExactJson(text) as unknown[])
    const isDone = record.status === 'completed'
    this.#countAgain(record, visit.node.key, isDone ? outputs.length : 0)
    // What was done within it is not walked again.
    for (const each of this.#in.beneath(visit.path))
      this.#countAgain(each, nodeKeyOfPath(each.path), outputsGivenBy(each))
    if (isDone && visit.page) this.#turnPage(visit.page, outputs, record.next)
    return isDone ? outputs : null
  }

  #countAgain({ status, errors }: RecordedNodeRun, nodeKey: string, outputs: number): void {
    this.#nodeRuns += 1
    countNodeRun(this.#counts, { nodeKey, isError: status === 'failed', outputs })
    if (status === 'failed') for (const error of errors) this.#fail(error, nodeKey)
  }

  #turnPage(page: PageVisit, [output]: unknown[], next: string | null): void {
    page.reader.passed(output)
    // Where many wait for another try, those that come after them would do so too.
    if (Object.values(this.#waiting).filter((each) => each.isPause !== true).length <= WAITING_MAX) page.next = next
  }

  async #perform(visit: Visit): Promise<unknown[] | null> {
    const { clock } = this.#o.services
    const waited = this.#in.item.waiting?.[visit.path]
    const isDue = waited === undefined || waited.untilMs <= clock.now().getTime() || this.#in.arrived.has(visit.path)
    if (!isDue) {
      this.#waiting[visit.path] = waited
      return null
    }
    if (visit.node.type.hasEffect) await this.#makeEffectsDurable()
    if (this.#isLost) return null
    const logs: unknown[] = [...(waited?.logs ?? [])]
    const startedAt = clock.now()
    const attempts = (waited?.attempts ?? 0) + 1
    const outcome = await this.#in.trace.node(visit.node, attempts, () => this.#execute(visit, logs, waited))
    // An effect that ended just as the run was stopped is a fact and is recorded; one that was cut off is not.
    if (this.#in.signal.aborted && outcome.kind !== 'outputs') return null
    if (outcome.kind === 'each') return this.#each(visit, outcome.items, startedAt, logs)
    if (outcome.kind === 'pause') {
      this.#waiting[visit.path] = { attempts: 0, untilMs: outcome.untilMs, logs, isPause: true }
      return null
    }
    if (outcome.kind === 'await') {
      const wait = awaiting(outcome, await this.#in.sourceOfWait(visit.node.key), visit.node)
      if ('kind' in wait) return this.#settle(visit, wait, startedAt, logs, attempts)
      this.#waiting[visit.path] = wait
      return null
    }
    if (outcome.kind === 'retry') {
      const earlier = waited?.logs ?? []
      const of = { attempts, logs: earlier, startedAt, now: clock.now(), jitter: this.#o.random() }
      const later = tryAgainLater(outcome, of)
      if (later === null)
        return this.#settle(visit, { kind: 'failed', error: outcome.error }, startedAt, logs, attempts)
      this.#waiting[visit.path] = later
      return null
    }
    return this.#settle(visit, outcome, startedAt, logs, attempts)
  }

  async #execute(visit: Visit, logs: unknown[], waited: Waiting[string] | undefined): Promise<NodeOutcome> {
    const { mask } = visit.node
    const call: NodeCall = {
      services: this.#o.services,
      workspaceId: this.#in.item.run.workspaceId,
      user: this.#in.user,
      connection: this.#in.connection,
      integrationId: this.#in.item.run.integrationId,
      ownerId: this.#in.wireIds.flow,
      slot: visit.node.key,
      sourceId: this.#in.wireIds.run,
      errorType: 'flow_run',
      scope: { ...this.#in.scope, input: visit.input },
      fed: visit.fed,
      launchedWith: this.#input,
      attemptsMade: waited?.attempts ?? 0,
      hasPaused: waited?.isPause === true,
      arrived: this.#in.arrived.get(visit.path) ?? null,
      signal: this.#in.signal,
      log: (record) => logs.push(mask === null ? record : mask.value(record)),
    }
    try {
      const outcome = await doing(visit, call)
      return mask !== null && 'error' in outcome
        ? { ...outcome, error: mask.value(outcome.error) as ErrorData }
        : outcome
    } catch (error) {
      return {
        kind: 'failed',
        error: nodeFault(error as Error, this.#o.log, { run: this.#in.item.id, node: visit.node.key }),
      }
    }
  }

  /** Runs the sub-flow once per item, `concurrency` items at a time. */
  async #each(visit: Visit, items: unknown[], startedAt: Date, logs: unknown[]): Promise<unknown[] | null> {
    const root = this.#in.plan.get(visit.node.subFlowRoot ?? '')
    if (root === undefined)
      return this.#settle(
        visit,
        { kind: 'failed', error: { type: 'configuration', message: 'the sub-flow is not there' } },
        startedAt,
        logs,
        1,
      )
    const rounds: Iteration[] = []
    let next = 0
    const worker = async () => {
      for (let index = next++; index < items.length && !this.#mustStop(); index = next++) {
        const item = items[index]
        const within: Iteration = { outputs: new Map(), slots: new Map() }
        rounds[index] = within
        await this.#walk({
          node: root,
          path: `${visit.path}>e${index}.${encodeURIComponent(root.key)}`,
          input: await withField(visit.input, visit.node.key, { item }),
          fed: item,
          item: JSON.stringify(item ?? null),
          within,
        })
      }
    }
    await Promise.all(Array.from({ length: Math.min(items.length, visit.node.node.concurrency ?? 1) }, worker))
    const inside = `${visit.path}>e`
    const isUnfinished = this.#mustStop() || Object.keys(this.#waiting).some((path) => path.startsWith(inside))
    if (isUnfinished) return null
    const output: Record<string, unknown[]> = {}
    for (const { outputs: iteration } of rounds) {
      for (const [key, outputs] of iteration) output[key] = [...(output[key] ?? []), ...outputs]
    }
    return this.#settle(visit, { kind: 'outputs', outputs: [output] }, startedAt, logs, 1)
  }

  // ── recording ──

  /** Records what the node came to; gives the outputs that go on. */
  async #settle(
    visit: Visit,
    outcome: Settled,
    startedAt: Date,
    logs: unknown[],
    attempts: number,
  ): Promise<unknown[] | null> {
    const { outputs, text, error, isContinued } = await settled(visit, outcome, this.#o.limits.outputCharsMax)
    const next = error === null ? (visit.page?.next ?? null) : null
    const status = error !== null && !isContinued ? 'failed' : outcome.kind === 'skipped' ? 'skipped' : 'completed'
    const { key } = visit.node
    const nodeRun: NodeRun = {
      id: this.#o.ids.next(),
      runId: this.#in.item.id,
      nodeKey: key,
      path: visit.path,
      status,
      item: visit.item,
      outputs: text,
      errors: error === null ? [] : [error],
      logs,
      startedAt,
      endedAt: this.#o.services.clock.now(),
      attempts,
      next,
    }
    if (visit.page) this.#turnPage(visit.page, outputs ?? [], next)
    this.#nodeRuns += 1
    this.#unsaved.push(nodeRun)
    if (visit.node.type.hasEffect) this.#hasUnsavedEffect = true
    countNodeRun(this.#counts, { nodeKey: key, isError: status === 'failed', outputs: outputs?.length ?? 0 })
    if (status === 'failed' && error !== null) this.#fail(error, key)
    if (this.#unsaved.length >= UNSAVED_MAX) await this.#save()
    return outputs
  }

  #fail(error: ErrorData, nodeKey?: string): void {
    if (this.#errors.length >= ERRORS_MAX) return
    const where = nodeKey === undefined ? '' : `node ${JSON.stringify(nodeKey)}: `
    this.#errors.push({
      ...error,
      message: `${where}${error.message}`,
      data: { ...namedFields(error.data), nodeKey },
    })
  }

  /** Whether to begin nothing more: stopped, or beyond a limit (which is then an error of the run). */
  #mustStop(): boolean {
    if (this.#in.signal.aborted || this.#isLost) return true
    const isLong = performance.now() - this.#beganMs > this.#o.limits.activeMsMax
    if (!isLong && this.#nodeRuns < this.#o.limits.nodeRunsMax) return false
    const message = isLong
      ? `the run was at work for longer than ${this.#o.limits.activeMsMax / 1000} s`
      : `the run has more than ${this.#o.limits.nodeRunsMax} node runs`
    if (!this.#errors.some((each) => each.key === 'limit_exceeded'))
      this.#fail({ type: 'flow_run', key: 'limit_exceeded', message })
    return true
  }

  /** A node that says nothing of its concurrency runs once at a time, in each round of a for-each. */
  #slotsOf({ node, within }: Visit): Slots {
    const own = node.node.concurrency
    const all = own === undefined && within !== null ? within.slots : this.#slots
    const slots = all.get(node.key) ?? createSlots(own ?? 1)
    all.set(node.key, slots)
    return slots
  }

  /** Resolves when everything up to now is durable; true where the run's end was recorded and counts. */
  #save(): Promise<boolean> {
    if (this.#ending === null && this.#unsaved.length === 0) return Promise.resolve(false)
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#o.recorder.touch(this)
    })
  }

  async #makeEffectsDurable(): Promise<void> {
    if (this.#hasEffectInWrite) await new Promise((resolve) => this.#inWrite.push(resolve))
    if (this.#hasUnsavedEffect) await this.#save()
  }

  takeProgress(): RunProgress | null {
    if (this.#ending === null && this.#waiters.length === 0 && this.#isStartTold) return null
    if (this.#isOver) return null
    // That it has started is told by itself: its node runs can still stand in its own row.
    const isAsked = this.#ending !== null || this.#waiters.length > 0
    const progress: RunProgress = {
      item: this.#in.item,
      startedAt: this.#startedAt,
      nodeRuns: isAsked ? this.#unsaved : [],
      isAll: !this.#isPartlySaved,
      waits: this.#ending?.waits ?? null,
      finish: this.#ending?.finish ?? null,
      isStopped: this.#ending?.isStopped ?? false,
    }
    this.#isOver = this.#ending !== null
    this.#isStartTold = true
    if (!isAsked) return progress
    if (this.#unsaved.length > 0) this.#isPartlySaved = true
    this.#unsaved = []
    this.#hasEffectInWrite = this.#hasUnsavedEffect
    this.#hasUnsavedEffect = false
    this.#inWrite = this.#waiters
    this.#waiters = []
    return progress
  }

  recorded(hasEnded: boolean | null): void {
    if (hasEnded === null) this.#isLost = true
    const waiters = this.#inWrite
    this.#hasEffectInWrite = false
    this.#inWrite = []
    for (const resolve of waiters) resolve(hasEnded === true)
  }
}
