// Kills a server during uploads and archives, after it has acknowledged one: what it acknowledged is stored, no file is
// incomplete, and the next start removes the leftovers. KILL_ROUNDS=200 runs more rounds.
import assert from 'node:assert/strict'
import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fromBuffer } from 'yauzl'
import { postJson, sendRequest } from '../../support/raw-http.ts'
import { atOnce, ServerProcess } from '../../support/server-process.ts'
import { upload } from './form.ts'

const ROUNDS = Number(process.env.KILL_ROUNDS ?? 2)
/** What was sent and acknowledged, in all rounds. */
class Ledger {
  readonly #sent = new Map<string, Set<string>>()
  /** The last acknowledged content of each name, unless another was sent since. */
  readonly #kept = new Map<string, string>()
  readonly #first = Promise.withResolvers<void>()
  #acknowledged = 0

  send(name: string, body: Buffer): () => void {
    const digest = digestOf(body)
    this.#sent.set(name, (this.#sent.get(name) ?? new Set()).add(digest))
    this.#kept.delete(name)
    return () => {
      this.#kept.set(name, digest)
      this.#acknowledged += 1
      this.#first.resolve()
    }
  }

  /** The number of acknowledged uploads, including overwritten ones. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Resolves when an upload is acknowledged. */
  get first(): Promise<void> {
    return this.#first.promise
  }

  check(folder: string): void {
    for (const [name, digest] of this.#kept) {
      assert.equal(digestOf(readFileSync(join(folder, name))), digest, `${name} was acknowledged`)
    }
    for (const name of readdirSync(folder).filter(each => each.endsWith('.gcode'))) {
      assert.ok(this.#sent.get(name)?.has(digestOf(readFileSync(join(folder, name)))), `${name} is not whole`)
    }
  }
}

const digestOf = (data: Buffer) => createHash('sha256').update(data).digest('hex')

/** Sends uploads until the server is killed or rejects one. */
async function work(port: number, ledger: Ledger, round: number, worker: number): Promise<void> {
  try {
    for (let count = 0; ; count += 1) {
      const name = worker === 0 ? 'same.gcode' : `file-${round}-${worker}-${count}.gcode`
      const body = randomBytes(randomInt(1, 3_000_000))
      const acknowledged = ledger.send(name, body)
      const { status } = await upload(port, name, body)
      if (status !== 201) return
      acknowledged()
      if (worker === 1)
        await postJson(port, '/server/files/zip', { items: ['gcodes'], dest: 'config/all.zip' })
    }
  } catch {
    // The server was killed.
  }
}

/** Reads an archive; rejects if it is incomplete. */
function checkArchive(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    fromBuffer(readFileSync(path), { lazyEntries: true }, (error, zip) => {
      if (error !== null) return reject(error)
      zip.on('error', reject).on('end', resolve)
      zip.on('entry', entry => {
        zip.openReadStream(entry, (failure, stream) => {
          if (failure !== null) return reject(failure)
          stream
            .on('error', reject)
            .on('end', () => zip.readEntry())
            .resume()
        })
      })
      zip.readEntry()
    })
  })
}

/** Removes files, so that the next round does not spend its time on reading them. */
function makeRoom(folder: string): void {
  for (const name of readdirSync(folder)) if (name.startsWith('file-')) rmSync(join(folder, name))
}

test(`killed ${ROUNDS} times`, async () => {
  await using server = await ServerProcess.prepare()
  const { port } = server
  const { config, gcodes } = server.paths
  for (let round = 0; round < ROUNDS; round += 1) {
    const ledger = new Ledger()
    const child = server.start()
    await atOnce(() => sendRequest(port, '/server/info'))
    const workers = [0, 1, 2].map(worker => work(port, ledger, round, worker))
    const exited = once(child, 'exit')
    const working = Promise.all(workers)
    await Promise.race([ledger.first, working])
    setTimeout(() => child.kill('SIGKILL'), randomInt(150))
    await exited
    await working
    assert.equal(child.signalCode, 'SIGKILL', 'the server ended by itself')
    assert.ok(ledger.acknowledged > 0)
    ledger.check(gcodes)
    if (existsSync(join(config, 'all.zip'))) await checkArchive(join(config, 'all.zip'))
    rmSync(join(gcodes, 'same.gcode'), { force: true })
    makeRoom(gcodes)
  }
  server.start()
  const hidden = [gcodes, config].map(folder => join(folder, '.uploads'))
  while (hidden.some(folder => existsSync(folder))) await new Promise(resolve => setTimeout(resolve, 5))
})
