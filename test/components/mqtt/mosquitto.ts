// Mosquitto, a broker that many people use, in a folder and on a port of its own.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { freePort } from '../../support/free-port.ts'
import { killProcess } from '../../support/kill-process.ts'
import { programPath } from '../../support/program.ts'

export class Mosquitto implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'mosquitto-'))
  readonly port: number
  #process: ChildProcess | null = null

  private constructor(port: number) {
    this.port = port
  }

  /** Starts with further lines of configuration and further files; `{folder}` in the lines is replaced by their folder. */
  static async start(
    lines: readonly string[],
    files: Readonly<Record<string, string>> = {},
  ): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort())
    const all = [
      `listener ${broker.port} 127.0.0.1`,
      'log_dest stderr',
      // Started by root, it would give up its rights, and with them its folder.
      'user root',
      ...lines,
    ]
    const text = all.join('\n').replaceAll('{folder}', broker.folder)
    for (const [name, content] of Object.entries({ ...files, 'mosquitto.conf': `${text}\n` })) {
      writeFileSync(join(broker.folder, name), content)
    }
    await broker.run()
    return broker
  }

  /** Starts the process; resolves when it accepts connections. */
  async run(): Promise<void> {
    const child = spawn(programPath('mosquitto') ?? '', ['-c', join(this.folder, 'mosquitto.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    const seen: string[] = []
    for await (const line of createInterface({ input: child.stderr! })) {
      seen.push(line)
      if (line.endsWith('running')) break
    }
    if (!seen.at(-1)?.endsWith('running')) throw new Error(`mosquitto does not start:\n${seen.join('\n')}`)
    // A full pipe would stop the broker.
    child.stderr?.resume()
  }

  /** Ends the process as a power failure would. */
  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    await killProcess(child)
  }

  /** Resolves with `count` messages of `topic` as mosquitto_sub prints them. */
  async messages(topic: string, count: number, options: readonly string[] = []): Promise<string[]> {
    const args = ['-p', `${this.port}`, '-t', topic, '-C', `${count}`, '-W', '20', ...options]
    const { stdout } = await promisify(execFile)('mosquitto_sub', args)
    return stdout.trimEnd().split('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
