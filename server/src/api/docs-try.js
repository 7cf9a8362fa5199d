// What makes the reference of the API one that can send: for each endpoint its parameters, an example of its body, its
// schemas, the same as a curl command, and what was answered. Without it the page is there to be read.

const base = new URL('.', document.baseURI).href.replace(/\/$/, '')
const token = document.getElementById('token')

let reading = null
/** The document, read once, by the first who opens an endpoint. */
function openApi() {
  reading ??= fetch(`${base}/openapi.json`).then((answer) => answer.json())
  return reading
}

for (const section of document.querySelectorAll('section[data-path]')) {
  const details = element('details', {}, [element('summary', {}, 'Schemas, example, try it')])
  details.addEventListener(
    'toggle',
    async () => {
      const busy = element('p', {}, 'Reading…')
      details.append(busy)
      try {
        const api = await openApi()
        const { path, method } = section.dataset
        details.append(panel(api, { path, method, ...api.paths[path][method] }))
        busy.remove()
      } catch (error) {
        busy.textContent = `It cannot be shown: ${error.message}`
      }
    },
    { once: true },
  )
  section.append(details)
}

/** Everything about one endpoint. */
function panel(api, operation) {
  const { path, method } = operation
  const parameters = operation.parameters ?? []
  const bodySchema = operation.requestBody?.content?.['application/json']?.schema
  const answerSchema = Object.entries(operation.responses ?? {}).find(([status]) => status.startsWith('2'))?.[1]
    ?.content?.['application/json']?.schema
  const fields = new Map(parameters.map((each) => [each, fieldOf(api, each)]))
  const body =
    bodySchema === undefined
      ? null
      : element('textarea', { rows: '10', spellcheck: 'false' }, JSON.stringify(exampleOf(api, bodySchema), null, 2))
  const curl = element('pre', { tabindex: '0', 'aria-label': 'The same as a curl command' })
  const answer = element('div', { role: 'status' })
  const send = element('button', { type: 'submit' }, 'Send')
  const form = element('form', {}, [
    ...[...fields].map(([{ name, required }, field]) =>
      element('label', {}, [element('span', {}, `${name}${required ? ' (needed)' : ''}`), field]),
    ),
    ...(body === null ? [] : [element('label', {}, [element('span', {}, 'Body'), body])]),
    curl,
    send,
  ])

  const request = () => {
    const query = new URLSearchParams()
    let at = path
    for (const [{ in: place, name }, { value }] of fields) {
      if (place === 'path') at = at.replace(`{${name}}`, value === '' ? `{${name}}` : encodeURIComponent(value))
      else if (value !== '') query.append(name, value)
    }
    const text = query.toString()
    return { url: `${base}${at}${text === '' ? '' : `?${text}`}`, body: body?.value }
  }
  const show = () => {
    curl.textContent = curlOf(method, request())
  }
  form.addEventListener('input', show)
  show()
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    send.disabled = true
    answer.replaceChildren('Waiting…')
    answer.replaceChildren(...(await sent(method, request())))
    send.disabled = false
  })
  return element('div', {}, [
    ...(bodySchema === undefined ? [] : [folded('Schema of the body', () => resolved(api, bodySchema))]),
    ...(answerSchema === undefined
      ? []
      : [
          folded('Schema of the answer', () => resolved(api, answerSchema)),
          folded('Example of an answer', () => exampleOf(api, answerSchema, true)),
        ]),
    form,
    answer,
  ])
}

async function sent(method, { url, body }) {
  const beganMs = performance.now()
  try {
    const headers = {}
    if (token.value.trim() !== '') headers.authorization = `Bearer ${token.value.trim()}`
    if (body !== undefined) headers['content-type'] = 'application/json'
    const response = await fetch(url, { method: method.toUpperCase(), headers, body })
    const text = await response.text()
    const took = Math.round(performance.now() - beganMs)
    const said = `${response.status} ${response.statusText} in ${took} ms`
    const shown = element('pre', { tabindex: '0', 'aria-label': 'What was answered' }, pretty(text))
    return [element('p', {}, [element('strong', {}, said)]), ...(text === '' ? [] : [shown])]
  } catch (error) {
    return [element('p', {}, `It was not answered: ${error.message}`)]
  }
}

