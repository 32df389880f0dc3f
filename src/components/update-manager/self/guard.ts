// The guard of an update of this server: a program of its own, of the version before. It waits for the new version to answer,
// and otherwise puts the previous version back. `guard.cjs TRIAL` does so after an update, when the process of the previous version
// has ended; `guard.cjs TRIAL start ARGUMENTS` at each start of a version that has not answered yet: it counts the starts, and
// ends with the code 10 when it has put the previous version back.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { isInstalled, takeBack } from './take-back.ts'
import { readTrial, type Trial, writeTrial } from './trial.ts'

/** Milliseconds between two attempts, and for one. */
const PAUSE = 500
/** Seconds for the previous version to end. */
const END_SECONDS = 60
const END_OF_MESSAGE = '\x03'
/** Starts without an answer, after which the previous version is put back. */
const MAX_STARTS = 3
/** The exit code for a start of the previous version; scripts/loader.cjs has it too. */
const TAKEN_BACK = 10

/** Counts a start of the new version. Resolves with the exit code. */
async function countStart(file: string, trial: Trial, command: string): Promise<number> {
  if (!(await isInstalled(trial))) {
    // The update was not completed, or its previous version is back.
    await rm(file, { force: true })
    return 0
  }
  const starts = (trial.starts[command] ?? 0) + 1
  if (starts > MAX_STARTS) {
    await takeBack(file, trial, `did not answer in ${MAX_STARTS} starts`)
    return TAKEN_BACK
  }
  writeTrial(file, { ...trial, starts: { ...trial.starts, [command]: starts } })
  const args = [process.argv[1] ?? '', file, 'watch']
  spawn(process.execPath, args, { detached: true, stdio: 'ignore' })
    .on('error', () => undefined)
    .unref()
  return 0
}

/** Waits for the new version, which runs now or soon. */
async function watch(file: string, { program, socket, seconds, ...trial }: Trial): Promise<void> {
  const isConfirmed = async () => !existsSync(file) || (await answers(socket))
  if (await becomesTrue(seconds, isConfirmed)) return rm(file, { force: true })
  await takeBack(file, { program, socket, seconds, ...trial }, `did not answer within ${seconds} s`)
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

async function main(file: string, mode: string | undefined, command: string): Promise<number> {
  const trial = readTrial(file)
  if (trial === null) return 0
  if (mode === 'start') return countStart(file, trial, command)
  // A server that goes on has not been restarted: the next start decides.
  const hasEnded = () => Promise.resolve(!isRunning(trial.processId))
  if (mode === 'watch' || (await becomesTrue(END_SECONDS, hasEnded))) await watch(file, trial)
  return 0
}

const [file = '', mode, ...command] = process.argv.slice(2)
void main(file, mode, command.join(' ')).then(code => {
  process.exitCode = code
})
