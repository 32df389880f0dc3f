import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { FakeKlippy } from '../../support/fake-klippy.ts'
import { type Request, sendRaw, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'

// An endpoint of Klippy's shows the arguments as they were read.
const klippy = await FakeKlippy.start()
// Without sensors the server itself sends one query only, which looks for them at the start.
klippy.change('heaters', { available_sensors: [], available_monitors: [] })
const rig = await startRig({ klippySocket: klippy.path, ready: true })
await klippy.waitFor('objects/query')
after(async () => {
  await rig[Symbol.asyncDispose]()
  await klippy[Symbol.asyncDispose]()
})
klippy.answer('bed_mesh/dump_mesh', params => ({ params }))

const PATH = '/printer/bed_mesh/dump_mesh'

async function read(query: string, request: Request = {}) {
  const { status, json } = await sendRequest(rig.port, PATH + query, request)
  return status === 200 ? json.result.params : [status, json.error.message]
}

const MULTIPART = 'multipart/form-data; boundary=X'
const post = (type: string, body: string, query = '') =>
  read(query, { verb: 'POST', headers: { 'Content-Type': type }, body })
const postJson = (body: string, query = '') => post('application/json', body, query)
const postForm = (body: string, query = '') => post('application/x-www-form-urlencoded', body, query)

function multipart(...fields: [string, string][]): string {
  const parts = fields.map(
    ([name, value]) => `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  )
  return `${parts.join('')}--X--\r\n`
}

test('without a hint a query argument is text', async () => {
  assert.deepEqual(await read(''), {})
  assert.deepEqual(await read('?a=1&b=true&c=&d&e=%C3%BC%20x+y'), {
    a: '1',
    b: 'true',
    c: '',
    d: '',
    e: 'ü x y',
  })
})

test('hints give integers, numbers, booleans and JSON', async () => {
  assert.deepEqual(await read('?a:int=-5&b:float=1.5e3&c:bool=True&d:bool=false&e:json={"x":[1,null]}'), {
    a: -5,
    b: 1500,
    c: true,
    d: false,
    e: { x: [1, null] },
  })
})

test('a value without the type of its hint is refused', async () => {
  for (const query of [
    'a:int=x',
    'a:int=1.5',
    'a:int=',
    'a:float=',
    'a:float=Infinity',
    'a:bool=1',
    'a:bool=constructor',
    'a:json={',
    'a:json=',
  ]) {
    const [status, message] = await read(`?${query}`)
    assert.equal(status, 400, query)
    assert.match(message, /^Argument \[a:/)
  }
})

test('a colon that is no hint belongs to the name', async () => {
  assert.deepEqual(await read('?a:constructor=1&b:__proto__=2'), { 'a:constructor': '1', 'b:__proto__': '2' })
  assert.deepEqual(await read('?a:b=1&:int=2&a:INT=3&gcode_macro%20X:y=4'), {
    'a:b': '1',
    '': 2,
    'a:INT': '3',
    'gcode_macro X:y': '4',
  })
})

test('an argument given more than once is a list', async () => {
  assert.deepEqual(await read('?a=1&a=2&b=x&a=3'), { a: ['1', '2', '3'], b: 'x' })
  assert.deepEqual(await read('?a:int=1&a:int=2&a=x'), { a: [1, 2, 'x'] })
})

test('a list that came by a hint is one value of several', async () => {
  assert.deepEqual(await read('?a:json=[1]&a:json=[2]'), { a: [[1], [2]] })
})

test('JSON, forms and multipart forms give arguments', async () => {
  assert.deepEqual(await postJson('{"a":1,"b":{"c":null}}'), { a: 1, b: { c: null } })
  assert.deepEqual(await post('application/json; charset=utf-8', ' {"a":1}\n'), { a: 1 })
  assert.deepEqual(await post('text/plain', '{"a":1}'), { a: 1 })
  assert.deepEqual(await postJson('\ufeff{"a":"\ufeff"}'), { a: '\ufeff' }, 'a byte order mark comes first')
  assert.deepEqual(await read('', { verb: 'POST', body: '{"a":1}' }), { a: 1 })
  assert.deepEqual(await postForm('a=1&b:int=2&a=3'), { a: ['1', '3'], b: 2 })
  const form = multipart(['a', 'x y'], ['b', 'ü'])
  assert.deepEqual(await post(MULTIPART, form), { a: 'x y', b: 'ü' })
})

test('a GET may have a body too', async () => {
  const request = { headers: { 'Content-Type': 'application/json' }, body: '{"a":1}' }
  assert.deepEqual(await read('?b=2', request), { a: 1, b: '2' })
})

test('the body wins over the query', async () => {
  assert.deepEqual(await postJson('{"a":"body"}', '?a=query&b=query'), { a: 'body', b: 'query' })
  assert.deepEqual(await postForm('a=body', '?a=query&b=query'), { a: 'body', b: 'query' })
})

test('an empty body has no arguments', async () => {
  assert.deepEqual(await postJson('', '?a=1'), { a: '1' })
  assert.deepEqual(await read('?a=1', { verb: 'POST' }), { a: '1' })
  const chunked = { verb: 'POST', headers: { 'Transfer-Encoding': 'chunked' } }
  assert.deepEqual(await read('?a=1', chunked), { a: '1' })
})

test('a body that is not JSON, or no object, is refused', async () => {
  for (const body of ['{', 'hello', '\0', '{"a":NaN}', '\ufeff', '\ufeff\ufeff{}', '{"a":1}x']) {
    assert.deepEqual(await postJson(body), [400, 'The body is not valid JSON'], JSON.stringify(body))
  }
  for (const body of ['[]', '[{"a":1}]', '5', 'null', '"x"', 'true']) {
    assert.deepEqual(await postJson(body), [400, 'The body must be a JSON object'])
  }
})

test('a damaged multipart form is refused', async () => {
  const whole = multipart(['a', 'x'])
  for (const [type, body] of [
    ['multipart/form-data', whole],
    [MULTIPART, whole.slice(0, -8)],
    [MULTIPART, '--X\r\nContent-Disposition: form-data; name="a"'],
    ['multipart/form-data; boundary=Y', whole],
  ] as const) {
    const [status, message] = await post(type, body)
    assert.equal(status, 400, `${type} ${JSON.stringify(body)}`)
    assert.match(message, /^The form is damaged/)
  }
})

test('a field of a form that is too long is refused, not cut', async () => {
  const [status, message] = await post(MULTIPART, multipart(['a', 'x'.repeat(2 ** 20 + 1)]))
  assert.equal(status, 413)
  assert.match(message, /'a' is longer than/)
})

test('a form with too many fields is refused', async () => {
  const fields = Array.from({ length: 101 }, (_, index): [string, string] => [`f${index}`, 'x'])
  const [status, message] = await post(MULTIPART, multipart(...fields))
  assert.equal(status, 413)
  assert.match(message, /more than 100 fields/)
})

test('names that JavaScript uses itself are plain names', async () => {
  const names = ['__proto__', 'constructor', 'hasOwnProperty']
  for (const name of names) {
    const expected = `{"${name}":"x"}`
    assert.equal(JSON.stringify(await read(`?${name}=x`)), expected)
    assert.equal(JSON.stringify(await postJson(expected)), expected)
    assert.equal(JSON.stringify(await postForm(`${name}=x`)), expected)
    assert.equal(JSON.stringify(await post(MULTIPART, multipart([name, 'x']))), expected)
  }
  assert.deepEqual(await read('?__proto__:json={"polluted":1}'), JSON.parse('{"__proto__":{"polluted":1}}'))
  assert.ok(!('polluted' in {}))
})

test('a body with too many values or fields is refused, and the server lives', async () => {
  const values = await postJson(`{"a":[${'{},'.repeat(1_000_000)}{}]}`)
  assert.deepEqual(values, [413, 'Too many values in one JSON text'])
  const fields = await postForm('a&'.repeat(1_000_000))
  assert.deepEqual(fields, [413, 'The form is too large: it has more than 10000 fields'])
})

test('a body past the limit is refused before it is read', async () => {
  const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`
  const reply = await sendRaw(rig.port, `${head}Content-Length: 60000000\r\n\r\n{`)
  assert.match(reply, /^HTTP\/1\.1 413 /)
  assert.match(reply, /"code":413/)
})

test('a body without a length is refused when it passes the limit', async () => {
  const chunk = 'x'.repeat(2 ** 20)
  const body = `${chunk.length.toString(16)}\r\n${chunk}\r\n`.repeat(51)
  const head = `POST ${PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n`
  const reply = await sendRaw(rig.port, `${head}\r\n${body}`)
  assert.match(reply, /^HTTP\/1\.1 413 /)
})

test('the bare keys of an object query are objects with their fields', async () => {
  const wanted = async (query: string, request?: Request) => {
    const before = klippy.count('objects/query')
    const { status } = await sendRequest(rig.port, `/printer/objects/query${query}`, request)
    assert.equal(status, 200, query)
    return (await klippy.waitFor('objects/query', before + 1)).objects
  }
  assert.deepEqual(await wanted('?toolhead&extruder=temperature,target&mmu='), {
    toolhead: null,
    extruder: ['temperature', 'target'],
    mmu: null,
  })
  assert.deepEqual(await wanted('?toolhead=position&toolhead=homed_axes'), {
    toolhead: ['position', 'homed_axes'],
  })
  assert.deepEqual(await wanted('?gcode_macro%20A=x,%20y&connection_id=5'), {
    'gcode_macro A': ['x', 'y'],
  })
  assert.deepEqual(await wanted('?objects:json={"toolhead":null}'), { toolhead: null })
  const headers = { 'Content-Type': 'application/json' }
  const body = (value: unknown) => ({ verb: 'POST', headers, body: JSON.stringify(value) })
  assert.deepEqual(await wanted('', body({ objects: { toolhead: ['position'] } })), {
    toolhead: ['position'],
  })
  assert.deepEqual(await wanted('', body({ toolhead: ['position'], mmu: null })), {
    toolhead: ['position'],
    mmu: null,
  })
})

test('an object query with wrong fields is refused', async () => {
  const headers = { 'Content-Type': 'application/json' }
  for (const fields of [5, true, {}, [1], [['a']]]) {
    const body = JSON.stringify({ toolhead: fields })
    const { status } = await sendRequest(rig.port, '/printer/objects/query', { verb: 'POST', headers, body })
    assert.equal(status, 400, body)
  }
})
