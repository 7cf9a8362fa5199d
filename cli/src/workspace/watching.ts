import { mkdir, watch } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { lineOf } from '../commands/runs.ts'
import { endingOf } from '../exit-codes.ts'
import { follow } from '../follow.ts'
import type { Printer } from '../printer.ts'
import { changedFlows, updateInstances } from './instances.ts'
import { changesIn, filesToSend, type Place, planText, push, standingOf, standingOfChanged } from './pushing.ts'

/** Editors write a file in several steps. */
const SETTLE_MS = 150
const RETRY_MS = 1000

/** Pushes what is saved, and shows what comes in, until the signal ends it. */
export async function watchAndPush(place: Place, printer: Printer, signal: AbortSignal): Promise<void> {
  const { permea } = place.target
  await mkdir(place.folder, { recursive: true })
  printer.note(`Watching ${place.folder}; Ctrl-C ends it.`)
  const shared = { target: place.target, signal, last: 0, isFollowing: true, note: printer.note }
  await Promise.all([
    pushOnSave(place, printer, signal),
    follow({
      ...shared,
      list: (query) => permea.appEvents.list({ query }),
      seen: (event) =>
        printer.value(
          { event },
          () =>
            `${event.createdAt}  ${event.id}  event ${event.appEventType?.key ?? ''} ${JSON.stringify(event.event).slice(0, 120)}`,
        ),
    }),
    follow({
      ...shared,
      list: (query) => permea.flowRuns.list({ query }),
      seen: (run) => printer.value({ run }, () => lineOf(run, printer)),
    }),
  ])
}

async function pushOnSave(place: Place, printer: Printer, signal: AbortSignal): Promise<void> {
  await pushSaved(place, printer, signal)
  let saved: Promise<void> = Promise.resolve()
  let isDue = false
  try {
    for await (const _ of watch(place.folder, { recursive: true, signal })) {
      if (isDue) continue
      isDue = true
      saved = saved.then(async () => {
        await wait(SETTLE_MS)
        isDue = false
        await pushSaved(place, printer, signal)
      })
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  await saved
}

/** What is saved while the engine is away is pushed when it is there again. */
async function pushSaved(place: Place, printer: Printer, signal: AbortSignal): Promise<void> {
  let isSaid = false
  while (!signal.aborted) {
    const problem = await pushOnce(place, printer)
    if (problem === null) return
    if (!isSaid) printer.note(`Not pushed: ${problem.message}`)
    isSaid = true
    if (problem.exit !== 'unreachable') return
    await wait(RETRY_MS, undefined, { signal }).catch(() => {})
  }
}

/** What went wrong, if anything did; but for an engine that is away, the next save is the next try. */
async function pushOnce(place: Place, printer: Printer): Promise<ReturnType<typeof endingOf> | null> {
  try {
    const standing = (await standingOfChanged(place))?.standing ?? (await standingOf(place))
    if (standing.changedThere.length > 0) {
      const paths = standing.changedThere.map((each) => each.path).join(', ')
      return { exit: 'differs', message: `changed on the server too: ${paths}. Pull first.` }
    }
    const files = filesToSend(standing, false)
    if (files.size === 0) return null
    const result = await push(place, standing, files, false)
    await updateInstances(place.target, changedFlows(result))
    printer.value({ pushed: result }, () =>
      changesIn(result) === 0
        ? 'Saved; nothing to change.'
        : planText({ ...result, diff: '' }, printer).replace('Plan:', 'Pushed:'),
    )
    return null
  } catch (error) {
    return endingOf(error, place.target.url)
  }
}
