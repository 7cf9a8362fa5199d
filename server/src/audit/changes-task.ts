import { parseExactJson } from '@permea/contract'
import { type Changes, changesOf, type Fields, shownFields } from './changes.ts'

/** What is to be looked at, each as JSON text. */
export type ChangesTask =
  | { do: 'compare'; before: string; after: string; input: string }
  | { do: 'show'; fields: string; input: string }

/** The same as `changesOf` and `shownFields`, in the process that this runs in. */
export default function perform(task: ChangesTask): Changes | Fields {
  const input = parseExactJson(task.input)
  if (task.do === 'show') return shownFields(parseExactJson(task.fields) as Fields, input)
  return changesOf({ before: parseExactJson(task.before), after: parseExactJson(task.after), input })
}
