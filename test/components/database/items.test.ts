import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { startRig } from '../../support/rig.ts'
import { WebClient } from '../../support/web-client.ts'

async function scene() {
  const rig = await startRig({ printer: 'none' })
  const client = await WebClient.open(rig.url)
  const call = async (method: string, params?: unknown) => client.call(`server.database.${method}`, params)
  const dispose = async () => {
    client[Symbol.dispose]()
    await rig[Symbol.asyncDispose]()
  }
  return { rig, client, call, [Symbol.asyncDispose]: dispose }
}

const VALUES: readonly unknown[] = [
  0,
  -7,
  2 ** 53 - 1,
  1.5,
  1e-300,
  true,
  false,
  '',
  'grüße ☃ 😀 "\\\n\u0000',
  [],
  {},
  [1, 'a', null, { x: [null] }],
  { 'dotted.key': 1, '': 2, ü: null, constructor: 1 },
  'x'.repeat(1_000_000),
]

test('every kind of value is returned as it was stored', async () => {
  await using at = await scene()
  for (const [index, value] of VALUES.entries()) {
    for (const key of [`v${index}`, `nested.v${index}`, ['dotted.part', `v${index}`]]) {
      const position = { namespace: 'values', key }
      assert.deepEqual((await at.call('post_item', { ...position, value })).result, { ...position, value })
      assert.deepEqual((await at.call('get_item', position)).result, { ...position, value })
    }
  }
  const whole = (await at.call('get_item', { namespace: 'values' })).result
  assert.equal(whole.key, null)
  assert.deepEqual(
    Object.keys(whole.value['dotted.part']),
    VALUES.map((_, index) => `v${index}`),
  )
})

test('null removes an item, as front-ends do', async () => {
  await using at = await scene()
  const position = { namespace: 'n', key: 'a' }
  await at.call('post_item', { ...position, value: 5 })
  assert.deepEqual((await at.call('post_item', { ...position, value: null })).result, {
    ...position,
    value: null,
  })
  assert.deepEqual((await at.call('get_item', position)).error, {
    code: -32601,
    message: "Key 'a' in namespace 'n' not found",
  })
  await at.call('post_item', { namespace: 'n', key: 'b.c', value: null })
  assert.equal((await at.call('get_item', { namespace: 'n', key: 'b.c' })).error.code, -32601)
})

test('delete returns the value; with the last item the namespace is removed', async () => {
  await using at = await scene()
  const names = async () => (await at.call('list')).result.namespaces
  await at.call('post_item', { namespace: 'one', key: 'a.b', value: 1 })
  assert.ok((await names()).includes('one'))
  const { result } = await at.call('delete_item', { namespace: 'one', key: 'a.b' })
  assert.deepEqual(result, { namespace: 'one', key: 'a.b', value: 1 })
  assert.ok(!(await names()).includes('one'))
  assert.equal((await at.call('get_item', { namespace: 'one' })).error.message, 'Namespace one not found')
})

test('over HTTP with query, type hints and body', async () => {
  await using at = await scene()
  const { port } = at.rig
  const path = '/server/database/item'
  const post = (query: string) => sendRequest(port, `${path}?namespace=q&${query}`, { verb: 'POST' })
  assert.equal((await post('key=int&value:int=7')).json.result.value, 7)
  assert.deepEqual((await post('key=j&value:json=%7B%22a%22%3A%5B1%5D%7D')).json.result.value, { a: [1] })
  assert.equal((await post('key=text&value=7')).json.result.value, '7')
  const listed = await postJson(port, path, { namespace: 'q', key: ['a.b', 'c'], value: 1 })
  assert.deepEqual(listed.json.result, { namespace: 'q', key: ['a.b', 'c'], value: 1 })
  const all = await sendRequest(port, `${path}?namespace=q`)
  assert.deepEqual(all.json.result.value, { int: 7, j: { a: [1] }, text: '7', 'a.b': { c: 1 } })
  const gone = await sendRequest(port, `${path}?namespace=q&key=int`, { verb: 'DELETE' })
  assert.equal(gone.json.result.value, 7)
})

test('a client reads what it has stored, without waiting for the reply to that', async () => {
  await using at = await scene()
  const key = 'k'
  const replies = await Promise.all([
    at.call('post_item', { namespace: 'early', key, value: 1 }),
    at.call('get_item', { namespace: 'early', key }),
    at.call('delete_item', { namespace: 'early', key }),
  ])
  assert.deepEqual(
    replies.map(({ result, error }) => result?.value ?? error.message),
    [1, 1, 1],
  )
})

