import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { BackgroundJob as WireJob } from '@permea/contract'
import type { z } from 'zod'
import { ENGINE, type Principal } from '../api/principal.ts'
import { errorData, notFound, Refusal } from '../api/refusal.ts'
import type { CallOrigin } from '../audit/recorder.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import { fromWire, type Ids, toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { WorkspaceDirectory } from '../workspaces/directory.ts'
import { ArchiveProblem, packArchive, readArchive } from './archive.ts'
import { currentElements, type ElementCalls } from './current-elements.ts'
import { filesOf, placed } from './element-files.ts'
import { type ImportOptions, importFiles, type Progress, problemText } from './import-files.ts'
import {
  type AskedBy,
  archiveOfJob,
  type BackgroundJob,
  finishJob,
  forgetJobs,
  insertJob,
  type JobKind,
  jobById,
  jobsWithPlainArchives,
  keepArchive,
  noteProgress,
} from './store.ts'

export const TRANSFER_TASK = 'workspace-files'

/** Exports and imports, done in the background by whichever process takes the job. */
export interface Transfers {
  begin(
    principal: Principal,
    kind: JobKind,
    options: Record<string, boolean>,
    archive: Uint8Array | null,
    origin?: CallOrigin,
  ): Promise<{ jobId: string; accessKey: string }>
  find(principal: Principal, selector: string): Promise<z.input<typeof WireJob>>
  /** The archive of an export, by the key of its download URL; null where there is none to be had. */
  download(selector: string, key: string): Promise<Uint8Array | null>
  run(payload: { id: string }): Promise<void>
}

const KEEP_MS = 86_400_000
const UNKNOWN: CallOrigin = { address: null, userAgent: null, requestId: null }
const PROGRESS_EVERY_MS = 250

export interface TransfersOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  queue: Queue
  sealing: Pick<Sealing, 'sealBytes' | 'openBytes'>
  publicUrl: string
  directory: Pick<WorkspaceDirectory, 'byId'>
  /** With `askedBy` what is changed is recorded as theirs. */
  endpoints(askedBy?: AskedBy): ElementCalls
}

export function createTransfers(options: TransfersOptions): Transfers {
  const { database, clock, ids, queue, sealing } = options
  const { runExport, runImport } = createWork(options)

  return {
    async begin({ workspaceId, actor }, kind, jobOptions, archive, origin = UNKNOWN) {
      const id = ids.next()
      const askedBy = { actor, origin }
      const job = { id, workspaceId, kind, options: jobOptions, askedBy, createdAt: clock.now() }
      // Files may hold secrets.
      const sealed = archive === null ? null : await sealing.sealBytes(archive)
      await database.transaction(async (tx) => {
        await forgetJobs(tx, new Date(job.createdAt.getTime() - KEEP_MS))
        await insertJob(tx, job, { archive: sealed, downloadKey: randomBytes(24) })
        await queue.add(tx, { task: TRANSFER_TASK, payload: { id }, queue: `workspace-files:${workspaceId}` })
      })
      const jobId = toWire('job', id)
      return { jobId, accessKey: jobId }
    },
    async find({ workspaceId }, selector) {
      const [jobId = '', accessKey = ''] = selector.split(':')
      const id = fromWire('job', jobId)
      const job = id === null || accessKey !== jobId ? null : await jobById(database.db, id)
      if (job === null || job.workspaceId !== workspaceId) throw notFound('background job', selector)
      return answerOf(job)
    },
    async download(selector, key) {
      const id = fromWire('job', selector)
      const kept = id === null ? null : await archiveOfJob(database.db, id)
      const job = id === null ? null : await jobById(database.db, id)
      if (kept === null || job?.kind !== 'export' || job.status !== 'completed') return null
      const [given, wanted] = [Buffer.from(key, 'base64url'), Buffer.from(kept.downloadKey)]
      return given.length === wanted.length && timingSafeEqual(given, wanted) && kept.archive !== null
        ? sealing.openBytes(kept.archive)
        : null
    },
    async run({ id }) {
      const job = await jobById(database.db, id)
      if (job === null || job.finishedAt !== null) return
      // Who asked was an admin; what is done is the workspace's own.
      const principal = {
        workspaceId: job.workspaceId,
        workspaceKey: (await options.directory.byId(job.workspaceId)).key,
        isAdmin: true,
        customerId: null,
        actor: ENGINE,
      }
      try {
        const { result, error, archive } =
          job.kind === 'export'
            ? { error: null, ...(await runExport(job, principal)) }
            : { archive: null, ...(await runImport(job, principal)) }
        const status = error === null ? 'completed' : 'failed'
        await finishJob(database.db, id, { status, result, error, archive, now: clock.now() })
      } catch (error) {
        // What is done is done once more: an import that is repeated changes nothing of it.
        if (isDatabaseAway(error)) throw error
        if (!(error instanceof Refusal))
          options.log.error(
            { job: id, message: (error as Error).message, stack: (error as Error).stack },
            'a transfer of workspace files failed',
          )
        const said =
          error instanceof Refusal
            ? errorData(error.key, error.message, error.data)
            : errorData('internal', `something went wrong on our side (job ${toWire('job', id)})`)
        await finishJob(database.db, id, {
          status: 'failed',
          result: null,
          error: said,
          archive: null,
          now: clock.now(),
        })
      }
    },
  }
}

