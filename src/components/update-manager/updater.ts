// The interface of everything that can be updated: each type reads the state of one installation and changes it.
import type { EntryStatus } from '../../api/update-manager.ts'
import type { Core } from '../../component/component.ts'
import type { ReadSection, SectionOptions } from '../../config/index.ts'
import type { PlainData } from '../../core/plain-data.ts'
import type { InferShape } from '../../schema/index.ts'
import type { MachineServices } from '../machine/service.ts'
import type { Git } from './git/git.ts'
import type { CommonOptions, GeneralOptions } from './options.ts'
import type { ReleaseApi } from './releases/release-api.ts'
import type { SystemPackages } from './system/system-packages.ts'

/** The interface of a running update, recovery or rollback for the updater. */
export interface UpdateRun {
  /** What clients see as the application of the messages: `mainsail`, `rollback_mainsail`, `full`. */
  readonly application: string
  /** Aborted when a client cancels the run, and when the server stops. */
  readonly signal: AbortSignal
  /** Sends a line to clients; `isLast` for the line after which the updater has ended. */
  message(text: string, isLast?: boolean): void
  /** Sets the progress, from 0 to 1, or null for unknown. */
  progress(fraction: number | null): void
  /**
   * Stores what `repair` needs after a crash; resolves when it is on the disk. Await it before each change of files.
   * Clients can read it: no secrets.
   */
  note(details: PlainData): Promise<void>
  /** Runs a step that must not be cancelled, such as the swap of two folders. */
  uninterrupted<T>(step: () => Promise<T>): Promise<T>
  /**
   * Restarts the services of the section, each with a message that starts with `label` and a colon. In a full update it
   * postpones those that other entries use too. Rejects with ApiError.
   */
  restartServices(label: string): Promise<void>
}

/** How a client wants a recovery to be done. */
export interface Recovery {
  /** Install from scratch; else repair what is there. */
  readonly hard: boolean
  /** Install all dependencies again; else only those that differ. */
  readonly dependencies: boolean
}

/** The stored state of an updater: JSON. */
export type StoredState = Readonly<Record<string, unknown>>

/**
 * One installation. The manager calls `refresh`, `update`, `rollback`, `recover` and `repair` of one updater one after
 * the other, never at the same time, and stores `stored()` after each of them, also after a failure.
 */
export interface Updater {
  readonly name: string
  /** How its messages start: `Git Repo klipper`. */
  readonly label: string
  /** The services that an update restarts, in their order. */
  readonly services: readonly string[]
  /** The folder of the installation, without links; undefined for the packages of the system. */
  readonly folder?: string
  /** Whether the status leaves the entry out; false where it is left out. */
  readonly isHidden?: boolean
  /** What clients see; built from memory, without input and output. */
  status(): EntryStatus
  /** Reads the installation, and what is published. A failure shows in the status, it does not reject. */
  refresh(signal: AbortSignal): Promise<void>
  /** Does nothing, without a message, if nothing is to be updated. Rejects with ApiError with the text for clients. */
  update(run: UpdateRun): Promise<void>
  /** Installs the previous version. Left out where the type has none. */
  rollback?(run: UpdateRun): Promise<void>
  /** Repairs the installation. Only for repositories. */
  recover?(run: UpdateRun, how: Recovery): Promise<void>
  /**
   * Repairs what a crash left, at the next start, before anything else; `details` are the last ones of `note`. Messages
   * of `run` go to the log. Resolves with a sentence for the warning: what was found, and what was done about it.
   */
  repair?(run: UpdateRun, details: PlainData): Promise<string>
  /** What `restore` needs at the next start. */
  stored(): StoredState
  /** Takes the state of the previous run, in place of a refresh. Fields may be missing or of another type. */
  restore(state: StoredState): void
}

/** What an updater is made from; `O` are the options of its type. */
export interface UpdaterParts<O extends SectionOptions> {
  readonly core: Core
  readonly name: string
  /** Makes the errors about an option. */
  readonly section: Pick<ReadSection<O>, 'section' | 'error'>
  readonly common: CommonOptions
  readonly options: InferShape<O>
  /** Of [update_manager]. */
  readonly general: GeneralOptions
  readonly releases: ReleaseApi
  readonly machine: MachineServices
  /** The packages of the operating system. */
  readonly packages: SystemPackages
  /** Runs git in any folder. */
  readonly git: Git
}

/** The module of a type. */
export interface UpdaterModule<O extends SectionOptions> {
  /** Rejects with ConfigError for options that cannot be used, such as a folder that does not exist. */
  readonly open: (parts: UpdaterParts<O>) => Promise<Updater>
}

/** A type of updaters, ready to be opened for a section. */
export interface UpdaterType {
  readonly options: SectionOptions
  /** Reads the options of the type. Throws ConfigError. */
  read(parts: ReadParts): { readonly options: unknown; readonly open: () => Promise<Updater> }
}

/** What the options of a type are read from. */
interface ReadParts extends Omit<UpdaterParts<SectionOptions>, 'section' | 'options'> {
  readonly section: ReadSection<SectionOptions>
}

/** Declares a type of updaters. Its module is loaded when a section of this type exists. */
export function updaterType<O extends SectionOptions>(
  options: O,
  load: () => Promise<UpdaterModule<O>>,
): UpdaterType {
  return {
    options,
    read: parts => {
      const read = parts.section.read(options)
      return { options: read, open: async () => (await load()).open({ ...parts, options: read }) }
    },
  }
}
