// A workshop as a process: its command, its signals, and its end after an error that no code has caught.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** A workshop of a printer `one` in a process. */
class WorkshopRun implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'workshop-process-'))
  #child: ChildProcess | null = null
  #out = ''
  #notify = () => {}

  constructor() {
    this.write(
      'printer_one_data/config/moonraker.conf',
      '[server]\n[machine]\nprovider: none\n[authorization]\ntrusted_clients: 127.0.0.1\n',
    )
    this.writeWorkshop(['one'])
  }

  write(name: string, text: string): void {
    const path = join(this.folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
  }

  writeWorkshop(names: readonly string[]): void {
    const sections = names.map(
      name => `[printer ${name}]\ndata_path: ${join(this.folder, `printer_${name}_data`)}\nown_port: False\n`,
    )
    this.write('workshop.conf', `[workshop]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n${sections.join('')}`)
  }

  /** Starts the process; `preload` is a module that runs in it first. Resolves with the address of the listener. */
  async start(preload = ''): Promise<string> {
    this.write('preload.mjs', preload)
    const args = ['--import', pathToFileURL(join(this.folder, 'preload.mjs')).href, MAIN]
    const child = spawn(process.execPath, [...args, '--workshop', join(this.folder, 'workshop.conf')])
    child.stdout.on('data', piece => {
      this.#out += piece
      this.#notify()
    })
    this.#child = child
    await this.printed(/serves a workshop: \S+/)
    return /serves a workshop: (\S+)/.exec(this.#out)?.[1] as string
  }

  async printed(text: RegExp): Promise<void> {
    while (!text.test(this.#out)) {
      await new Promise<void>(resolve => {
        this.#notify = resolve
      })
    }
  }

  signal(name: NodeJS.Signals): void {
    this.#child?.kill(name)
  }

  async ended(): Promise<number | null> {
    const child = this.#child as ChildProcess
    if (child.exitCode === null) await once(child, 'exit')
    return child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child?.exitCode === null) {
      this.signal('SIGKILL')
      await once(this.#child, 'exit')
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}

test('the log names the printer, SIGHUP reads workshop.conf again, SIGTERM ends with 0', async () => {
  await using run = new WorkshopRun()
  await run.start()
  await run.printed(/^\[one\] \S+ INFO/m)
  run.write('printer_two_data/config/moonraker.conf', '[server]\n[machine]\nprovider: none\n')
  run.writeWorkshop(['one', 'two'])
  run.signal('SIGHUP')
  await run.printed(/^\[two\] \S+ INFO/m)
  run.signal('SIGTERM')
  assert.equal(await run.ended(), 0)
})

test('a workshop.conf that is wrong after SIGHUP changes nothing', async () => {
  await using run = new WorkshopRun()
  const url = await run.start()
  await run.printed(/^\[one\] \S+ INFO/m)
  run.write('workshop.conf', '[workshop]\nport: many\n')
  run.signal('SIGHUP')
  await run.printed(/workshop\.conf is not reloaded: .*"port: many"/)
  let status = 503
  while (status === 503) ({ status } = await fetch(`${url}/one/server/info`))
  assert.equal(status, 200)
})

test('an error that no code has caught ends the process with 70', async () => {
  await using run = new WorkshopRun()
  await run.start("process.on('SIGUSR2', () => { throw new Error('broken') })")
  run.signal('SIGUSR2')
  assert.equal(await run.ended(), 70)
  await run.printed(/ERROR {3}uncaught error, the process ends: Error: broken/)
})
