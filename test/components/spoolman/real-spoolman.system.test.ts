// A real Spoolman, if the environment variable SPOOLMAN names a program that starts one. The program gets SPOOLMAN_HOST,
// SPOOLMAN_PORT and SPOOLMAN_DIR_DATA, as Spoolman itself does.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../support/free-port.ts'
import { killProcess } from '../../support/kill-process.ts'
import { startRig } from '../../support/rig.ts'
import { type Frame, WebClient } from '../../support/web-client.ts'

const { SPOOLMAN = '' } = env
const skip = existsSync(SPOOLMAN) ? false : 'SPOOLMAN names no program that starts Spoolman'

class Spoolman implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'spoolman-'))
  readonly #port: number
  #child: ChildProcess | null = null

  private constructor(port: number) {
    this.#port = port
  }

  static async start(): Promise<Spoolman> {
    const spoolman = new Spoolman(await freePort())
    await spoolman.start()
    return spoolman
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Resolves when it replies. */
  async start(): Promise<void> {
    this.#child = spawn(SPOOLMAN, {
      env: {
        ...env,
        SPOOLMAN_HOST: '127.0.0.1',
        SPOOLMAN_PORT: String(this.#port),
        SPOOLMAN_DIR_DATA: this.#folder,
      },
      stdio: 'ignore',
    })
    const signal = AbortSignal.timeout(60_000)
    for (;;) {
      const isThere = await fetch(`${this.url}/api/v1/health`).then(
        ({ ok }) => ok,
        () => false,
      )
      if (isThere) return
      await sleep(100, undefined, { signal })
    }
  }

  async kill(): Promise<void> {
    await killProcess(this.#child)
  }

  /** A request that does not go through the server. */
  async request(method: string, path: string, body?: unknown): Promise<Frame> {
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      ...(body !== undefined && {
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      }),
    })
    return response.json() as Promise<Frame>
  }

  async usedLength(spool: number): Promise<number> {
    return (await this.request('GET', `/spool/${spool}`)).used_length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** Extrudes 0.1 mm on each of `moves` moves of 2 mm, with a retraction after each tenth. */
function printFile(moves: number): string {
  const lines = ['G28', 'M83', 'G1 X10 Y10 F6000', 'M109 S200']
  for (let i = 0; i < moves; i += 1) {
    lines.push(`G1 X${10 + (i % 2) * 2} E0.1 F600`)
    if (i % 10 === 9) lines.push('G1 E-1 F1800', 'G1 E1 F1800')
  }
  return `${lines.join('\n')}\n`
}

test('a real Spoolman that is killed during a print has its filament once', { skip }, async t => {
  await using spoolman = await Spoolman.start()
  await using rig = await startRig({
    conf: `[spoolman]\nserver: ${spoolman.url}\nsync_rate: 1\n`,
    prepare: ({ gcodes }) => {
      mkdirSync(gcodes, { recursive: true })
      writeFileSync(join(gcodes, 'a.gcode'), printFile(1200))
    },
  })
  using client = await WebClient.open(rig.url)
  const call = (method: string, params?: unknown) => client.call(`server.spoolman.${method}`, params)
  const proxy = (request_method: string, path: string, more: object = {}) =>
    call('proxy', { request_method, path, use_v2_response: true, ...more })
  const create = async (path: string, body: object): Promise<number> =>
    (await proxy('POST', path, { body })).result.response.id
  const connected = async (isConnected: boolean) => {
    const from = client.frames.length
    if ((await call('status')).result.spoolman_connected === isConnected) return
    await client.find(
      ({ method, params }, index) =>
        index >= from &&
        method === 'notify_spoolman_status_changed' &&
        params[0].spoolman_connected === isConnected,
    )
  }
  const reported = async (spool: number, length: number) => {
    const signal = AbortSignal.timeout(20_000)
    while ((await spoolman.usedLength(spool)) < length - 0.001) await sleep(100, undefined, { signal })
    return spoolman.usedLength(spool)
  }

  await connected(true)
  const vendor_id = await create('/v1/vendor', { name: 'Maker' })
  const filament_id = await create('/v1/filament', {
    name: 'PLA',
    vendor_id,
    density: 1.24,
    diameter: 1.75,
    weight: 1000,
  })
  const [first, second] = [
    await create('/v1/spool', { filament_id }),
    await create('/v1/spool', { filament_id }),
  ]

  await t.test('requests in both forms, with their errors', async () => {
    const { result } = await proxy('GET', '/v1/spool', { query: 'limit=1' })
    assert.equal(result.response.length, 1)
    assert.equal(result.response_headers['X-Total-Count'], '2')
    assert.deepEqual((await proxy('GET', '/v1/spool/99')).result, {
      response: null,
      error: { status_code: 404, message: 'No spool with ID 99 found.' },
    })
    assert.equal(
      (await proxy('POST', '/v1/spool', { body: { filament_id: 'x' } })).result.error.status_code,
      422,
    )
    const v1 = { request_method: 'GET', path: '/v1/spool/99', use_v2_response: false }
    assert.deepEqual((await call('proxy', v1)).error, { code: -32601, message: 'Not Found' })
    const changed = await proxy('PATCH', `/v1/spool/${first}`, { body: { comment: 'ä' } })
    assert.equal(changed.result.response.comment, 'ä')
  })

  await t.test('a print, with a kill and a change of spools', async () => {
    await call('post_spool_id', { spool_id: first })
    await client.call('printer.print.start', { filename: 'a.gcode' })
    await reported(first, 5)
    await spoolman.kill()
    await connected(false)
    await sleep(2000)
    await spoolman.start()
    await connected(true)
    await call('post_spool_id', { spool_id: second })
    await client.find(({ method, params }) => {
      return method === 'notify_history_changed' && params[0].action === 'finished'
    })
    const { result } = await client.call('server.history.list', { limit: 1 })
    const [job] = result.jobs
    assert.equal(job.status, 'completed')
    const { value } = job.auxiliary_data.find(({ provider }: Frame) => provider === 'spoolman')
    assert.deepEqual(value, [first, second])
    await reported(second, 0.1)
    const signal = AbortSignal.timeout(20_000)
    while ((await call('status')).result.pending_reports.length > 0) await sleep(100, undefined, { signal })
    const used = (await spoolman.usedLength(first)) + (await spoolman.usedLength(second))
    assert.ok(Math.abs(used - 120) < 0.01, `${used} mm`)
  })

  await t.test('a spool that is deleted in Spoolman is no longer active', async () => {
    const from = client.frames.length
    await spoolman.request('DELETE', `/spool/${second}`)
    await client.find(({ method, params }, index) => {
      return index >= from && method === 'notify_active_spool_set' && params[0].spool_id === null
    })
    assert.equal((await call('get_spool_id')).result.spool_id, null)
  })
})
