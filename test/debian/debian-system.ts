// A Debian with systemd that runs in a container, on a copy of a folder that stays as it is.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { absent } from '../support/program.ts'
import { until } from './until.ts'

/** A folder with Debian, systemd, dbus and polkitd, as mmdebstrap makes it; .ci/run does. */
const ROOT = process.env.DEBIAN_ROOT
/** Milliseconds for one command. */
const LIMIT = 60_000

/** Why no such system can run here, as a reason to skip; false if it can. */
export const withoutDebian =
  ROOT === undefined ? 'DEBIAN_ROOT names no folder with a Debian system' : absent('systemd-nspawn')

export class DebianSystem implements AsyncDisposable {
  readonly #container: ChildProcess
  #leader = 0

  private constructor(container: ChildProcess) {
    this.#container = container
  }

  /** Starts the system, which sees the folder `packages` as /packages. */
  static async boot(packages: string): Promise<DebianSystem> {
    const args = [`--directory=${ROOT}`, '--volatile=overlay', `--bind-ro=${packages}:/packages`, '--boot']
    const more = ['--quiet', '--register=no', '--keep-unit', '--private-network', '--console=pipe']
    const container = spawn('systemd-nspawn', [...args, ...more], { stdio: ['ignore', 'ignore', 'inherit'] })
    const system = new DebianSystem(container)
    await until(() => {
      const { pid } = container
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
      system.#leader = Number(children.split(' ')[0])
      return system.run('systemctl', 'is-system-running') === 'running'
    })
    return system
  }

  /** The output of a command in the system. Throws Error if it fails. */
  run(...command: readonly string[]): string {
    return this.#enter(['--all'], command)
  }

  /** The output of a shell script in the system. */
  sh(script: string): string {
    return this.run('sh', '-e', '-c', script)
  }

  write(path: string, text: string, mode = '644'): void {
    const script = `mkdir -p "$(dirname "${path}")"; cat > "${path}"; chmod ${mode} "${path}"`
    this.#enter(['--all'], ['sh', '-e', '-c', script], text)
  }

  /** The status and the body of a reply of the server in the system; `args` are options of curl, `input` is its stdin. */
  request(path: string, args: readonly string[] = [], input = ''): { status: number; body: string } {
    const url = `http://127.0.0.1:7125${path}`
    const curl = ['curl', '--silent', '--max-time', '20', '--write-out', '\n%{http_code}', ...args, url]
    const output = this.#enter(['--net'], curl, input)
    const end = output.lastIndexOf('\n')
    return { status: Number(output.slice(end + 1)), body: output.slice(0, end) }
  }

  /** The result of a method that is called by GET, or with `args`. */
  // biome-ignore lint/suspicious/noExplicitAny: results are looked at field by field
  result(path: string, args?: readonly string[], input?: string): any {
    return JSON.parse(this.request(path, args, input).body).result
  }

  #enter(spaces: readonly string[], command: readonly string[], input = ''): string {
    const args = [`--target=${this.#leader}`, ...spaces, '--', ...command]
    const env = {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      DEBIAN_FRONTEND: 'noninteractive',
      LC_ALL: 'C.UTF-8',
    }
    return execFileSync('nsenter', args, {
      env,
      input,
      encoding: 'utf8',
      timeout: LIMIT,
      stdio: 'pipe',
    }).trim()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#container.exitCode !== null) return
    const ended = once(this.#container, 'exit')
    this.#container.kill('SIGTERM')
    await ended
  }
}
