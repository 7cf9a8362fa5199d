import { recordNode } from '../record-node.ts'

/** The record with `config.id`. */
export default recordNode({ type: 'find-data-record-by-id', work: 'find-by-id', hasEffect: false, needs: ['id'] })
