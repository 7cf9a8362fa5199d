import { afterAll, expect, test } from 'vitest'
import { answeredJson, recordedHost } from './recorded-host.ts'
import { fn, openTrial } from './trial.ts'

const { returned, sandbox } = openTrial({ children: 1 })
afterAll(() => sandbox.stop())

/** What an expression gives in Node: its value, or the class of what it throws. */
function inNode(expression: string): unknown {
  try {
    return JSON.parse(
      JSON.stringify({ value: new Function('Buffer', 'TextDecoder', `return ${expression}`)(Buffer, TextDecoder) }),
    )
  } catch (thrown) {
    return { threw: (thrown as Error).name }
  }
}

/** The same in the sandbox. */
async function inSandbox(expressions: readonly string[]): Promise<unknown[]> {
  const tries = expressions.map((each) => `() => (${each})`)
  const body = `return [${tries.join(', ')}].map((run) => { try { return { value: run() } } catch (e) { return { threw: e.name } } })`
  return (await returned(fn(body))) as unknown[]
}

const BUFFER = [
  'Buffer.from("aäb").indexOf("b")',
  'Buffer.from("abcabc").indexOf("c", 3)',
  'Buffer.from("abcabc").lastIndexOf("c")',
  'Buffer.from("abcabc").includes(Buffer.from("ca"))',
  'Buffer.from("abc").indexOf(99)',
  'Buffer.from("abc").indexOf("")',
  'Buffer.alloc(5, "ab").toString()',
  'Buffer.alloc(4, "YQ==", "base64").toString()',
  'Buffer.alloc(3).fill("x", 1).toString("hex")',
  'Buffer.alloc(3).fill(300).toString("hex")',
  '(() => { const a = Buffer.from("abc"); const b = a.slice(1); b[0] = 120; return a.toString() })()',
  '(() => { const a = Buffer.from("abc"); const b = a.subarray(1); b[0] = 120; return a.toString() })()',
  '(() => { const a = Buffer.alloc(6); const n = a.write("hé", 1); return [n, a.toString("hex")] })()',
  '(() => { const a = Buffer.alloc(2); const n = a.write("aé"); return [n, a.toString("hex")] })()',
  '(() => { const a = Buffer.alloc(4); a.writeUInt32BE(0xdeadbeef); return [a.readUInt32LE(), a.readInt16BE(2), a.readUint8(1)] })()',
  '(() => { const a = Buffer.alloc(8); a.writeBigUInt64LE(2n ** 60n); return String(a.readBigUInt64LE()) })()',
  '(() => { const a = Buffer.alloc(8); a.writeDoubleBE(1.5); return [a.readDoubleBE(), a.toString("hex")] })()',
  'Buffer.from([1, 2, 3, 4, 5, 6]).readUIntBE(0, 6)',
  'Buffer.from([255, 2, 3]).readIntLE(0, 3)',
  'Buffer.from([1, 2, 3, 4]).swap16().toString("hex")',
  'Buffer.from("c3a9ff", "hex").toString("ascii")',
  'Buffer.from("\\u00e9\\u20ac", "latin1").toString("hex")',
  'Buffer.from("\\ud800x").toString("hex")',
  'Buffer.from("zz", "hex").length',
  'Buffer.from("YQ=\\n=", "base64").toString()',
  'Buffer.from("a-_b", "base64").toString("hex")',
  'Buffer.from(new Uint16Array([1, 258])).toString("hex")',
  'Buffer.from({ type: "Buffer", data: [1, 2] }).toString("hex")',
  'Buffer.from(new String("abc")).toString()',
  'Buffer.from(5)',
  'Buffer.from(null)',
  'Buffer.alloc(-1)',
  'Buffer.alloc("5")',
  'Buffer.concat("x")',
  'Buffer.concat(["a"])',
  'Buffer.byteLength(5)',
  'Buffer.byteLength("YQ==", "base64")',
  'Buffer.from("a", "nope")',
  'Buffer.from("abc").toString("nope")',
  'Buffer.from("abc").toString("utf8", -5, 2)',
  'Buffer.from("abc").equals("abc")',
  'Buffer.from([1, 2]).readUInt32BE()',
  'Buffer.alloc(1).writeUInt8(256)',
  'Buffer.isEncoding("UTF-8") && !Buffer.isEncoding("nope")',
  'Buffer.of(1, 2).toString("hex")',
  'new Buffer("abc").toString()',
  'new Buffer(3).length',
  'Buffer.from("abc").compare(Buffer.from("abd"))',
  '(() => { const a = Buffer.alloc(3); return [Buffer.from("abcdef").copy(a, 1, 2), a.toString("hex")] })()',
  'Buffer.from("abc").map((byte) => byte + 1).toString()',
  'JSON.stringify({ b: Buffer.from("é") })',
  'Buffer.from("abc").buffer instanceof ArrayBuffer',
  '[...Buffer.from("abc").entries()].length',
  'Buffer.from(Buffer.from("x").toJSON()).toString()',
]

