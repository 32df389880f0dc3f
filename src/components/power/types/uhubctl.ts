// [power NAME] of type uhubctl: the ports of a USB hub, through the program uhubctl.
import { findProgram } from '../../../core/find-program.ts'
import { runCommand } from '../../../core/run-command.ts'
import type { Deadline } from '../deadline.ts'
import type { DriverContext, PowerDriver } from '../driver.ts'

/** The time for one run of the program. */
const TIMEOUT = 2
const PORT_LINE = /^\s*Port (\d+): [\da-f]{4} (power|off)/

export const failure = (name: string, to: string) => `Power Device ${name}: Error turning device ${to}`

export async function open({ section, options }: DriverContext<'uhubctl'>): Promise<PowerDriver> {
  const { location, port } = options
  if ((await findProgram('uhubctl')) === null) {
    throw section.error(`section [${section.section}] needs the program uhubctl; install the package uhubctl`)
  }
  const run = async (heading: string, args: readonly string[], deadline: Deadline): Promise<string> => {
    const all = ['-l', location, ...(port === undefined ? [] : ['-p', String(port)]), ...args]
    const { code, stdout, stderr } = await runCommand('uhubctl', all, {
      timeoutSeconds: TIMEOUT,
      signal: deadline.signal,
    })
    if (code !== 0) throw new Error(`uhubctl: ${stderr.trim().split('\n')[0] ?? `exit code ${code}`}`)
    return stateOf(stdout, `${heading} status for hub ${location} `, port)
  }
  return {
    read: deadline => run('Current', [], deadline),
    write: (to, deadline) => run('New', ['-a', to], deadline),
  }
}

/** The state of the first port below `heading`, or of port `wanted`. Throws Error if it is not there. */
function stateOf(output: string, heading: string, wanted: number | undefined): string {
  let isBelow = false
  for (const line of output.split('\n')) {
    if (/ status for hub /.test(line)) isBelow = line.startsWith(heading)
    const [, port, state] = PORT_LINE.exec(line) ?? []
    if (!isBelow || port === undefined) continue
    if (wanted === undefined || Number(port) === wanted) return state === 'power' ? 'on' : 'off'
  }
  throw new Error(`uhubctl reports no state of port ${wanted ?? 'any'}; is the location right?`)
}
