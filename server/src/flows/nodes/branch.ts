import { type NodeType, passOn } from '../node-type.ts'

/**
 * Hands on what it was fed over one of its ways out: the first, in their order, whose condition holds. A way without a
 * condition is the one for everything else.
 */
const branch: NodeType = {
  type: 'branch',
  isTrigger: false,
  hasEffect: false,
  followsOneLink: true,
  check(node) {
    const links = (node.links ?? []).filter(({ key }) => key !== undefined && key !== '')
    const open = links.findIndex(({ filter }) => filter === undefined || filter === null)
    return open === -1 || open === links.length - 1
      ? []
      : [{ path: `links[${open}]`, message: 'a way without a condition takes everything: put it last' }]
  },
  prepare: () => passOn,
}

export default branch