const DECODER = [
  'new TextDecoder("iso-8859-1").decode(Buffer.from([0xfc]))',
  'new TextDecoder("windows-1252").decode(Buffer.from([0x80, 0x93]))',
  'new TextDecoder("utf-16le").decode(Buffer.from([0x61, 0, 0xac, 0x20]))',
  'new TextDecoder("shift_jis").decode(Buffer.from([0x82, 0xa0]))',
  'new TextDecoder("gbk").decode(Buffer.from([0xc4, 0xe3]))',
  'new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from([0xff]))',
  'new TextDecoder().decode(Buffer.from([0xff, 0x61]))',
  'new TextDecoder().decode(Buffer.from([0xef, 0xbb, 0xbf, 0x61]))',
  'new TextDecoder("utf-8", { ignoreBOM: true }).decode(Buffer.from([0xef, 0xbb, 0xbf, 0x61])).length',
  'new TextDecoder("nope")',
  'new TextDecoder("LATIN1").encoding',
  'new TextDecoder().decode()',
  'new TextDecoder().decode("text")',
  '(() => { const d = new TextDecoder(); return [d.decode(Buffer.from([0xe2, 0x82]), { stream: true }), d.decode(Buffer.from([0xac, 0x61]), { stream: true }), d.decode()] })()',
  '(() => { const d = new TextDecoder("utf-16be"); return [d.decode(Buffer.from([0x20]), { stream: true }), d.decode(Buffer.from([0xac]))] })()',
]

test('Buffer does what it does in Node, or throws', async () => {
  const seen = await inSandbox(BUFFER)
  for (const [index, expression] of BUFFER.entries())
    expect({ expression, ...(seen[index] as object) }).toEqual({ expression, ...(inNode(expression) as object) })
})

test('TextDecoder reads every encoding that it reads in Node, in pieces too', async () => {
  const seen = await inSandbox(DECODER)
  for (const [index, expression] of DECODER.entries())
    expect({ expression, ...(seen[index] as object) }).toEqual({ expression, ...(inNode(expression) as object) })
})

/** Bodies, as expressions. */
const BODIES = [
  'new URLSearchParams({ a: "1", b: "ä b" })',
  'new Uint8Array([0, 255])',
  'new Uint16Array([1, 2]).subarray(1)',
  'new DataView(new Uint8Array([1, 2, 3]).buffer, 1)',
  'new Uint8Array([7]).buffer',
  'Buffer.from("é")',
  'new Blob(["a", new Uint8Array([98])], { type: "Text/X" })',
  'new Map([["a", 1]])',
  '"text"',
  '5',
]

test('bodies of fetch go out as from Node', async () => {
  for (const expression of BODIES) {
    const { host, requests } = recordedHost()
    await returned(fn(`await fetch('https://a.example', { method: 'POST', body: ${expression} })`), { host })
    const request = requests[0]?.request
    const node = new Response(new Function(`return ${expression}`)())
    expect({ expression, type: request?.headers?.['content-type'] ?? null, body: request?.dataBase64 }).toEqual({
      expression,
      type: node.headers.get('content-type'),
      body: Buffer.from(await node.arrayBuffer()).toString('base64'),
    })
  }
})

const FORM = `const form = new FormData()
  form.append('a "quoted"', 'line\\nbreak')
  form.append('file', new Blob(['bytes'], { type: 'text/plain' }), 'näme.txt')
  form.append('file', new File([new Uint8Array([0, 255])], 'two.bin'))`

test('a multipart form goes out with its parts, whatever client sends it', async () => {
  const expected = await new Response(new Function(`${FORM}; return form`)()).formData()
  const parts = async (form: FormData) =>
    Promise.all(
      [...form].map(async ([name, value]) => [
        name,
        typeof value === 'string'
          ? value
          : [value.name, value.type, Buffer.from(await value.arrayBuffer()).toString('hex')],
      ]),
    )
  for (const call of [
    "fetch('https://a.example', { method: 'POST', body: form })",
    "args.apiClient.post('/x', form)",
  ]) {
    const { host, requests } = recordedHost(() => answeredJson({}))
    await returned(fn(`${FORM}; await ${call}`), { host })
    const { headers = {}, dataBase64 = '' } = requests[0]?.request ?? {}
    const sent = await new Response(Buffer.from(dataBase64, 'base64'), { headers }).formData()
    expect(await parts(sent)).toEqual(await parts(expected))
  }
})

test('bodies of an API client that are no JSON are not made into it', async () => {
  const { host, requests } = recordedHost(() => answeredJson({}))
  await returned(
    fn(`await args.apiClient.post('/form', new URLSearchParams({ a: '1' }))
      await args.apiClient.post('/own', new URLSearchParams({ a: '1' }), { headers: { 'Content-Type': 'x/y' } })
      await args.apiClient.put('/map', new Map([['a', 1]]))
      await args.apiClient.put('/blob', new Blob(['b'], { type: 'text/csv' }))
      await args.apiClient.put('/words', new Uint16Array([1]))
      await args.apiClient.post('/json', { a: 1 })`),
    { host },
  )
  const text = (base64: string | undefined) =>
    base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString('latin1')
  expect(
    requests.map(({ request }) => [request.uri, request.headers, text(request.dataBase64) ?? request.data]),
  ).toEqual([
    ['/form', { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }, 'a=1'],
    ['/own', { 'Content-Type': 'x/y' }, 'a=1'],
    ['/map', undefined, { a: 1 }],
    ['/blob', { 'content-type': 'text/csv' }, 'b'],
    ['/words', undefined, '\u0001\u0000'],
    ['/json', undefined, { a: 1 }],
  ])
})
