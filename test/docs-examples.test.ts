// The guide for people who write clients shows the examples of docs/examples, and its table of errors is what the server
// answers.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sendRequest } from './support/raw-http.ts'
import { startRig } from './support/rig.ts'

const FOLDER = fileURLToPath(new URL('../docs/examples/', import.meta.url))
const GUIDE = readFileSync(new URL('../docs/writing-a-client.md', import.meta.url), 'utf8')

/** No address is trusted, so that the examples need credentials. */
const NO_TRUST = 'trusted_clients:\n  192.0.2.1'

test('the guide shows every example as it is', () => {
  const examples = readdirSync(FOLDER, { withFileTypes: true }).filter(entry => entry.isFile())
  for (const { name: file } of examples) {
    const fence = `\n\`\`\`${extname(file).slice(1)}\n${readFileSync(join(FOLDER, file), 'utf8')}\`\`\`\n`
    assert.ok(GUIDE.includes(fence), `copy docs/examples/${file} into docs/writing-a-client.md`)
  }
})

/** A row of the guide's table of errors: [over HTTP, over JSON-RPC]. */
function documented(row: string): string[] {
  const line = GUIDE.split('\n').find(each => each.startsWith(`| ${row}`))
  assert.ok(line, `the guide has no row: ${row}`)
  return line
    .split('|')
    .slice(2, 4)
    .map(cell => cell.trim())
}

test('the errors are those of the table', async () => {
  await using rig = await startRig()
  await using closed = await startRig({ printer: 'none', authorization: NO_TRUST })
  const json = { 'Content-Type': 'application/json' }
  const post = async (path: string, body: string, to = rig) =>
    (await sendRequest(to.port, path, { verb: 'POST', headers: json, body })).status
  const status = async (path: string, to = rig) => (await sendRequest(to.port, path)).status
  const rpc = async (message: unknown, to = rig) => {
    const body =
      typeof message === 'string'
        ? message
        : JSON.stringify({ jsonrpc: '2.0', id: 1, ...(message as object) })
    const reply = await sendRequest(to.port, '/server/jsonrpc', { verb: 'POST', headers: json, body })
    return (reply.json as { error: { code: number } }).error.code
  }
  const metadata = { method: 'server.files.metadata' }
  const form = (fields: string) =>
    sendRequest(rig.port, '/server/files/upload', {
      verb: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=x' },
      body: `--x\r\nContent-Disposition: form-data; name="file"; filename="a.gcode"\r\n\r\nG28\r\n${fields}--x--\r\n`,
    })
  const seen: Readonly<Record<string, readonly [number | '', number | '']>> = {
    'an argument is missing': [await status('/server/files/metadata'), await rpc(metadata)],
    'Klipper refused': [
      await post('/printer/gcode/script', '{"script":"G1 X9999"}'),
      await rpc({ method: 'printer.gcode.script', params: { script: 'G1 X9999' } }),
    ],
    'not logged in': [await status('/server/info', closed), await rpc({ method: 'server.info' }, closed)],
    'unknown method': [await status('/server/none'), await rpc({ method: 'server.none' })],
    'unknown file': [
      await status('/server/files/metadata?filename=none.gcode'),
      await rpc({ ...metadata, params: { filename: 'none.gcode' } }),
    ],
    'the method has another verb': [await post('/server/info', '{}'), ''],
    'the upload differs': [
      (await form('--x\r\nContent-Disposition: form-data; name="checksum"\r\n\r\nabc\r\n')).status,
      '',
    ],
    'the body is not JSON': [await post('/printer/gcode/script', '{'), await rpc('{')],
    'the message is not a JSON-RPC request': ['', await rpc({ jsonrpc: '1.0' })],
    'the parameters are not an object': ['', await rpc({ ...metadata, params: ['a.gcode'] })],
  }
  for (const [row, codes] of Object.entries(seen)) assert.deepEqual(codes.map(String), documented(row), row)
  await using alone = await startRig({ printer: 'none' })
  const codes = [await status('/printer/info', alone), await rpc({ method: 'printer.info' }, alone)]
  assert.deepEqual(codes.map(String), documented('Klipper is not connected'))
})
