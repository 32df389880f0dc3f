// The network of a chaos run: a network namespace for each node, joined by a bridge. All of it is inside the namespaces of
// the run itself, and is gone when the run ends, however it ends.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'

/** Makes the run a root in namespaces of its own; its processes end with it. */
const UNSHARE = [
  '--user',
  '--map-root-user',
  '--net',
  '--mount',
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
]
/** Set in the environment of the program that runs in these namespaces. */
const MARK = 'FLEET_CHAOS_NAMESPACES'
const SUBNET = '10.77.0'
const BRIDGE = 'fleet'
/** Where `ip netns` keeps its names. */
const NAMES = '/run/netns'

/** Whether this process is in the namespaces of a run. */
export function isInNamespaces(): boolean {
  return process.env[MARK] === '1'
}

/** Runs this program again in namespaces of its own; resolves with its exit code, or why there can be no namespaces. */
export async function runInNamespaces(): Promise<number | string> {
  const probe = spawnSync('unshare', [...UNSHARE, 'ip', 'link', 'add', 'probe', 'type', 'bridge'], {
    encoding: 'utf8',
  })
  if (probe.status !== 0) return probe.stderr?.trim() || 'unshare and ip are needed'
  const args = [...UNSHARE, process.execPath, ...process.argv.slice(1)]
  const child = spawn('unshare', args, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } })
  // All processes of the run end with it.
  const end = () => child.kill('SIGKILL')
  process.once('SIGTERM', end).once('SIGINT', end)
  const [code] = (await once(child, 'exit')) as [number | null]
  return code ?? 1
}

export class Network {
  #nodes = 10

  constructor() {
    mkdirSync(NAMES, { recursive: true })
    run('mount', '-t', 'tmpfs', 'none', NAMES)
    ip('link set lo up')
    ip(`link add ${BRIDGE} type bridge`)
    ip(`addr add ${SUBNET}.1/24 dev ${BRIDGE}`)
    ip(`link set ${BRIDGE} up`)
  }

  /** Adds a node; returns its address. `name` has at most 12 characters. */
  add(name: string): string {
    this.#nodes += 1
    const address = `${SUBNET}.${this.#nodes}`
    ip(`netns add ${name}`)
    ip(`link add v-${name} type veth peer name eth0 netns ${name}`)
    ip(`link set v-${name} master ${BRIDGE}`)
    ip(`link set v-${name} up`)
    ip(`-n ${name} addr add ${address}/24 dev eth0`)
    ip(`-n ${name} link set lo up`)
    ip(`-n ${name} link set eth0 up`)
    return address
  }

  /** Drops all packets from and to a node; connections stay open. */
  cut(name: string): void {
    ip(`link set v-${name} down`)
  }

  heal(name: string): void {
    ip(`link set v-${name} up`)
  }

  /** The command that runs a program on a node. */
  static on(name: string, command: readonly string[]): readonly string[] {
    return ['ip', 'netns', 'exec', name, ...command]
  }
}

function ip(args: string): void {
  run('ip', ...args.split(' '))
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] })
}
