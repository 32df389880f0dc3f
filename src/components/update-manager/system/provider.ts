// How the packages of the operating system are read and changed.

/** The interface of an update for what is done in it. */
export interface PackageRun {
  readonly signal: AbortSignal
  /** Receives the lines that the work prints. */
  message(text: string): void
  /** Receives the progress of a change, from 0 to 1, or null for unknown, where the package manager reports it. */
  progress?(fraction: number | null): void
}

/** A package manager. Every method rejects with PackageError, and with the reason of the signal. */
export interface PackageProvider {
  /** Reads what is published again. */
  refresh(run: PackageRun): Promise<void>
  /** The names of the installed packages of which a newer version is published. */
  upgradable(signal: AbortSignal): Promise<string[]>
  upgrade(run: PackageRun): Promise<void>
  /** Those of `names` that are published. */
  known(names: readonly string[], signal: AbortSignal): Promise<string[]>
  install(names: readonly string[], run: PackageRun): Promise<void>
}

/** The package manager failed; the message is for clients. */
export class PackageError extends Error {
  override readonly name: string = 'PackageError'
}
