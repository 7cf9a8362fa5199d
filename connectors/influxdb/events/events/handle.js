// Points come as they were written: in line protocol, with the time in nanoseconds always there, to `…/write` below the
// address that was registered. Integers and times are texts, since they may be more than a number holds.
import { timingSafeEqual } from 'node:crypto'

const same = (mine, theirs) => mine.length === theirs.length && timingSafeEqual(Buffer.from(mine), Buffer.from(theirs))

const plain = (text) => text.replace(/\\([,= \\])/g, '$1')

/** The parts of a text between separators that stand neither behind a backslash nor in quotation marks. */
function parts(text, separator) {
  const found = ['']
  let isQuoted = false
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (char === '\\' && at + 1 < text.length) {
      found[found.length - 1] += char + text[at + 1]
      at += 1
      continue
    }
    if (char === '"') isQuoted = !isQuoted
    if (char === separator && !isQuoted) found.push('')
    else found[found.length - 1] += char
  }
  return found
}

function fieldOf(text) {
  if (text.startsWith('"')) return text.slice(1, -1).replace(/\\(["\\])/g, '$1')
  if (/^(?:t|T|true|True|TRUE)$/.test(text)) return true
  if (/^(?:f|F|false|False|FALSE)$/.test(text)) return false
  return /[iu]$/.test(text) ? text.slice(0, -1) : Number(text)
}

const pairs = (list, value) =>
  Object.fromEntries(
    list.map((pair) => {
      const [name, ...rest] = parts(pair, '=')
      return [plain(name), value(rest.join('='))]
    }),
  )

function pointOf(line) {
  const [key, fields, time] = parts(line, ' ')
  const [measurement, ...tags] = parts(key, ',')
  return {
    measurement: plain(measurement),
    tags: pairs(tags, plain),
    fields: pairs(parts(fields, ','), fieldOf),
    time,
  }
}

export default ({ rawBody, headers, query, state, parameters }) => {
  const given = headers.authorization ?? ''
  if (!same(`Basic ${Buffer.from(`permea:${state.secret}`).toString('base64')}`, given))
    throw Object.assign(new Error('the secret is wrong'), { key: 'webhook_not_verified' })
  // A text may hold line breaks, so lines are divided as its fields are.
  const points = parts(rawBody, '\n')
    .filter((line) => line !== '')
    .map(pointOf)
  const { measurements } = parameters
  return {
    events: points
      .filter(({ measurement }) => !measurements?.length || measurements.includes(measurement))
      .map((point) => ({ type: 'created', database: query.db, ...point })),
  }
}
