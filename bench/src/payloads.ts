/**
 * Orders as an application sends them: names, addresses, amounts, ids. A text of one repeated letter would flatter
 * whoever compresses, copies or parses. The same list every time.
 *
 * @param bytes about how long each is as JSON
 */
export function payloads(count: number, bytes: number): Record<string, unknown>[] {
  const pick = picker(20_240_229)
  return Array.from({ length: count }, () => {
    const order: Record<string, unknown> & { lines: unknown[] } = {
      orderId: `ord_${hex(pick, 20)}`,
      number: 10_000 + pick(90_000),
      customer: {
        name: `${one(pick, FIRST)} ${one(pick, LAST)}`,
        email: `${one(pick, FIRST).toLowerCase()}.${hex(pick, 4)}@example.com`,
        isVip: pick(10) === 0,
        address: {
          street: `${1 + pick(200)} ${one(pick, LAST)} Street`,
          city: one(pick, CITIES),
          zip: 10_000 + pick(89_999),
        },
      },
      currency: one(pick, ['EUR', 'USD', 'GBP', 'JPY']),
      note: `${one(pick, WORDS)}, “${one(pick, WORDS)}” – ${one(pick, CITIES)}`,
      lines: [],
    }
    while (JSON.stringify(order).length < bytes) {
      order.lines.push({
        sku: `${one(pick, WORDS).slice(0, 3).toUpperCase()}-${hex(pick, 8)}`,
        title: `${one(pick, WORDS)} ${one(pick, WORDS)}`,
        quantity: 1 + pick(9),
        price: pick(100_000) / 100,
        tags: [one(pick, WORDS), one(pick, WORDS)],
      })
    }
    return order
  })
}

const FIRST = ['Ada', 'Grace', 'Edsger', 'Barbara', 'Alan', 'Margaret', 'Donald', 'Frances', 'Niklaus', 'Radia']
const LAST = ['Lovelace', 'Hopper', 'Dijkstra', 'Liskov', 'Turing', 'Hamilton', 'Knuth', 'Allen', 'Wirth', 'Perlman']
const CITIES = ['Zürich', 'Lyon', 'Porto', 'Kraków', 'Uppsala', 'Graz', 'Gent', 'Tartu', 'Cork', 'Split']
const WORDS = [
  'walnut shelf',
  'brass lamp',
  'linen cloth',
  'oak stool',
  'glass jar',
  'wool blanket',
  'steel kettle',
  'clay pot',
]

/** Whole numbers below `limit` that look like chance and are the same every time. */
function picker(seed: number): (limit: number) => number {
  let state = seed >>> 0
  return (limit) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}

function one(pick: (limit: number) => number, from: readonly string[]): string {
  return from[pick(from.length)] ?? ''
}

function hex(pick: (limit: number) => number, digits: number): string {
  return Array.from({ length: digits }, () => pick(16).toString(16)).join('')
}
