import { recordNode } from '../record-node.ts'

/** Every record of `config.dataSource`, all pages, as one list; `filter` and `unifiedFilter` say which. */
export default recordNode({
  type: 'list-data-records',
  aliases: ['find-data-records'],
  work: 'list-all',
  hasEffect: false,
})