test('invalid keys and values are rejected and store nothing', async () => {
  await using at = await scene()
  const refused: [unknown, unknown, RegExp][] = [
    [5, 1, /Value for argument 'key' is an invalid type: int/],
    [null, 1, /invalid type: NoneType/],
    [{ a: 1 }, 1, /invalid type: dict/],
    ['', 1, /Invalid Key Format: ''/],
    ['a..b', 1, /Invalid Key Format: 'a\.\.b'/],
    [[], 1, /Invalid Key Format/],
    [['a', ''], 1, /Invalid Key Format/],
    [[['a']], 1, /Invalid Key Format/],
    [[{ toString: null }], 1, /Invalid Key Format/],
    ['k'.repeat(10_000), 1, /longer than 4096 bytes/],
    ['a', 1e20, /does not fit in 64 bits/],
    ['a', '\ud800', /half a surrogate pair/],
    ['a', JSON.parse(`${'['.repeat(600)}${']'.repeat(600)}`), /nested deeper/],
  ]
  for (const [key, value, message] of refused) {
    const { error } = await at.call('post_item', { namespace: 'bad', key, value })
    assert.equal(error?.code, 400, String(message))
    assert.match(error.message, message)
  }
  assert.equal(
    (await at.call('post_item', { namespace: 'n'.repeat(600), key: 'a', value: 1 })).error.code,
    400,
  )
  assert.equal((await at.call('post_item', { namespace: '', key: 'a', value: 1 })).error.code, 400)
  assert.ok(!(await at.call('list')).result.namespaces.includes('bad'))
})

test('the namespaces of the server are read-only or hidden; similar names are not', async () => {
  await using at = await scene()
  for (const namespace of ['moonraker', 'gcode_metadata', 'history', 'update_manager', 'authorized_users']) {
    for (const method of ['post_item', 'delete_item']) {
      const { error } = await at.call(method, { namespace, key: 'instance_id', value: 1 })
      assert.deepEqual(error, { code: 403, message: `Write access to namespace '${namespace}' is forbidden` })
    }
  }
  for (const method of ['get_item', 'post_item', 'delete_item']) {
    const { error } = await at.call(method, { namespace: 'database', key: 'a', value: 1 })
    assert.deepEqual(error, { code: 403, message: "Read/Write access to namespace 'database' is forbidden" })
  }
  const id = (await at.call('get_item', { namespace: 'moonraker', key: 'instance_id' })).result.value
  for (const namespace of [
    'Moonraker',
    'MOONRAKER',
    'moonraker ',
    'mооnraker',
    'ｍoonraker',
    'moonraker.x',
  ]) {
    await at.call('post_item', { namespace, key: 'instance_id', value: 'mine' })
    assert.equal((await at.call('get_item', { namespace, key: 'instance_id' })).result.value, 'mine')
  }
  const after = (await at.call('get_item', { namespace: 'moonraker', key: 'instance_id' })).result.value
  assert.equal(after, id)
  const { namespaces } = (await at.call('list')).result
  assert.ok(namespaces.includes('moonraker') && !namespaces.includes('database'))
})

test('the debug methods are served with -g only, and have no access rules', async () => {
  await using plain = await scene()
  assert.equal((await plain.client.call('debug.database.list')).error.message, 'Method not found')
  await using rig = await startRig({ printer: 'none', debug: true })
  using client = await WebClient.open(rig.url)
  const item = { namespace: 'database', key: 'noted.by', value: 'test' }
  assert.deepEqual((await client.call('debug.database.post_item', item)).result, item)
  assert.deepEqual((await client.call('debug.database.get_item', item)).result, item)
  const { result } = await client.call('debug.database.list')
  assert.ok(result.namespaces.includes('database') && result.tables.includes('job_history'))
  const { rows } = (await client.call('debug.database.table', { table: 'namespace_store' })).result
  assert.ok(rows.some((row: Record<string, unknown>) => row.key === 'instance_id'))
  assert.equal((await client.call('debug.database.table', { table: 'x' })).error.code, -32601)
  assert.deepEqual((await client.call('debug.database.delete_item', item)).result, item)
})

test('integers that JavaScript cannot hold survive, over JSON-RPC and HTTP', async () => {
  await using at = await scene()
  const text = '{"id":9007199254740993,"list":[123456789012345678]}'
  const body = `{"namespace":"big","key":"a","value":${text}}`
  const stored = await sendRequest(at.rig.port, '/server/database/item', {
    verb: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
  })
  assert.equal(stored.status, 200)
  const rpc = `{"jsonrpc":"2.0","method":"server.database.post_item","params":${body.replace('"a"', '"b"')},"id":1}`
  const reply = await fetch(`${at.rig.url}/server/jsonrpc`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: rpc,
  })
  assert.ok((await reply.text()).includes(text))
  for (const key of ['a', 'b']) {
    const item = await fetch(`${at.rig.url}/server/database/item?namespace=big&key=${key}`)
    assert.ok((await item.text()).includes(text), key)
  }
})
