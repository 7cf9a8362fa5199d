import vm from 'node:vm'

const MATCH_MS_MAX = 100
const ALL_MATCHES_MS_MAX = 1_000
const SUBJECT_CHARS_UNWATCHED_MAX = 10_000

const context = vm.createContext({ match: () => undefined })
const callMatch = new vm.Script('match()')

/**
 * A regular expression whose matching is cut off: after 100 ms for one match, 1 s for all matches of one object.
 * Then `exec` throws.
 *
 * Watching one match costs 0.1 ms, so it is done only where backtracking can get long: for a pattern with two or more
 * open-ended quantifiers, and for a subject of more than 10,000 characters.
 */
export class BoundedRegExp extends RegExp {
  #spentMs = 0

  override exec(subject: string): RegExpExecArray | null {
    const startedAt = performance.now()
    const isHarmless = subject.length <= SUBJECT_CHARS_UNWATCHED_MAX && (this.source.match(/[*+{]/g)?.length ?? 0) < 2
    const match = isHarmless ? super.exec(subject) : this.#execWatched(() => super.exec(subject))
    this.#spentMs += performance.now() - startedAt
    if (this.#spentMs > ALL_MATCHES_MS_MAX) throw new Error('the regular expression takes too long')
    return match
  }

  #execWatched(match: () => RegExpExecArray | null): RegExpExecArray | null {
    context.match = match
    return callMatch.runInContext(context, { timeout: MATCH_MS_MAX })
  }
}
