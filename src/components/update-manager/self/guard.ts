// The guard of an update of this server: a program of its own that waits for the new version to answer, and else puts the
// previous version back. Started with the path of a file that contains a Trial.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Replacement } from '../archive/replacement.ts'

/** What the guard waits for. */
export interface Trial {
  /** The folder that was replaced. */
  readonly path: string
  /** The program of the server. */
  readonly program: string
  /** The server's unix socket. */
  readonly socket: string
  /** The process that runs the previous version. */
  readonly processId: number
  /** Seconds that the new version has to answer. */
  readonly seconds: number
}

/** Milliseconds between two attempts, and for one. */
const PAUSE = 500
/** Seconds for the previous version to end. */
const END_SECONDS = 60
const END_OF_MESSAGE = '\x03'

async function guard({ path, program, socket, processId, seconds }: Trial): Promise<void> {
  // A server that goes on has not been restarted: nothing is to be guarded.
  if (!(await becomesTrue(END_SECONDS, () => Promise.resolve(!isRunning(processId))))) return
  if (await becomesTrue(seconds, () => answers(socket))) return
  const replacement = new Replacement(path)
  await replacement.replaceFolder('previous')
  const text = `The new version of this server did not answer within ${seconds} s: the previous version is back`
  await writeFile(join(replacement.folder, 'guard.txt'), text)
  // The service manager starts the previous version then.
  for (const id of processesOf(program)) process.kill(id, 'SIGKILL')
}

async function becomesTrue(seconds: number, check: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    if (await check()) return true
    await setTimeout(PAUSE)
  }
  return false
}

function isRunning(processId: number): boolean {
  try {
    return process.kill(processId, 0)
  } catch {
    return false
  }
}

/** Whether the server replies to a request. */
function answers(path: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(path)
    const end = (result: boolean) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(PAUSE, () => end(false))
    socket.on('error', () => end(false))
    socket.on('close', () => end(false))
    socket.on('data', data => end(String(data).includes('"result"')))
    socket.write(JSON.stringify({ jsonrpc: '2.0', method: 'server.info', id: 1 }) + END_OF_MESSAGE)
  })
}

/** The processes that run a program. */
function processesOf(program: string): number[] {
  if (!existsSync('/proc')) return []
  const ids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return ids.map(Number).filter(id => {
    try {
      const args = readFileSync(`/proc/${id}/cmdline`, 'utf8').split('\0')
      return args.includes(program)
    } catch {
      return false
    }
  })
}

async function main(trialFile: string): Promise<void> {
  await guard(JSON.parse(readFileSync(trialFile, 'utf8')) as Trial)
  await rm(trialFile, { force: true })
}

void main(process.argv[2] ?? '')
