import { recordTrigger } from '../record-node.ts'

/** Fires when a record of `config.dataSource` was created: by the app’s webhook, or found by looking again and again. */
export default recordTrigger('created')
