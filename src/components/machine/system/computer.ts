// What the process knows of its computer without reading files. Tests replace it by other computers.
import { availableParallelism, machine, type NetworkInterfaceInfo, networkInterfaces } from 'node:os'
import type { LoadCalls } from '../system-calls.ts'
import { askCanLink, type CanLink } from './can-link.ts'

export interface Computer {
  /** What this program was built for, in Node's words: arm, arm64, x64 … */
  readonly arch: string
  /** As `uname -m` says. */
  readonly machine: string
  readonly cores: number
  /** The folder of the user who runs this; '' where there is none. */
  readonly home: string
  /** Interfaces that are up and have addresses. Throws where they may not be listed, as for programs on Android. */
  interfaces(): Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>
  /** What the kernel tells of a CAN interface, by its number. Rejects where it cannot be asked. */
  canLink(index: number): Promise<CanLink>
}

/** The computer that this process runs on. */
export const thisComputer = (calls: LoadCalls): Computer => ({
  arch: process.arch,
  machine: machine(),
  cores: availableParallelism(),
  home: process.env.HOME ?? '',
  interfaces: networkInterfaces,
  canLink: index => askCanLink(index, calls),
})
