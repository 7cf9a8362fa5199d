import { recordNode } from '../record-node.ts'

/** Creates a record of `config.fieldMapping.input`; the output is `{ id }`. */
export default recordNode({ type: 'create-data-record', work: 'create', hasEffect: true })
