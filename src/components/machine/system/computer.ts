// What the process knows of its computer without reading files. Tests replace it by other computers.
import { availableParallelism, machine, type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { LoadCalls } from '../system-calls.ts'
import { type CanLink, queryCanLink } from './can-link.ts'

export interface Computer {
  /** What this program was built for, in Node's words: arm, arm64, x64 … */
  readonly arch: string
  /** The output of `uname -m`. */
  readonly machine: string
  readonly cores: number
  /** The folder of the user who runs this; '' without one. */
  readonly home: string
  /** Interfaces that are up and have addresses. Throws where they may not be listed, as for programs on Android. */
  interfaces(): Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>
  /** What the kernel reports about a CAN interface, by its number. Rejects if it cannot be queried. */
  canLink(index: number): Promise<CanLink>
}

/** The computer that this process runs on. */
export const thisComputer = (calls: LoadCalls): Computer => ({
  arch: process.arch,
  machine: machine(),
  cores: availableParallelism(),
  home: process.env.HOME ?? '',
  interfaces: networkInterfaces,
  canLink: index => queryCanLink(index, calls),
})
