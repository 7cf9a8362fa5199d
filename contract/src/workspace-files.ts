import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import { QueryBoolean, Timestamp } from './shapes.ts'

/** Work that takes longer than a request. */
export const BackgroundJob = z
  .object({
    id: z.string(),
    kind: z.enum(['export', 'import']),
    status: z.enum(['pending', 'active', 'completed', 'failed', 'cancelled']),
    progress: z.object({ stage: z.string(), done: z.number().int(), total: z.number().int() }).optional(),
    /** Of an export `downloadUrl` and `elements`; of an import what was, or would be, done. */
    result: z.record(z.string(), z.unknown()).optional(),
    error: ErrorData.optional(),
    createdAt: Timestamp,
    finishedAt: Timestamp.optional(),
  })
  .meta({ id: 'BackgroundJob' })
export type BackgroundJob = z.infer<typeof BackgroundJob>

/** Where to ask for a job: `GET /background-jobs/{jobId}:{accessKey}`. */
export const BackgroundJobRef = z.object({ jobId: z.string(), accessKey: z.string() }).meta({ id: 'BackgroundJobRef' })

export const workspaceFiles = {
  export: {
    method: 'GET',
    path: '/export',
    summary: 'Begin to export what the workspace defines, as a zip of files; secrets are not among it',
    access: 'admin',
    needs: 'define',
    query: z.object({ simplified: QueryBoolean.optional() }),
    answer: BackgroundJobRef,
    refusals: [],
  },
  backgroundJob: {
    method: 'GET',
    path: '/background-jobs/:job',
    summary: 'How far an export or import is, by `jobId:accessKey`',
    access: 'admin',
    needs: 'define',
    answer: BackgroundJob,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable
