import { recordNode } from '../record-node.ts'

/** Changes the record with `config.id`; the output is `{ id }`. */
export default recordNode({ type: 'update-data-record', work: 'update', hasEffect: true, needs: ['id'] })
