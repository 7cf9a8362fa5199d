import { recordNode } from '../record-node.ts'

/** Deletes the record with `config.id`; one that is gone already is no failure. */
export default recordNode({ type: 'delete-data-record', work: 'delete', hasEffect: true, needs: ['id'] })