/** Seals archives that were stored before they were sealed. */
export async function sealOldArchives(database: Database, sealing: Pick<Sealing, 'sealBytes'>): Promise<void> {
  for (const id of await jobsWithPlainArchives(database.db)) {
    const { archive } = (await archiveOfJob(database.db, id)) ?? { archive: null }
    if (archive !== null) await keepArchive(database.db, id, await sealing.sealBytes(archive))
  }
}

/** What a job of each kind does. */
function createWork(options: TransfersOptions) {
  const { database } = options

  /** A download has a key of its own in its URL, good for that archive alone and for a day: no token need be there. */
  async function runExport(job: BackgroundJob, principal: Principal): Promise<{ result: object; archive: Uint8Array }> {
    const elements = await currentElements(options.endpoints(), principal)
    const archive = packArchive(filesOf(elements))
    const kept = await archiveOfJob(database.db, job.id)
    const key = Buffer.from(kept?.downloadKey ?? '').toString('base64url')
    const downloadUrl = `${options.publicUrl}/background-jobs/${toWire('job', job.id)}/archive.zip?key=${key}`
    return {
      result: { downloadUrl, elements: placed(elements).size },
      archive: await options.sealing.sealBytes(archive),
    }
  }

  async function runImport(
    job: BackgroundJob,
    principal: Principal,
  ): Promise<{ result: object; error: object | null }> {
    const { archive } = (await archiveOfJob(database.db, job.id)) ?? { archive: null }
    let toldAtMs = Number.NEGATIVE_INFINITY
    const report = async (progress: Progress) => {
      if (performance.now() - toldAtMs < PROGRESS_EVERY_MS && progress.done < progress.total) return
      toldAtMs = performance.now()
      await noteProgress(database.db, job.id, progress)
    }
    await report({ stage: 'reading', done: 0, total: 0 })
    const opened = archive === null ? new Uint8Array() : await options.sealing.openBytes(archive)
    const files = await readArchive(opened).catch(refuseArchive)
    const result = await importFiles(
      options.endpoints(job.askedBy ?? { actor: ENGINE, origin: UNKNOWN }),
      principal,
      files,
      job.options as unknown as ImportOptions,
      report,
    )
    const [first] = result.errors
    // What was refused is in the result; where nothing else came in either, the job has failed.
    if (first === undefined || result.isPartial) return { result, error: null }
    const message = `${result.errors.length} elements were refused; the first is ${problemText(first)}`
    return { result, error: errorData('invalid_archive', message, { problems: result.errors }) }
  }

  return { runExport, runImport }
}

function refuseArchive(error: unknown): never {
  if (!(error instanceof ArchiveProblem)) throw error
  const { file, problem, message } = error
  throw new Refusal('invalid_archive', message, { problems: [{ file, line: null, message: problem }] })
}

function answerOf(job: BackgroundJob): z.input<typeof WireJob> {
  return {
    id: toWire('job', job.id),
    kind: job.kind,
    status: job.status,
    progress: (job.progress ?? undefined) as z.input<typeof WireJob>['progress'],
    result: (job.result ?? undefined) as Record<string, unknown> | undefined,
    error: (job.error ?? undefined) as z.input<typeof WireJob>['error'],
    createdAt: job.createdAt.toISOString(),
    finishedAt: job.finishedAt?.toISOString(),
  }
}
