// A system as KIAUH lays it out, in a folder: units, users, Moonraker; and a `systemctl` that runs its services.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from '../../support/free-port.ts'
import { type Finished, finished } from '../../support/process-output.ts'
import { serverBundle } from '../../support/server-bundle.ts'

/** In place of Moonraker: replies to everything but `/readyz`. */
export const MOONRAKER = `
const { readFileSync } = require('node:fs')
const data = process.argv[process.argv.indexOf('-d') + 1]
const [, port] = /^port: (\\d+)$/m.exec(readFileSync(data + '/config/moonraker.conf', 'utf8'))
require('node:http').createServer((req, res) => {
  res.writeHead(req.url === '/server/info' ? 200 : 404).end('{"result":{}}')
}).listen(Number(port), '127.0.0.1')
`

/** Runs the commands of systemd for units in the folder of the layout, which it receives in ROOT. */
const SYSTEMCTL = `
const { readFileSync, readdirSync, writeFileSync, existsSync } = require('node:fs')
const { spawn } = require('node:child_process')
const root = process.env.ROOT
const [verb, ...words] = process.argv.slice(2)
const service = words.at(-1)
const file = root + '/run/' + service + '.pid'
const unit = root + '/etc/systemd/system/' + service + '.service'
const below = word => word.startsWith('/home/') ? root + word : word
async function stop() {
  if (!existsSync(file)) return
  const pid = Number(readFileSync(file, 'utf8'))
  try { process.kill(pid) } catch {}
  for (;;) {
    try { process.kill(pid, 0) } catch { return }
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
function start() {
  const dropIn = unit + '.d/moonraker-ts.conf'
  const replaced = existsSync(dropIn) ? readFileSync(dropIn, 'utf8') : ''
  if (replaced !== '' && process.env.BROKEN) return
  const [, line] = /^ExecStart=(.+)$/m.exec(replaced) ?? /^ExecStart=(.+)$/m.exec(readFileSync(unit, 'utf8'))
  const [, environment] = /^EnvironmentFile=(.+)$/m.exec(readFileSync(unit, 'utf8'))
  const [, args] = /^MOONRAKER_ARGS="(.+)"$/m.exec(readFileSync(below(environment), 'utf8'))
  const words = line.replace('$MOONRAKER_ARGS', args).split(' ').map(below)
  const child = spawn(words[0], words.slice(1), { detached: true, stdio: 'ignore', env: { PATH: process.env.PATH, HOME: root + '/home/pi' } })
  child.unref()
  writeFileSync(file, String(child.pid))
}
if (verb === 'restart') stop().then(start)
if (verb === 'stop') void stop()
if (verb === 'is-active') process.exitCode = existsSync(file) ? 0 : 3
`

/** One printer of the layout. */
export interface Printer {
  readonly service: string
  readonly dataPath: string
  readonly port: number
}

export class KiauhLayout implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'kiauh-'))
  readonly root = join(this.#folder, 'root')
  readonly #printers: Printer[] = []
  #server = ''

  /** Builds the program, and creates the users and Moonraker. */
  static async create(): Promise<KiauhLayout> {
    const layout = new KiauhLayout()
    layout.#server = join(await serverBundle(), 'moonraker.cjs')
    layout.write('etc/passwd', `pi:x:${process.getuid?.()}:${process.getgid?.()}:,,,:/home/pi:/bin/bash\n`)
    layout.#addProgram('home/pi/moonraker-env/bin/python', MOONRAKER)
    layout.write('home/pi/moonraker/moonraker/moonraker.py', '')
    layout.#addProgram('bin/systemctl', SYSTEMCTL)
    mkdirSync(layout.at('run'))
    return layout
  }

  at(path: string): string {
    return join(this.root, path)
  }

  write(path: string, text: string, mode = 0o644): void {
    mkdirSync(dirname(this.at(path)), { recursive: true })
    writeFileSync(this.at(path), text, { mode })
  }

  link(path: string, target: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true })
    symlinkSync(target, this.at(path))
  }

  read(path: string): string {
    return readFileSync(this.at(path), 'utf8')
  }

  #addProgram(path: string, text: string): void {
    this.write(path, `#!${process.execPath}\n${text}`, 0o755)
  }

  /** Adds a printer with the service that KIAUH gives it. `conf` is further text of its moonraker.conf. */
  async addPrinter(suffix: string, conf = ''): Promise<Printer> {
    const service = suffix === '' ? 'moonraker' : `moonraker-${suffix}`
    const data = `home/pi/${suffix === '' ? 'printer_data' : `printer_${suffix}_data`}`
    const port = await freePort()
    this.write(
      `etc/systemd/system/${service}.service`,
      `[Unit]\nDescription=API Server for Klipper\n\n[Service]\nType=simple\nUser=pi\nRemainAfterExit=yes\n` +
        `WorkingDirectory=/home/pi/moonraker\nEnvironmentFile=/${data}/systemd/moonraker.env\n` +
        'ExecStart=/home/pi/moonraker-env/bin/python $MOONRAKER_ARGS\nRestart=always\nRestartSec=10\n',
    )
    this.write(
      `${data}/systemd/moonraker.env`,
      `MOONRAKER_ARGS="/home/pi/moonraker/moonraker/moonraker.py -d /${data}"\n`,
    )
    this.write(
      `${data}/config/moonraker.conf`,
      `[server]\nhost: 127.0.0.1\nport: ${port}\nssl_port: 0\nklippy_uds_address: ~/${data.replace('home/pi/', '')}/comms/virtual-klippy.sock\n` +
        `[authorization]\ntrusted_clients: 127.0.0.1\n[machine]\nprovider: none\n${conf}`,
    )
    mkdirSync(this.at(`${data}/comms`))
    const printer = { service, dataPath: this.at(data), port }
    this.#printers.push(printer)
    return printer
  }

  /** Runs a command of the program; `broken` makes systemd start nothing in place of Moonraker. */
  run(args: readonly string[], broken = false): Promise<Finished> {
    return finished(this.#spawn(process.execPath, [this.#server, ...args, '--root', this.root], broken))
  }

  async systemctl(...args: string[]): Promise<void> {
    await once(this.#spawn(this.at('bin/systemctl'), args, false), 'close')
  }

  #spawn(program: string, args: readonly string[], broken: boolean): ChildProcess {
    const path = `${this.at('bin')}:${process.env.PATH}`
    return spawn(program, args, { env: { PATH: path, ROOT: this.root, ...(broken && { BROKEN: '1' }) } })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { service } of this.#printers) await this.systemctl('stop', service)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
