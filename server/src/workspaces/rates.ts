import { RateLimited } from '../api/refusal.ts'
import { createTokenBuckets, type Rate, type TokenBuckets } from '../platform/token-bucket.ts'
import type { WorkspaceDirectory } from './directory.ts'
import type { Workspace } from './workspace.ts'

/** What may come in. A workspace sets its own under these names in `settings.rateLimits`; 0 takes a limit away. */
export const RATE_LIMITS = {
  /** Requests a second at one webhook address. */
  webhooksPerAddress: 5000,
  /** Requests a second at all webhook addresses of one customer. */
  webhooksPerCustomer: 5000,
  /** Requests a second of the API with tokens of one customer. */
  apiPerCustomer: 500,
} as const

export type RateName = keyof typeof RATE_LIMITS

/** So many seconds of a rate may come at once. */
const BURST_SECONDS = 5

/** Refuses what comes faster than the workspace wants it. */
export interface Rates {
  /** Refuses with `rate_limit_exceeded`. Waits only for a workspace that is not remembered. */
  admit(workspaceId: string, asked: readonly Asked[]): void | Promise<void>
  /** What was let in is refused by something else. */
  giveBack(asked: Asked): void
}

interface Asked {
  name: RateName
  of: string
}

const WORDS: Record<RateName, string> = {
  webhooksPerAddress: 'requests at this address',
  webhooksPerCustomer: 'requests at addresses of this customer',
  apiPerCustomer: 'requests with tokens of this customer',
}

export function createRates({ directory }: { directory: WorkspaceDirectory }): Rates {
  const buckets = {
    webhooksPerAddress: createTokenBuckets(),
    webhooksPerCustomer: createTokenBuckets(),
    apiPerCustomer: createTokenBuckets(),
  } satisfies Record<RateName, TokenBuckets>
  return {
    admit(workspaceId, asked) {
      const admitBy = (workspace: Workspace) => {
        const settings = settingsOf(workspace)
        for (const { name, of } of asked) {
          const rate = rateOf(settings, name)
          const waitSeconds = buckets[name].take(of, rate)
          if (waitSeconds === null || rate === null) continue
          throw new RateLimited(
            `more than ${rate.perSecond} ${WORDS[name]} a second; try again in ${waitSeconds} s`,
            waitSeconds,
          )
        }
      }
      const known = directory.peek(workspaceId)
      if (known !== null) return admitBy(known)
      return directory.byId(workspaceId).then(admitBy)
    },
    giveBack: ({ name, of }) => buckets[name].giveBack(of),
  }
}

function settingsOf(workspace: Workspace): Record<string, unknown> {
  const own = workspace.settings.rateLimits
  return typeof own === 'object' && own !== null ? (own as Record<string, unknown>) : {}
}

function rateOf(settings: Record<string, unknown>, name: RateName): Rate {
  const own = settings[name]
  const perSecond = typeof own === 'number' ? own : RATE_LIMITS[name]
  return perSecond <= 0 ? null : { perSecond, burst: Math.max(1, Math.ceil(perSecond * BURST_SECONDS)) }
}
