// A workshop in a process of its own, in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type DataPaths, dataPaths } from '../../src/core/paths.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const ADDRESS = /serves a workshop: (\S+)/g

export class WorkshopRun implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'workshop-process-'))
  #child: ChildProcess | null = null
  #out = ''
  #notify = () => {}

  /** `names` are those of its printers. */
  constructor(names: readonly string[] = ['one']) {
    for (const name of names) this.writeConf(name)
    this.writeWorkshop(names)
  }

  write(name: string, text: string): void {
    const path = join(this.folder, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text)
  }

  paths(name: string): DataPaths {
    return dataPaths(join(this.folder, `printer_${name}_data`))
  }

  /** Writes the moonraker.conf of a printer; `server` are lines of its [server]. */
  writeConf(name: string, server = ''): void {
    this.write(
      `printer_${name}_data/config/moonraker.conf`,
      `[server]\n${server}\n[machine]\nprovider: none\n[authorization]\ntrusted_clients: 127.0.0.1\n` +
        '[announcements]\nenable_moonlight: False\n',
    )
  }

  writeWorkshop(names: readonly string[]): void {
    const sections = names.map(
      name => `[printer ${name}]\ndata_path: ${this.paths(name).data}\nown_port: False\n`,
    )
    this.write('workshop.conf', `[workshop]\nhost: 127.0.0.1\nport: 0\nssl_port: 0\n${sections.join('')}`)
  }

  /** Starts the process; `preload` is a module that runs in it first. Resolves with the address of the listener. */
  start(preload = ''): Promise<string> {
    this.spawn(preload)
    return this.address(1)
  }

  /** Starts the process, with further environment variables. */
  spawn(preload: string, env: Readonly<Record<string, string>> = {}): ChildProcess {
    this.write('preload.mjs', preload)
    const args = ['--import', pathToFileURL(join(this.folder, 'preload.mjs')).href, MAIN]
    const child = spawn(process.execPath, [...args, '--workshop', join(this.folder, 'workshop.conf')], {
      env: { ...process.env, ...env },
    })
    child.stdout.on('data', piece => {
      this.#out += piece
      this.#notify()
    })
    this.#child = child
    return child
  }

  /** The address at the process' `start`-th start, once it listens. */
  async address(start: number): Promise<string> {
    const find = () => [...this.#out.matchAll(ADDRESS)][start - 1]?.[1]
    await this.#until(() => find() !== undefined)
    return find() as string
  }

  printed(text: RegExp): Promise<void> {
    return this.#until(() => text.test(this.#out))
  }

  async #until(isFulfilled: () => boolean): Promise<void> {
    while (!isFulfilled()) {
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
    const child = this.#child
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      this.signal('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}
