import { placeOf } from '../../../server/src/workspace-files/layout.ts'
import { moveIn, readFolder, removeFrom, writeInto } from './folder.ts'
import { agreement, compare, type Memory, recall, remember, type Sides } from './memory.ts'
import { type Place, sameSaidOtherwise, unreadable } from './pushing.ts'
import { exportFiles, importFiles } from './transfer.ts'

/** Of files that nothing is known of, so many are asked about, one by one. */
const ASKED_MAX = 50

export interface Pulled {
  written: string[]
  removed: string[]
  /** Stood at another place than where the workspace has them: renamed, as they were. */
  moved: { from: string; to: string }[]
  /** Changed here and not there. */
  kept: string[]
  /** Changed on both sides, in different ways; what is here was kept. */
  conflicts: string[]
}

/** Brings the folder up to date with the workspace; what was changed here stays, unless it is forced. */
export async function pull(place: Place, isForced: boolean): Promise<Pulled> {
  const { target, folder, cwd, environment, note } = place
  const [memory, here, there] = await Promise.all([
    recall(cwd, environment),
    readFolder(folder),
    exportFiles(target, note),
  ])
  const pulled: Pulled = { written: [], removed: [], moved: [], kept: [], conflicts: [] }
  const agreed = new Map(memory.files)
  const sides = compare(memory, here, there)
  for (const { path: from, here: mine } of sides.filter((each) => isUnknown(each, memory)).slice(0, ASKED_MAX)) {
    const asked = importFiles(target, new Map([[from, mine ?? '']]), { dryRun: true, partial: true }, note)
    const [to] = Object.keys((await asked.catch(unreadable))?.result.files ?? {})
    if (to === undefined || to === from || here.has(to) || mine === undefined) continue
    await moveIn(folder, from, to)
    here.delete(from)
    here.set(to, mine)
    pulled.moved.push({ from, to })
  }
  const same = await sameSaidOtherwise(place, here, compare(memory, here, there), memory)
  for (const { path, here: mine, there: theirs, changedHere, changedThere } of compare(memory, here, there)) {
    if (mine === theirs || (!isForced && same.has(path))) {
      if (mine === undefined || theirs === undefined) agreed.delete(path)
      else agreed.set(path, agreement(mine, theirs))
      continue
    }
    const isMine = changedHere && !isForced && (mine !== undefined || memory.files.has(path))
    if (isMine && changedThere) pulled.conflicts.push(path)
    else if (isMine) pulled.kept.push(path)
    else if (theirs !== undefined && (changedThere || isForced)) {
      await writeInto(folder, path, theirs)
      agreed.set(path, agreement(theirs, theirs))
      pulled.written.push(path)
    } else if (theirs === undefined && changedThere && mine !== undefined) {
      await removeFrom(folder, path)
      agreed.delete(path)
      pulled.removed.push(path)
    }
  }
  await remember(cwd, environment, agreed)
  return pulled
}

/** A file of an element that was never pulled, and that the workspace has nothing at the place of. */
function isUnknown({ path, here, there }: Sides, { files }: Memory): boolean {
  if (here === undefined || there !== undefined || files.has(path)) return false
  const place = placeOf(path.slice(path.indexOf('/') + 1))
  return place !== null && 'kind' in place && place.kind.type !== 'connector'
}
