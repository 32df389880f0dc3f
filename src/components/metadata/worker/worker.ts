// The metadata worker: a child process that reads G-code files, since their content can cost much time and memory. It
// ends when the server closes the channel.
import { messageOf } from '../../../core/errors.ts'
import { decodeFile } from './decode-file.ts'
import type { JobHandler, JobMessage, JobName, JobRequest } from './jobs.ts'
import { readFile } from './read-file.ts'
import { processFile } from './run-processors.ts'

const handlers: { readonly [J in JobName]: JobHandler<J> } = {
  read: readFile,
  process: processFile,
  decode: decodeFile,
}

function send(message: JobMessage): void {
  process.send?.(message)
}

async function run({ job, input }: JobRequest, signal: AbortSignal): Promise<void> {
  const handler = handlers[job] as JobHandler<JobName>
  try {
    const result = await handler(input as never, value => send({ kind: 'progress', value }), signal)
    send({ kind: 'result', value: result })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    send({ kind: 'failure', message: messageOf(error), ...(typeof code === 'string' && { code }) })
  }
}

const closed = new AbortController()
process.on('message', request => void run(request as JobRequest, closed.signal))
process.on('disconnect', () => closed.abort(new Error('the server closed the channel')))
