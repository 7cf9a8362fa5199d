import { recordNode } from '../record-node.ts'

/** The record that `config.lookupFields` fit; made of `createData` (or the field mapping’s input) where there is none. */
export default recordNode({
  type: 'find-or-create-data-record',
  work: 'find-or-create',
  hasEffect: true,
  needs: ['lookupFields'],
})
