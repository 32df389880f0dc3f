// Sends through the `apprise` command, for the services without a sender of our own. The URL goes into a file that only
// the server's user can read, since arguments are visible in the list of processes.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { findProgram } from '../../core/find-program.ts'
import { CommandError, type CommandResult, runCommand } from '../../core/run-command.ts'
import { DeliveryError, type Message } from './message.ts'
import type { Send } from './sender.ts'

const PROGRAM = 'apprise'
/** Seconds for one message, over all services of the URL. */
const TIMEOUT = 60
/** Characters of the program's output that go into an error. */
const MAX_PROBLEM = 200

/** Whether the command is installed. */
export async function hasApprise(): Promise<boolean> {
  return (await findProgram(PROGRAM)) !== null
}

/** Sends each message to `url` by the command. */
export function createAppriseSender(url: string): Send {
  return async message => {
    const folder = await mkdtemp(join(tmpdir(), 'notifier-'))
    try {
      const files = await writeFiles(folder, url, message)
      await run(message, files)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
}

interface Files {
  readonly config: string
  readonly attachments: readonly string[]
}

async function writeFiles(folder: string, url: string, message: Message): Promise<Files> {
  const config = join(folder, 'apprise.conf')
  await writeFile(config, `${url.replace(/[\r\n]/g, '')}\n`, { mode: 0o600 })
  const attachments: string[] = []
  for (const { name, data } of message.attachments) {
    const file = join(folder, name.replace(/[/\0]/g, '_').replace(/^\.+/, '_') || 'file')
    await writeFile(file, data, { mode: 0o600 })
    attachments.push(file)
  }
  return { config, attachments }
}

async function run({ title, body, format }: Message, { config, attachments }: Files): Promise<void> {
  const args = [
    `--config=${config}`,
    `--input-format=${format}`,
    ...(title === '' ? [] : [`--title=${title}`]),
    ...attachments.map(file => `--attach=${file}`),
  ]
  let result: CommandResult
  try {
    result = await runCommand(PROGRAM, args, { timeoutSeconds: TIMEOUT, input: body })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    throw new DeliveryError(messageOf(error), true, { cause: error })
  }
  if (result.code === 0) return
  const problem = `${result.stderr}${result.stdout}`.replace(/\s+/g, ' ').trim().slice(0, MAX_PROBLEM)
  throw new DeliveryError(`apprise ended with ${result.code ?? 'a signal'}: ${problem}`, true)
}
