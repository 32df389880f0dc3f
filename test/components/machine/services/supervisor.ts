// supervisord with programs that sleep, in a folder of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROGRAM = '/usr/bin/supervisord'

/** supervisorctl without the search for its plug-ins, which takes three quarters of its time. */
const CONTROL = `#!/usr/bin/python3
import sys, types
sys.modules['pkg_resources'] = types.ModuleType('pkg_resources')
from supervisor.supervisorctl import main
sys.exit(main())
`

/** Why there can be none here; undefined where there can. */
export const absent: string | undefined = existsSync(PROGRAM)
  ? undefined
  : `${PROGRAM} is not installed (apt install supervisor)`

/** A running supervisord. While it lasts, the supervisorctl on this process's PATH is a quick one. */
export interface Supervisor extends AsyncDisposable {
  /** For supervisorctl. */
  readonly config: string
  /** Ends it, with its programs. */
  stop(): Promise<void>
}

/** Starts one; `programs` are the lines of each program's section, by its name. */
export async function startSupervisor(
  programs: Readonly<Record<string, readonly string[]>>,
): Promise<Supervisor> {
  const folder = mkdtempSync(join(tmpdir(), 'sv-'))
  const socket = join(folder, 'sock')
  const config = join(folder, 'supervisord.conf')
  const sections = {
    unix_http_server: [`file=${socket}`],
    supervisord: [`logfile=${folder}/log`, `pidfile=${folder}/pid`, `childlogdir=${folder}`],
    'rpcinterface:supervisor': [
      'supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface',
    ],
    supervisorctl: [`serverurl=unix://${socket}`],
    ...Object.fromEntries(Object.entries(programs).map(([name, lines]) => [`program:${name}`, lines])),
  }
  const text = Object.entries(sections).map(([name, lines]) => [`[${name}]`, ...lines, ''].join('\n'))
  writeFileSync(config, text.join('\n'))
  writeFileSync(join(folder, 'supervisorctl'), CONTROL, { mode: 0o755 })
  const { PATH } = process.env
  process.env.PATH = `${folder}:${PATH}`
  const child = spawn(PROGRAM, ['-n', '-c', config], { stdio: ['ignore', 'pipe', 'ignore'] })
  const stop = async () => {
    await end(child)
    process.env.PATH = PATH
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await untilStarted(child)
  } catch (error) {
    await stop()
    throw error
  }
  return { config, stop: () => end(child), [Symbol.asyncDispose]: stop }
}

/** Its log shows when it has started. */
async function untilStarted(child: ChildProcess): Promise<void> {
  let output = ''
  for await (const part of child.stdout!.iterator({ destroyOnReturn: false })) {
    output += part
    if (output.includes('supervisord started')) {
      child.stdout!.resume()
      return
    }
  }
  throw new Error(`supervisord does not start: ${output}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill()
  await gone
}