const pretty = (text) => {
  try {
    // Numbers stand as they were answered where they are all that a double holds; else nothing is touched.
    return /\d{16}/.test(text) ? text : JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** The command as a shell takes it; the token stands in a variable. */
function curlOf(method, { url, body }) {
  const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`
  const lines = [`curl -sS -X ${method.toUpperCase()} ${quoted(url)}`, '  -H "Authorization: Bearer $TOKEN"']
  if (body !== undefined) lines.push("  -H 'Content-Type: application/json'", `  -d ${quoted(body)}`)
  return lines.join(' \\\n')
}

function fieldOf(api, { schema = {} }) {
  const { enum: values, type } = resolvedOnce(api, schema)
  if (values !== undefined)
    return element(
      'select',
      {},
      ['', ...values].map((each) => element('option', { value: String(each) }, String(each))),
    )
  return element('input', { type: 'text', autocomplete: 'off', inputmode: type === 'integer' ? 'numeric' : 'text' })
}

/** What is worked out once it is opened: schemas are long. */
function folded(title, make) {
  const details = element('details', {}, [element('summary', {}, title)])
  const show = () =>
    details.append(element('pre', { tabindex: '0', 'aria-label': title }, JSON.stringify(make(), null, 2)))
  details.addEventListener('toggle', show, { once: true })
  return details
}

const DEPTH_MAX = 7

const referred = (api, ref) =>
  ref
    .split('/')
    .slice(1)
    .reduce((at, name) => at[name], api)

function resolvedOnce(api, schema) {
  return schema.$ref === undefined ? schema : referred(api, schema.$ref)
}

/** The schema with what it refers to in its place, but not within itself. */
function resolved(api, schema, within = []) {
  if (Array.isArray(schema)) return schema.map((each) => resolved(api, each, within))
  if (typeof schema !== 'object' || schema === null) return schema
  if (typeof schema.$ref === 'string')
    return within.includes(schema.$ref) ? schema : resolved(api, referred(api, schema.$ref), [...within, schema.$ref])
  return Object.fromEntries(Object.entries(schema).map(([name, each]) => [name, resolved(api, each, within)]))
}

const STRINGS = {
  'date-time': '2026-01-31T12:00:00.000Z',
  uuid: '0190b3a2-7c1e-7f3a-9c55-2f0d5b8f4a10',
  uri: 'https://example.com/',
  email: 'ada@example.com',
}

/** A value that the schema takes: what must be given, or everything. */
function exampleOf(api, given, isWhole = false, depth = 0) {
  const schema = resolvedOnce(api, given)
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (schema.enum !== undefined) return schema.enum[0]
  const among = schema.anyOf ?? schema.oneOf
  if (among !== undefined) return exampleOf(api, among.find((each) => each.type !== 'null') ?? {}, isWhole, depth)
  if (schema.allOf !== undefined)
    return Object.assign({}, ...schema.allOf.map((each) => exampleOf(api, each, isWhole, depth)))
  switch (schema.type) {
    case 'object':
      return exampleObject(api, schema, isWhole, depth)
    case 'array':
      return depth >= DEPTH_MAX || schema.items === undefined ? [] : [exampleOf(api, schema.items, isWhole, depth + 1)]
    case 'string':
      return STRINGS[schema.format] ?? 'text'
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    default:
      return {}
  }
}

/** What a definition is called, which most endpoints that make one are given. */
const USUAL = ['key', 'name', 'internalId']

function exampleObject(api, { properties = {}, required = [] }, isWhole, depth) {
  if (depth >= DEPTH_MAX) return {}
  const wanted = Object.entries(properties).filter(
    ([name]) => isWhole || required.includes(name) || (depth === 0 && USUAL.includes(name)),
  )
  return Object.fromEntries(wanted.map(([name, each]) => [name, exampleOf(api, each, isWhole, depth + 1)]))
}

function element(name, attributes, content = []) {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...(Array.isArray(content) ? content : [content]))
  return made
}
