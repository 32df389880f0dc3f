// The logs of the process, as the command line configures them.
import { dirname } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { messageOf, StartError } from '../core/errors.ts'
import { Log } from '../core/log.ts'
import { makeFoldersSync } from '../core/make-folders.ts'
import { print } from '../core/output.ts'
import type { CommandLine } from './command-line.ts'

/**
 * Makes a log to the console and to `file`, whose folder is created. Of several printers, `printer` names the one that
 * lines on the console are of. Throws StartError if the folder cannot be created.
 */
export function createLog(
  { structuredLogging: structured, verbose }: Pick<CommandLine, 'structuredLogging' | 'verbose'>,
  file: string | null,
  printer?: string,
): Log {
  try {
    if (file !== null) makeFoldersSync(dirname(file))
  } catch (error) {
    throw new StartError(`the log folder cannot be created: ${messageOf(error)}; give another file with -l`)
  }
  const named = (line: string) => {
    if (printer === undefined) return line
    return structured ? `{"printer":"${printer}",${line.slice(1)}` : `[${printer}] ${line}`
  }
  return new Log({
    clock: systemClock,
    file,
    structured,
    level: verbose ? 'debug' : 'info',
    console: line => print(`${named(line)}\n`),
  })
}
