// The command line of the benchmarks.
import { parseArgs } from 'node:util'

export const HELP = `Usage: node bench/main.ts [options] [names of cases]

The cases idle and session take minutes, and mqtt needs Mosquitto: they run where they are named, once unless --runs is given.

Measures a server of this API: ours (dist/moonraker.cjs, started with a fresh data folder), or with --port another.

  --port N             the server's port; ours is started where it is left out
  --host H             its address (default 127.0.0.1)
  --start COMMAND      starts that server; without it, it has to run already
  --pid N              its process, for memory and CPU time, where it is not started by --start
  --socket PATH        its unix socket, for rpc-unix
  --klippy-socket PATH where it looks for Klippy: the benchmark is Klippy there (query, fan-out)
  --runs N             how often each case is measured (default 3); the table shows median (min..max)
  --warm-up S          seconds before idle and session count (default 60)
  --counted S          seconds that idle and session count (default 300)
  --help               print this
`

/** The options of the command line. */
export interface Options {
  readonly host: string
  /** Null for our own server. */
  readonly port: number | null
  readonly start: string | null
  readonly pid: number | null
  readonly socketPath: string | null
  readonly klippySocket: string | null
  /** Null for the default. */
  readonly runs: number | null
  readonly warmUp: number
  readonly counted: number
  readonly help: boolean
  /** The cases that are wanted; all where it is empty. */
  readonly names: readonly string[]
}

/** Reads the arguments. Throws for what cannot be understood. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string' },
      start: { type: 'string' },
      pid: { type: 'string' },
      socket: { type: 'string' },
      'klippy-socket': { type: 'string' },
      runs: { type: 'string' },
      'warm-up': { type: 'string', default: '60' },
      counted: { type: 'string', default: '300' },
      help: { type: 'boolean', default: false },
    },
  })
  return {
    host: values.host,
    port: values.port === undefined ? null : whole('--port', values.port),
    start: values.start ?? null,
    pid: values.pid === undefined ? null : whole('--pid', values.pid),
    socketPath: values.socket ?? null,
    klippySocket: values['klippy-socket'] ?? null,
    runs: values.runs === undefined ? null : whole('--runs', values.runs),
    warmUp: whole('--warm-up', values['warm-up']),
    counted: whole('--counted', values.counted),
    help: values.help,
    names: positionals,
  }
}

function whole(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${option} ${text}: give a whole number above 0`)
  return value
}
