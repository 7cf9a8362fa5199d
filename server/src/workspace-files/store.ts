import type { Actor } from '../api/principal.ts'
import type { CallOrigin } from '../audit/recorder.ts'
import { asJson, sql, type Tx } from '../platform/database.ts'

export type JobKind = 'export' | 'import'
export type JobStatus = 'pending' | 'active' | 'completed' | 'failed'

/** On whose behalf a job is done, and where they asked from. */
export interface AskedBy {
  actor: Actor
  origin: CallOrigin
}

export interface BackgroundJob {
  id: string
  workspaceId: string
  kind: JobKind
  options: Record<string, boolean>
  /** Null where it was not kept. */
  askedBy: AskedBy | null
  status: JobStatus
  progress: object | null
  result: object | null
  error: object | null
  createdAt: Date
  finishedAt: Date | null
}

const columns = sql.raw(
  'id, workspace_id as "workspaceId", kind, options, asked_by as "askedBy", status, progress, result, error, created_at as "createdAt", finished_at as "finishedAt"',
)

export async function insertJob(
  tx: Tx,
  job: Pick<BackgroundJob, 'id' | 'workspaceId' | 'kind' | 'options' | 'askedBy' | 'createdAt'>,
  kept: { archive: Uint8Array | null; downloadKey: Uint8Array },
): Promise<void> {
  await sql`
    insert into background_jobs (id, workspace_id, kind, options, asked_by, status, archive, download_key, created_at)
    values (${job.id}, ${job.workspaceId}, ${job.kind}, ${asJson(job.options)}::json,
            ${asJson(job.askedBy)}::json, 'pending', ${kept.archive},
            ${kept.downloadKey}, ${job.createdAt})`.execute(tx)
}

/** The ids of jobs whose archives were stored before they were sealed. */
export async function jobsWithPlainArchives(tx: Tx): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from background_jobs where archive is not null and substring(archive from 1 for 7) <> 'permea.'::bytea`.execute(
    tx,
  )
  return rows.map(({ id }) => id)
}

/** Puts a sealed archive in the place of the one that it was made of, unless that is gone. */
export async function keepArchive(tx: Tx, id: string, archive: Uint8Array): Promise<void> {
  await sql`update background_jobs set archive = ${archive} where id = ${id} and archive is not null`.execute(tx)
}

export async function jobById(tx: Tx, id: string): Promise<BackgroundJob | null> {
  const { rows } = await sql<BackgroundJob>`select ${columns} from background_jobs where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

export async function archiveOfJob(
  tx: Tx,
  id: string,
): Promise<{ archive: Uint8Array | null; downloadKey: Uint8Array } | null> {
  const { rows } = await sql<{ archive: Uint8Array | null; downloadKey: Uint8Array }>`
    select archive, download_key as "downloadKey" from background_jobs where id = ${id}`.execute(tx)
  return rows[0] ?? null
}

export async function noteProgress(tx: Tx, id: string, progress: object): Promise<void> {
  await sql`update background_jobs set status = 'active', progress = ${asJson(progress)}::json where id = ${id}`.execute(
    tx,
  )
}

export async function finishJob(
  tx: Tx,
  id: string,
  end: Pick<BackgroundJob, 'status' | 'result' | 'error'> & { archive: Uint8Array | null; now: Date },
): Promise<void> {
  await sql`
    update background_jobs
       set status = ${end.status}, result = ${asJson(end.result)}::json, error = ${asJson(end.error)}::json,
           archive = ${end.archive}, finished_at = ${end.now}
     where id = ${id}`.execute(tx)
}

export async function forgetJobs(tx: Tx, before: Date): Promise<void> {
  await sql`delete from background_jobs where finished_at < ${before} or created_at < ${before}`.execute(tx)
}
