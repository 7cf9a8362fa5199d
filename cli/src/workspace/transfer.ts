import { setTimeout as wait } from 'node:timers/promises'
import type { BackgroundJob } from '@permea/contract'
import { PermeaError } from '@permea/sdk'
import { packArchive, readArchive } from '../../../server/src/workspace-files/archive.ts'
import type { ImportResult } from '../../../server/src/workspace-files/import-files.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Target } from '../target.ts'
import type { Files } from './folder.ts'

const POLL_FIRST_MS = 15
const POLL_GROWTH = 1.25
const POLL_MOST_MS = 500
/** A job outlives an engine that is started again meanwhile. */
const AWAY_MS = 60_000

type Report = (text: string) => void

/** Everything that the workspace defines, as files. */
export async function exportFiles(target: Target, report: Report): Promise<Files> {
  const job = await finished(target, await target.permea.workspaceFiles.export(), report)
  if (job.error !== undefined) throw new CliProblem(job.error.message)
  const response = await fetch(reachedFrom(target.url, String(job.result?.downloadUrl)))
  if (!response.ok) throw new CliProblem(`the archive could not be fetched (${response.status})`)
  return readArchive(new Uint8Array(await response.arrayBuffer()))
}

/** The same path at the address that the engine is reached by here: its own may be another, with another base path. */
function reachedFrom(url: string, downloadUrl: string): string {
  const at = downloadUrl.lastIndexOf('/background-jobs/')
  return `${url}${downloadUrl.slice(at)}`
}

/** Imports files, or says what that would do; what was refused is in the result. */
export async function importFiles(
  target: Target,
  files: Files,
  options: { dryRun?: boolean; partial?: boolean; diff?: boolean },
  report: Report,
): Promise<{ result: ImportResult; error: string | null }> {
  const form = new FormData()
  form.set('file', new Blob([new Uint8Array(packArchive(files))]), 'workspace.zip')
  const query = new URLSearchParams(
    Object.entries(options).map(([name, value]): [string, string] => [name, String(value)]),
  )
  const response = await fetch(`${target.url}/import?${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await target.token()}` },
    body: form,
  })
  const text = await response.text()
  if (!response.ok) throw refusalOf(response.status, text)
  const job = await finished(target, JSON.parse(text) as { jobId: string; accessKey: string }, report)
  if (job.result === undefined) throw new CliProblem(problemsOf(job.error))
  const result = job.result as unknown as ImportResult
  return { result, error: job.error?.message ?? partlyRefused(result) }
}

function partlyRefused({ errors, isPartial }: ImportResult): string | null {
  if (!isPartial) return null
  return errors.length === 1
    ? 'one element was refused, the others were imported:'
    : `${errors.length} elements were refused, the others were imported:`
}

function refusalOf(status: number, text: string): Error {
  try {
    const { message } = JSON.parse(text) as { message: string }
    return new CliProblem(message, status === 401 || status === 403 ? 'denied' : 'failed')
  } catch {
    return new CliProblem(`POST /import was answered with ${status}: ${text.slice(0, 200)}`)
  }
}

function problemsOf(error: BackgroundJob['error']): string {
  const problems =
    (error?.data as { problems?: { file: string; line: number | null; message: string }[] } | undefined)?.problems ?? []
  if (problems.length === 0) return error?.message ?? 'the import failed'
  return [
    'the files cannot be imported:',
    ...problems.map(({ file, line, message }) => `  ${file}${line === null ? '' : `:${line}`}: ${message}`),
  ].join('\n')
}

async function finished(
  { permea }: Target,
  { jobId, accessKey }: { jobId: string; accessKey: string },
  report: Report,
): Promise<BackgroundJob> {
  let awaySince: number | null = null
  let said = ''
  const say = (text: string) => {
    if (text !== said) report(text)
    said = text
  }
  for (let pauseMs = POLL_FIRST_MS; ; pauseMs = Math.min(pauseMs * POLL_GROWTH, POLL_MOST_MS)) {
    try {
      const job = await permea.workspaceFiles.backgroundJob({ params: { job: `${jobId}:${accessKey}` } })
      awaySince = null
      if (job.finishedAt !== undefined) return job
      if (job.progress !== undefined && job.progress.total > 0)
        say(`${job.progress.stage}: ${job.progress.done} of ${job.progress.total}`)
    } catch (error) {
      awaySince ??= performance.now()
      if (!isAway(error) || performance.now() - awaySince > AWAY_MS) throw error
      say('the engine is away; it goes on when it is back')
    }
    await wait(pauseMs)
  }
}

/** Nothing was reached, or an engine that is about to end or begin. */
function isAway(error: unknown): boolean {
  return error instanceof PermeaError ? error.status >= 502 && error.status <= 504 : error instanceof TypeError
}
